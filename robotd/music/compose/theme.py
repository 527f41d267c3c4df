"""A melody: a theme drawn once, sung again and again over other chords and in other moods.

A theme is only numbers in 0..1. How many of its notes are heard, how high and over which chord is decided
anew in each bar, so the same theme returns as a slow song or as a dance.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

T = TypeVar("T")

BEATS = 4
#: Where notes start within a beat, from the quietest way to fill it to the busiest.
FILLINGS: tuple[tuple[float, ...], ...] = ((), (0.0,), (0.0, 0.5), (0.0, 0.5, 0.75))
#: How much activity a beat needs for each filling after the first.
FILLED_FROM = (0.5, 0.95, 1.45)
#: A note of at least so many beats, or on a strong beat, belongs to the chord.
LONG_BEATS = 1.5
LARGEST_LEAP = 9


def dice(*key: object) -> random.Random:
    """Return a generator of numbers that depend on the key only, on every machine and version of Python."""
    return random.Random("/".join(map(str, key)))  # noqa: S311 - music, no secrets


def pick(choices: Sequence[T], *key: object) -> T:
    """Return one of several, which depends on the key only."""
    return choices[int(dice(*key).random() * len(choices))]


@dataclass(frozen=True, slots=True)
class Motif:
    """One bar of a theme: numbers in 0..1, one a beat for activity, three a beat for steps and accents."""

    activity: tuple[float, ...]
    steps: tuple[float, ...]
    accents: tuple[float, ...]

    @classmethod
    def drawn(cls, *key: object) -> Motif:
        """Return the motif of a key."""
        roll = dice("motif", *key)
        activity = tuple(roll.random() for _ in range(BEATS))
        steps = tuple(roll.random() for _ in range(3 * BEATS))
        return cls(activity, steps, tuple(roll.random() for _ in range(3 * BEATS)))

    def onsets(self, density: float) -> tuple[float, ...]:
        """Return where notes start, in beats, for a density of 0..1; the first beat always has one."""
        starts = [0.0]
        for beat, chance in enumerate(self.activity):
            activity = 1.2 * density + 0.6 * chance
            filling = FILLINGS[sum(activity >= needed for needed in FILLED_FROM)]
            starts += [beat + offset for offset in filling if beat + offset > 0]
        return tuple(starts)


def cadence_onsets(density: float) -> tuple[float, ...]:
    """Return where notes start in the last bar of a phrase, which ends on a long one."""
    approaches = ((0.0,), (0.0, 2.0), (0.0, 1.0, 2.0), (0.0, 0.5, 1.0, 2.0))
    return approaches[min(int(density * len(approaches)), len(approaches) - 1)]


def arch(phrase_bar: int, beat: float) -> float:
    """Return the height of a phrase's arch at a place, -1 (its ends) .. 1 (its middle).

    Melodies in phrases rise and fall: Huron, "The melodic arch in Western folksongs", Computing in
    Musicology 10 (1996), 3-23.
    """
    return 2 * math.sin(math.pi * (phrase_bar + beat / BEATS) / 4) - 1


def line(
    motif: Motif,
    onsets: Sequence[float],
    *,
    scale: Sequence[int],
    chord_at: Callable[[float], Collection[int]],
    target_at: Callable[[float], float],
    last: int | None,
    final: int | None,
) -> tuple[int, ...]:
    """Return a pitch for every onset.

    Chord notes stand on strong beats and where a note is long; between them the line goes by step, as far
    as the target lets it.

    Args:
        motif: leads the line up and down around the target.
        onsets: in beats, ascending from 0.
        scale: the pitches that may be used, low to high; at least an octave of them.
        chord_at: the pitch classes of the chord at a beat.
        target_at: the pitch around which the line moves at a beat.
        last: the pitch before this bar, None at the beginning.
        final: a pitch class that the last note must have, if any.
    """
    pitches: list[int] = []
    ends = (*onsets[1:], float(BEATS))
    for number, (start, end) in enumerate(zip(onsets, ends, strict=True)):
        target = target_at(start) + 8 * (motif.steps[number] - 0.5)
        if final is not None and number == len(onsets) - 1:
            candidates = [pitch for pitch in scale if pitch % 12 == final]
        elif last is None or start % 2 == 0 or end - start >= LONG_BEATS:
            candidates = [pitch for pitch in scale if pitch % 12 in chord_at(start)]
        else:
            candidates = list(_steps_from(last, scale))
        last = min(candidates, key=partial(_effort, target=target, last=last))
        pitches.append(last)
    return tuple(pitches)


def _steps_from(pitch: int, scale: Sequence[int]) -> Sequence[int]:
    """Return the note of the scale that is nearest to a pitch, and its neighbours."""
    place = min(range(len(scale)), key=lambda i: abs(scale[i] - pitch))
    return scale[max(place - 1, 0) : place + 2]


def _effort(pitch: int, target: float, last: int | None) -> float:
    """Return how unwilling a singer is to take this pitch next."""
    if last is None:
        return abs(pitch - target)
    leap = abs(pitch - last)
    return abs(pitch - target) + 0.5 * leap + (4 if leap == 0 else 0) + (20 if leap > LARGEST_LEAP else 0)
