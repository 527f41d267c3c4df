"""Chords: phrases that go somewhere, and voices that move as little as they can."""

from __future__ import annotations

import math
from itertools import product
from typing import TYPE_CHECKING

from robotd.music.bar import SCALES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from robotd.music.bar import Mode

#: The chords of one bar, as degrees of the scale counted from 0; two share the bar evenly.
Chords = tuple[int, ...]
#: Four bars of chords.
Phrase = tuple[Chords, Chords, Chords, Chords]

#: Questions: phrases that stop on the way, mostly on the dominant or the seventh degree that stands in for it
#: in the modes without a leading note.
ANTECEDENTS: dict[Mode, tuple[Phrase, ...]] = {
    "major": (((0,), (5,), (3,), (4,)), ((0,), (3,), (1,), (4,)), ((0,), (2,), (3,), (4,))),
    "mixolydian": (((0,), (3,), (0,), (6,)), ((0,), (6,), (3,), (6,)), ((0,), (5,), (3,), (6,))),
    "dorian": (((0,), (3,), (0,), (6,)), ((0,), (6,), (3,), (4,)), ((0,), (2,), (3,), (6,))),
    "minor": (((0,), (5,), (2,), (6,)), ((0,), (3,), (5,), (4,)), ((0,), (6,), (5,), (4,))),
}

#: Answers: phrases that come home.
CONSEQUENTS: dict[Mode, tuple[Phrase, ...]] = {
    "major": (((0,), (5,), (1, 4), (0,)), ((5,), (3,), (4,), (0,)), ((0,), (3,), (0, 4), (0,))),
    "mixolydian": (((0,), (6,), (3,), (0,)), ((5,), (3,), (6,), (0,)), ((0,), (3,), (3, 6), (0,))),
    "dorian": (((0,), (3,), (6,), (0,)), ((2,), (3,), (4,), (0,)), ((0,), (3,), (3, 4), (0,))),
    "minor": (((0,), (5,), (6,), (0,)), ((5,), (2,), (6,), (0,)), ((0,), (3,), (3, 4), (0,))),
}


def pitch_classes(tonic: int, mode: Mode, degrees: Sequence[int]) -> tuple[int, ...]:
    """Return the pitch classes of degrees of a scale, counted from 0 and going on above 6."""
    return tuple((tonic + SCALES[mode][degree % 7]) % 12 for degree in degrees)


def nearest(pitch_class: int, centre: float) -> int:
    """Return the pitch of this class that is nearest to a pitch."""
    return round((centre - pitch_class) / 12) * 12 + pitch_class


#: Intervals between bass and top, in semitones within an octave, that shouldn't follow themselves in parallel motion.
_PERFECT = (0, 7)
_PARALLEL_COST = 4.0
_COVERED_COST = 4.0


def voicing(
    classes: Sequence[int],
    centre: float,
    previous: Sequence[int],
    *,
    bass: tuple[int, int] | None = None,
    ceiling: int | None = None,
) -> tuple[int, ...]:
    """Return the pitches of a chord, low to high, so that the voices move little.

    The voices keep their order, so that none crosses another. Each moves as short a way as it can (Tymoczko, "A
    geometry of music", 2011, on efficient voice leading); fifths and octaves in parallel between the lowest and the
    highest voice are avoided where that costs little (Piston, "Harmony", 1941; Huron, "Tone and voice", Music
    Perception 19 (2001), 1-64, for why: voices that move so fuse).

    Args:
        classes: one pitch class a voice.
        centre: the pitch around which the chord is to lie, within half an octave.
        previous: the chord before, low to high; empty at the beginning.
        bass: the pitches of the bass under the chord before and under this one, if it has one.
        ceiling: the melody's lowest pitch, below which the chord is rather to stay.
    """

    def cost(pitches: tuple[int, ...]) -> tuple[float, tuple[int, ...]]:
        apart = sum(abs(pitch - centre) for pitch in pitches)
        moved = sum(abs(new - old) for new, old in zip(pitches, previous, strict=False))
        total = moved + 0.7 * apart
        if bass is not None and previous and _parallel((bass[0], previous[-1]), (bass[1], pitches[-1])):
            total += _PARALLEL_COST
        if ceiling is not None and pitches[-1] >= ceiling:
            total += _COVERED_COST * (1 + pitches[-1] - ceiling)
        return total, pitches

    reach = range(math.ceil(centre) - 7, math.floor(centre) + 8)
    voices = ([pitch for pitch in reach if pitch % 12 == pitch_class] for pitch_class in classes)
    chords = (tuple(sorted(chord)) for chord in product(*voices))
    return min(chords, key=cost)


def _parallel(before: tuple[int, int], after: tuple[int, int]) -> bool:
    """Return whether two voices, (lower, upper), move on in the same fifth or octave."""
    interval = (before[1] - before[0]) % 12
    return before != after and interval in _PERFECT and (after[1] - after[0]) % 12 == interval
