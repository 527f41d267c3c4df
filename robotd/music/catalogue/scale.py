"""The scales in which people give valence and arousal, and how to bring them to ours."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from robotd.errors import LibraryError

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Standard scores: so many deviations are the end of our scale. The ratings of DEAM, PMEmo and MUSIFEAST-17 have
#: deviations of 0.19 to 0.37 of half their scale, 0.31 in the mean.
DEVIATIONS = 3.0
#: Farther out is a mistake.
_MOST_DEVIATIONS = 8.0
_STANDARD = "z"


@dataclass(frozen=True, slots=True)
class Scale:
    """A range of numbers, the middle of which is neither pleasant nor unpleasant, quiet nor excited.

    Attributes:
        name: `LOW..HIGH`, or `z` for standard scores.
        low: becomes -1.
        high: becomes 1.
    """

    name: str
    low: float
    high: float

    def ours(self, text: str, what: str) -> float:
        """Return a number of this scale as one of -1..1.

        Raises:
            ValueError: it is no number, or outside; says so of `what`.
        """
        try:
            value = float(text)
        except ValueError:
            raise ValueError(f"{what} {text!r} is no number" if text.strip() else f"{what} is empty") from None
        if self.name == _STANDARD:
            if not abs(value) <= _MOST_DEVIATIONS:
                raise ValueError(f"{what} {text.strip()} is no standard score")
            return min(1.0, max(-1.0, value / DEVIATIONS))
        if not self.low <= value <= self.high:
            raise ValueError(f"{what} {text.strip()} is outside of {self.name}")
        return (2 * value - (self.low + self.high)) / (self.high - self.low)


OURS = Scale("-1..1", -1.0, 1.0)
STANDARD = Scale(_STANDARD, -DEVIATIONS, DEVIATIONS)
_UNIT = Scale("0..1", 0.0, 1.0)
#: In the order in which they are tried.
_USUAL = (
    OURS,
    Scale("1..5", 1.0, 5.0),
    Scale("1..9", 1.0, 9.0),
    Scale("0..10", 0.0, 10.0),
    Scale("0..100", 0.0, 100.0),
    STANDARD,
    Scale("-10..10", -10.0, 10.0),
)
#: Numbers of -1..1 none of which is negative are taken for 0..1 if there are so many.
_ENOUGH = 30
#: Such a share at either end may be mistakes.
_MISTAKEN = 0.01


def scale_named(name: str) -> Scale:
    """Return a scale by its name: `LOW..HIGH` with any numbers, or `z`.

    Raises:
        LibraryError: it is none.
    """
    if name.strip().lower() == _STANDARD:
        return STANDARD
    low, dots, high = name.partition("..")
    try:
        scale = Scale(name.strip(), float(low), float(high))
    except ValueError:
        scale = None
    if not dots or scale is None or not (math.isfinite(scale.low) and scale.low < scale.high < math.inf):
        raise LibraryError(f"no scale {name!r}: give the least and the greatest value as in 1..9, or z for z-scores")
    return scale


def likely_scale(values: Sequence[float]) -> Scale | None:
    """Return the scale that numbers are most likely given in: the first usual one that holds them, but for mistakes.

    Few numbers of which none is negative are taken for ours; None where nothing usual fits.
    """
    ordered = sorted(value for value in values if math.isfinite(value))
    if not ordered:
        return None
    spare = int(len(ordered) * _MISTAKEN)
    low, high = ordered[spare], ordered[-1 - spare]
    if low >= 0 and high <= 1 and len(ordered) >= _ENOUGH:
        return _UNIT
    return next((scale for scale in _USUAL if _holds(scale, low, high)), None)


def _holds(scale: Scale, low: float, high: float) -> bool:
    spare = 1.0 if scale == STANDARD else 0.0
    return scale.low - spare <= low and high <= scale.high + spare
