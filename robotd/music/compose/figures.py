"""Figures: patterns of strikes that fill up with density, one strike after the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

#: A strike begins so much softer at the density from which it is played, and has its full loudness so much above it.
_SOFTER, _FADE = 8, 0.08


#: Beyond every density.
ALWAYS = 2.0


@dataclass(frozen=True, slots=True)
class Strike:
    """One stroke of a pattern.

    Attributes:
        step: in sixteenths from the beginning of the pattern.
        voice: what is struck; each part has names of its own.
        emphasis: added to the velocity.
        low: the density from which on it is played.
        high: the density from which on it isn't any more.
    """

    step: int
    voice: str
    emphasis: int = 0
    low: float = 0.0
    high: float = ALWAYS


Figure = tuple[Strike, ...]


def struck(figure: Figure, density: float) -> Iterator[tuple[Strike, int]]:
    """Yield the strikes that are played at a density of 0..1, with their emphasis.

    The denser the music, the more of them; each comes in softly, so that no strike is suddenly there.
    """
    for strike in figure:
        if strike.low <= density < strike.high:
            present = min((density - strike.low) / _FADE, 1.0) if strike.low > 0 else 1.0
            yield strike, strike.emphasis - round(_SOFTER * (1 - present))


def figure(text: str) -> Figure:
    """Return the figure of a text such as `0 low, 2 middle .2, 4 high 0-.36`: step, voice, density from (to)."""
    strikes = []
    for one in text.split(","):
        step, voice, *levels = one.split()
        low, _, high = levels[0].partition("-") if levels else ("0", "", "")
        strikes.append(Strike(int(step), voice, low=float(low), high=float(high or ALWAYS)))
    return tuple(strikes)
