"""Material: four bars that were composed in C major or A minor and wait to be played."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from robotd.music.compose.harmoniser import fit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from robotd.music.compose.chord import Chord
    from robotd.music.compose.grid import GridNote


@dataclass(frozen=True, slots=True)
class BandMaterial:
    """A melody and its chords.

    Attributes:
        melody: one note at a time, in the order of their starts.
        chords: eight, one each half bar.
        minor: whether both are in A minor, else in C major.
        seed: of what is not composed but chosen: figures, and the unevenness of hands.
    """

    melody: tuple[GridNote, ...]
    chords: tuple[Chord, ...]
    minor: bool
    seed: int = 0


@dataclass(frozen=True, slots=True)
class PianoMaterial:
    """All that two hands play.

    Attributes:
        notes: in the order of their starts; none begins on a key that still sounds.
        minor: whether they are in A minor, else in C major.
        seed: of the unevenness of hands.
    """

    notes: tuple[GridNote, ...]
    minor: bool
    seed: int = 0


Material = BandMaterial | PianoMaterial


def pivoted(material: Material, pivots: Sequence[Chord]) -> Material:
    """Return the material with the pivot that fits its melody best as the chord of its first half bar.

    Without pivots, or of material for piano, whose chords are its notes, nothing is changed.
    """
    if not pivots or isinstance(material, PianoMaterial):
        return material
    best = max(pivots, key=lambda chord: fit(chord, material.melody, 0))
    return replace(material, chords=(best, *material.chords[1:]))
