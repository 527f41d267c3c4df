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


def voicing(classes: Sequence[int], centre: float, previous: Sequence[int]) -> tuple[int, ...]:
    """Return the pitches of a chord, low to high, so that the voices move little.

    Args:
        classes: one pitch class a voice.
        centre: the pitch around which the chord is to lie, within half an octave.
        previous: the chord before, low to high; empty at the beginning.
    """

    def cost(pitches: tuple[int, ...]) -> tuple[float, tuple[int, ...]]:
        apart = sum(abs(pitch - centre) for pitch in pitches)
        moved = sum(abs(new - old) for new, old in zip(pitches, previous, strict=False))
        return moved + 0.7 * apart, pitches

    reach = range(math.ceil(centre) - 7, math.floor(centre) + 8)
    voices = ([pitch for pitch in reach if pitch % 12 == pitch_class] for pitch_class in classes)
    chords = (tuple(sorted(chord)) for chord in product(*voices))
    return min(chords, key=cost)
