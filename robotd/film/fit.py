"""Bars fitted to a film: how many to a segment and how fast, so that joints lie near the cuts, and the end at the end.

Music can't stop in the middle of a bar. Three things give: the tempo of a segment, by at most 12 %, the place of a
joint, by at most half a bar (of the slower of the two segments that meet there), and how much the last bar slows down.
With them every film whose segments last a bar and a half or more can be filled. The best of all combinations is found
by dynamic programming along the film.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

#: A segment's tempo leaves its own by at most this ratio, where its length allows that at all.
MOST_RATIO = 1.12
#: The last bar lasts as long as so many of the bars before it; the usual first.
RITARDANDOS = (1.25, 1.15, 1.4, 1.0, 1.6)

#: Places of a joint that are tried on each side of the cut.
_PLACES = 12
#: What these cost against each other: a joint half a bar (of the faster segment) away, a tempo at the end of its range,
#: an odd number of bars (half a phrase), the least usual last bar.
_SHIFT_COST, _TEMPO_COST, _ODD_COST, _RITARDANDO_COST = 1.0, 1.0, 0.2, 0.5
#: A tempo out of its range is worse than anything else.
_OUT_OF_RANGE_COST = 1000.0


@dataclass(frozen=True, slots=True)
class Stretch:
    """The bars of one segment.

    Attributes:
        start_s: where its first bar begins, in seconds since the film began.
        end_s: where its last bar ends.
        bars: how many there are.
        last: how long the last one is, in bars: more than 1 where the music slows down for the film's end.
    """

    start_s: float
    end_s: float
    bars: int
    last: float = 1.0

    @property
    def bar_s(self) -> float:
        """How long each bar but the last lasts."""
        return (self.end_s - self.start_s) / (self.bars - 1 + self.last)


@dataclass(frozen=True, slots=True)
class _Choice:
    """One way to reach a joint: what the film up to there costs, and the way back."""

    cost: float
    at_s: float
    before: _Choice | None = None
    bars: int = 0
    last: float = 1.0


def fit(bounds_s: Sequence[float], bar_s: Sequence[float]) -> list[Stretch]:
    """Return the bars of each segment.

    Args:
        bounds_s: the film's beginning, the cuts, its end: one more than there are segments, rising.
        bar_s: how long a bar of each segment would last by itself.
    """
    reached = [_Choice(0.0, bounds_s[0])]
    for n, own_s in enumerate(bar_s):
        final = n == len(bar_s) - 1
        places = [(bounds_s[-1], 0.0)] if final else list(_places(bounds_s[n + 1], own_s, bar_s[n + 1]))
        reached = [
            min(
                (way for before in reached for way in _ways(before, at_s, own_s, shift, final=final)),
                key=lambda way: way.cost,
            )
            for at_s, shift in places
        ]
    choice: _Choice | None = min(reached, key=lambda way: way.cost)
    way = []
    while choice is not None:
        way.append(choice)
        choice = choice.before
    return [Stretch(one.at_s, other.at_s, other.bars, other.last) for one, other in pairwise(reversed(way))]


def _places(cut_s: float, *bars_s: float) -> Iterator[tuple[float, float]]:
    """Yield where a joint may lie, and how far from its cut that is, in half bars of the faster segment."""
    for step in range(-_PLACES, _PLACES + 1):
        shift_s = max(bars_s) / 2 * step / _PLACES
        yield cut_s + shift_s, 2 * shift_s / min(bars_s)


def _ways(before: _Choice, at_s: float, own_s: float, shift: float, *, final: bool) -> Iterator[_Choice]:
    """Yield the ways to fill the time from a joint to the next with bars."""
    length_s = at_s - before.at_s
    for last in RITARDANDOS if final else (1.0,):
        slowing = _RITARDANDO_COST * abs(last - RITARDANDOS[0]) / (RITARDANDOS[-1] - RITARDANDOS[0]) if final else 0.0
        exact = length_s / own_s - last + 1
        for bars in {max(1, math.floor(exact)), max(1, math.ceil(exact))}:
            # Positions of neighbouring joints cross only in films whose bars are longer than their segments.
            off = (
                abs(math.log((bars - 1 + last) * own_s / length_s)) / math.log(MOST_RATIO) if length_s > 0 else math.inf
            )
            cost = _SHIFT_COST * shift**2 + _TEMPO_COST * off**2 + _ODD_COST * (bars % 2) + slowing
            # Rounding of a tempo to whole microseconds a beat stays within the range, too.
            cost += _OUT_OF_RANGE_COST * (off > 0.999) * (1 + off)  # noqa: PLR2004 - just inside
            yield _Choice(before.cost + cost, at_s, before, bars, last)
