"""Journeys: music that meets a mood and leads it on, step by step.

The iso principle of music therapy: music first matches the mood that a person is in, then moves by small steps to
where the mood shall go (Altshuler, "A psychiatrist's experience with music as a therapeutic agent", 1948;
Heiderscheit & Madson, "Use of the iso principle as a central method in mood management", Music Therapy Perspectives
33, 2015).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from robotd.emotion import MOODS, Quadrant, quadrant_at

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from robotd.config import Target

OPPOSITE = {Quadrant.Q1: Quadrant.Q3, Quadrant.Q2: Quadrant.Q4, Quadrant.Q3: Quadrant.Q1, Quadrant.Q4: Quadrant.Q2}
#: Where a way between opposite quadrants crosses a third: pleasant, about so far from the axes.
WAYPOINT = 0.15
#: Pleasant, neither sleepy nor excited: demanding work goes best at a middle arousal (Yerkes & Dodson 1908).
FOCUS = (0.3, 0.0)
#: A mood that is so far from the whole way ahead has moved otherwise than planned.
OFF_COURSE = 0.35
#: A person who can't follow is led by smaller steps, but never smaller than this.
SLOWER, LEAST_STEP = 0.5, 0.1
_ROUNDING = 1e-9

# What 1,406 listens of 30 people tell (SiTunes; `python -m export situnes`): the mood after a song is, on each axis,
# rest + keep * mood + pull * song. Moods return to their middle by themselves; a song draws arousal more than valence.
_REST = np.array([0.146, -0.007])
_KEEP = np.array([0.616, 0.563])
_PULL = np.array([0.025, 0.109])


class Point(NamedTuple):
    """A place in the plane of feelings, both in -1..1."""

    valence: float
    arousal: float

    def to(self, other: Point) -> float:
        """Return the distance to another place."""
        return math.dist(self, other)


@dataclass(frozen=True, slots=True)
class Plan:
    """A way for the mood.

    Attributes:
        start: the mood that the first song meets.
        goal: where it shall lead; more songs than these may be needed to get there.
        steps: the wanted place of each song; the first is `start`, no two neighbours are farther apart than `step`.
        step: see `steps`.
        replanned: whether the mood left an earlier plan.
    """

    start: Point
    goal: Point
    steps: tuple[Point, ...]
    step: float
    replanned: bool = False

    def follow(self, mood: Point, target: Target, count: int, step: float, played: int = 0) -> Plan:
        """Plan the next songs after those of this plan, from where the mood is now.

        A mood that has left the way that was left to go is met anew where it is. One that stayed behind is then
        led by smaller steps.

        Args:
            mood: as it is now.
            target: as in `plan`.
            count: how many songs.
            step: as configured.
            played: how many songs of this plan were heard, as far as that is known.
        """
        ahead = self.steps[min(max(played - 1, 0), len(self.steps) - 1) :]
        if min(mood.to(place) for place in ahead) <= OFF_COURSE:
            return plan(mood, target, count, min(self.step, step))
        behind = mood.to(self.goal) > ahead[0].to(self.goal)
        fresh = plan(mood, target, count, min(max(self.step * SLOWER, LEAST_STEP), step) if behind else step)
        return replace(fresh, replanned=True)


def plan(start: Point, target: Target, count: int, step: float) -> Plan:
    """Plan a way of so many songs.

    Args:
        start: the mood as it is.
        target: where to go: `uplift`, `calm`, `focus`, `stay`, or a point.
        count: how many songs, at least 1.
        step: how far two songs may be apart at most, > 0.
    """
    goal = goal_of(target, start)
    way = [start, *_waypoints(start, goal), goal]
    strides = _strides([a.to(b) for a, b in pairwise(way)], count - 1, step)
    return Plan(start, goal, tuple(_along(way, gone) for gone in accumulate(strides, initial=0.0)), step)


def _strides(legs: list[float], count: int, step: float) -> list[float]:
    """Return how far each of so many steps goes along a way of these legs: none farther than `step`.

    A step ends at each corner, so that none cuts it. With more songs than needed the longest steps get shorter; with
    fewer the way is not gone to its end.
    """
    counts = [max(1, math.ceil(leg / step - _ROUNDING)) for leg in legs]
    for _ in range(count - sum(counts)):
        counts[max(range(len(legs)), key=lambda n: legs[n] / counts[n])] += 1
    return [leg / n for leg, n in zip(legs, counts, strict=True) for _ in range(n)][:count]


def goal_of(target: Target, start: Point) -> Point:
    """Return the place that a target means for a mood; one that is there already is left where it is."""
    if target == "stay":
        return start
    if target == "uplift":
        valence, arousal = MOODS[Quadrant.Q1]
        return Point(max(start.valence, valence), max(start.arousal, arousal))
    if target == "calm":
        valence, arousal = MOODS[Quadrant.Q4]
        return Point(max(start.valence, valence), min(start.arousal, arousal))
    if target == "focus":
        return Point(*FOCUS)
    return Point(*target)


def _waypoints(start: Point, goal: Point) -> tuple[Point, ...]:
    """Return where a way between opposite quadrants leads through a third one, the pleasant one of the two.

    From sad to happy it goes by calm, from angry to calm by cheerful: never across the middle into the opposite.
    """
    if quadrant_at(*goal) != OPPOSITE[quadrant_at(*start)]:
        return ()
    unpleasant = start if start.valence < goal.valence else goal
    return (Point(WAYPOINT, math.copysign(WAYPOINT, unpleasant.arousal)),)


def _along(way: list[Point], distance: float) -> Point:
    """Return the place so far along a way."""
    for a, b in pairwise(way):
        length = a.to(b)
        if distance <= length and length > 0:
            share = distance / length
            return Point(a.valence + share * (b.valence - a.valence), a.arousal + share * (b.arousal - a.arousal))
        distance -= length
    return way[-1]


def too_sudden(before: NDArray[Any], places: NDArray[Any]) -> NDArray[np.bool_]:
    """Return which places would be a jump from a low mood into the opposite quadrant, [n].

    Args:
        before: [2] valence and arousal.
        places: [n, 2].
    """
    if before[0] >= 0:
        return np.zeros(len(places), bool)
    sudden: NDArray[np.bool_] = (places[:, 0] >= 0) & ((places[:, 1] >= 0) != (before[1] >= 0))
    return sudden


def expected_moods(mood: Point, songs: NDArray[Any]) -> NDArray[np.float64]:
    """Return the moods that are to be expected after songs, [n, 2], by what people told after listening.

    Args:
        mood: before.
        songs: [n, 2] valence and arousal.
    """
    moods: NDArray[np.float64] = np.clip(_REST + _KEEP * np.array(mood) + _PULL * songs, -1, 1)
    return moods
