"""Stretches of one feeling: where the course of valence and arousal changes for good.

The course is cut by optimal partitioning: of all ways to cut it, and to give each part a level, the one with the least
sum of losses plus a penalty for every cut (Jackson et al., "An algorithm for optimal partitioning of data on an
interval", IEEE Signal Processing Letters 12 (2005), 105-108). The loss of a moment is its squared distance from the
level, but never more than that of an outlier, so that a glance, or a face misread for some seconds, makes no cut
(Fearnhead & Rigaill, "Changepoint detection in the presence of outliers", JASA 114 (2019), 169-183). As the levels are
points of a grid, the search is exact and its time grows with the film's length alone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from robotd.emotion import CIRCUMPLEX, EMOTIONS, QUADRANT_OF, Emotion, valence_arousal
from robotd.film.hindsight import STEP_S

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from robotd.emotion import Feeling, Quadrant

#: No segment is shorter, but for a whole film that is.
SHORTEST_S = 6.0
#: Further from its part's level than this a moment is an outlier (valence and arousal, a distance in their plane).
_OUTLIER = 0.5
#: The levels that a part may have lie so far apart.
_GRID = 0.1
#: What a cut costs: a part that is as short as a part may be, and an outlier as a whole, is just worth its two cuts.
_PENALTY = 0.45 * _OUTLIER**2 * SHORTEST_S / STEP_S
#: Segments of one label whose music is composed for points no further apart are one.
_SAME_MUSIC = 0.2
#: From this share of the probabilities on a quadrant is fully meant.
_FULLY_MEANT = 0.5


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of a film with one feeling.

    Attributes:
        start_s: when it begins, in seconds since the film began.
        end_s: when it ends; the next one begins there.
        label: the emotion that is the most probable on average.
        probabilities: of the 8 emotions, on average.
        valence: on average, -1..1.
        arousal: on average, -1..1.
        known: the share of its time in which somebody was seen or heard, 0..1. Without any the feeling is that of
            its neighbours; in a film in which there is nobody at all it is neutral.
    """

    start_s: float
    end_s: float
    label: Emotion
    probabilities: tuple[float, ...]
    valence: float
    arousal: float
    known: float

    @property
    def quadrant(self) -> Quadrant:
        """That of the label."""
        return QUADRANT_OF[self.label]

    @property
    def point(self) -> tuple[float, float]:
        """The (valence, arousal) that its music is composed for.

        The mean of a stretch lies near the middle of the plane whenever the models are unsure, where all music sounds
        alike. Music has to say one thing: this is the mean of the emotions of the quadrant alone, drawn towards the
        middle only where they have less than half of the probability.
        """
        here = [
            p if QUADRANT_OF[e] is self.quadrant else 0.0 for e, p in zip(EMOTIONS, self.probabilities, strict=True)
        ]
        share = sum(here)
        valence, arousal = valence_arousal([p / share for p in here])
        meant = min(1.0, share / _FULLY_MEANT)
        return meant * valence, meant * arousal


def segments(told: Sequence[Feeling], length_s: float) -> list[Segment]:
    """Return the segments of a film, which together last as long as it does.

    Moments at which the feeling is unknown take that of the nearest known moment, the earlier of two. So a person who
    is out of sight for some seconds makes no segment of their own, and a long absence changes from the feeling before
    to the feeling after in its middle.

    Args:
        told: the feeling every half second, from 0 on.
        length_s: how long the film is.
    """
    known = np.array([feeling.known for feeling in told])
    if not known.any():
        neutral = tuple(1.0 if emotion is Emotion.NEUTRAL else 0.0 for emotion in EMOTIONS)
        return [Segment(0.0, length_s, Emotion.NEUTRAL, neutral, *CIRCUMPLEX[Emotion.NEUTRAL], known=0.0)]
    shares = np.array([feeling.probabilities for feeling in told])[_nearest(known)]
    course = shares @ np.array([CIRCUMPLEX[emotion] for emotion in EMOTIONS])
    cuts = changes(_losses(course), round(SHORTEST_S / STEP_S), _PENALTY)
    found: list[tuple[int, Segment]] = []

    def segment(first: int, last: int) -> Segment:
        mean = tuple(float(p) for p in shares[first:last].mean(axis=0))
        # A moment stands for the quarter second before and after it.
        start_s = (first - 0.5) * STEP_S if first else 0.0
        end_s = (last - 0.5) * STEP_S if last < len(told) else length_s
        label = EMOTIONS[max(range(len(EMOTIONS)), key=mean.__getitem__)]
        return Segment(start_s, end_s, label, mean, *valence_arousal(mean), known=float(known[first:last].mean()))

    for first, last in pairwise([0, *cuts, len(told)]):
        one = segment(first, last)
        if found and _alike(found[-1][1], one):
            begun = found.pop()[0]
            found.append((begun, segment(begun, last)))
        else:
            found.append((first, one))
    return [one for _, one in found]


def changes(losses: NDArray[np.float64], shortest: int, penalty: float) -> list[int]:
    """Return where to cut a course: the first index of every part but the first.

    Args:
        losses: [n, levels], what a step would cost in a part of each level.
        shortest: no part is shorter, in steps.
        penalty: what a cut costs.
    """
    n, levels = losses.shape
    summed = np.vstack([np.zeros(levels), np.cumsum(losses, axis=0)])
    best, begun = np.full(n + 1, np.inf), np.zeros(n + 1, dtype=np.int64)
    best[0] = -penalty
    # For each level the beginning of a part that is the best so far, and what it costs but for the part's own losses.
    begin, cost = np.zeros(levels, dtype=np.int64), np.full(levels, np.inf)
    for end in range(min(shortest, n), n + 1):
        start = max(end - shortest, 0)
        better = best[start] - summed[start] < cost
        begin[better], cost[better] = start, (best[start] - summed[start])[better]
        totals = cost + summed[end] + penalty
        level = int(totals.argmin())
        best[end], begun[end] = totals[level], begin[level]
    cuts = []
    end = int(begun[n])
    while end > 0:
        cuts.append(end)
        end = int(begun[end])
    return cuts[::-1]


def _losses(course: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what each moment costs in a part of each level of the grid."""
    steps = np.arange(-1, 1 + _GRID / 2, _GRID)
    levels = np.stack(np.meshgrid(steps, steps), axis=-1).reshape(-1, 2)
    low, high = course.min(axis=0) - _GRID, course.max(axis=0) + _GRID
    levels = levels[((levels >= low) & (levels <= high)).all(axis=1)]
    apart = np.square(course[:, np.newaxis] - levels).sum(axis=2)
    least: NDArray[np.float64] = np.minimum(apart, _OUTLIER**2)
    return least


def _alike(one: Segment, other: Segment) -> bool:
    """Return whether the music of two segments would be the same to a listener."""
    return one.label is other.label and math.dist(one.point, other.point) < _SAME_MUSIC


def _nearest(known: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return for every moment the nearest known one, the earlier of two that are equally near."""
    places = np.flatnonzero(known)
    after = np.searchsorted(places, np.arange(len(known))).clip(0, len(places) - 1)
    before = (after - 1).clip(0)
    moments = np.arange(len(known))
    earlier = np.abs(moments - places[before]) <= np.abs(places[after] - moments)
    chosen: NDArray[np.int64] = np.where(earlier, places[before], places[after])
    return chosen
