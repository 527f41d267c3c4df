"""The band behind a melody: what chords, bass and drums play in one bar."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING

from robotd.music.bar import SCALES
from robotd.music.compose import accompaniment, bass, drums
from robotd.music.compose.chord import OCTAVE, degree_of, diatonic
from robotd.music.compose.grid import STEPS_PER_BAR
from robotd.music.compose.harmony import nearest, voicing
from robotd.music.compose.keys import classes_in
from robotd.music.compose.ranges import RANGES, into_range
from robotd.music.compose.theme import dice
from robotd.music.compose.touch import Touch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from robotd.music.bar import Note
    from robotd.music.compose.chord import Chord
    from robotd.music.compose.expression import Expression
    from robotd.music.compose.material import BandMaterial

HALVES_PER_BAR = 2
_HALF_STEPS = STEPS_PER_BAR // HALVES_PER_BAR
#: Triads get their seventh at tensions above a level between these.
_SEVENTHS_FROM, _SEVENTHS_TO = 0.45, 1.3
#: The middle of a chord keeps so many semitones from the bass, where close intervals are muddy, and from the melody.
_ABOVE_BASS, _BELOW_MELODY = 9, 5
#: A chord lies within so many semitones of its centre.
_REACH = 8
#: Of two octaves that are as near the bass takes the lower one.
_RATHER_LOW = 0.1


@dataclass(frozen=True, slots=True)
class Voices:
    """Where a bar has left the parts, so that the next one goes on from there.

    Attributes:
        chord: the last pitches of the chords, low to high; empty before the first bar.
        bass: the last root in the bass.
        shift: by how many semitones the material was moved.
        melody: the last pitch of the melody.
    """

    chord: tuple[int, ...] = ()
    bass: int | None = None
    shift: int | None = None
    melody: int | None = None


#: Before the first bar.
NOWHERE = Voices()


@dataclass(frozen=True, slots=True)
class Rendered:
    """A bar as it is played.

    Attributes:
        notes: in the order of their starts.
        voices: where the parts are afterwards.
    """

    notes: tuple[Note, ...]
    voices: Voices


def accompany(
    material: BandMaterial, bar: int, how: Expression, tonic: int, voices: Voices, *, ceiling: int | None
) -> tuple[list[Note], Voices]:
    """Return what the band plays behind the melody in one bar, and where its voices are then.

    Args:
        material: whose chords are played.
        bar: which bar of the stretch, from 0.
        how: the dials.
        tonic: of the piece.
        voices: where the bar before has left them.
        ceiling: the melody's lowest pitch in this bar.
    """
    chords, minor, seed = material.chords, material.minor, material.seed
    hands = {part: Touch.of(how, bar, seed, bar, part) for part in ("harmony", "bass", "drums")}
    forms = accompaniment.figure_for(how, seed)
    scale = {(tonic + step) % OCTAVE for step in SCALES[how.mode]}
    notes: list[Note] = []
    first = bar * HALVES_PER_BAR
    place = first
    for chord, group in groupby(chords[first : first + HALVES_PER_BAR]):
        begins = place
        place += len(list(group))
        steps = range((begins - first) * _HALF_STEPS, (place - first) * _HALF_STEPS)
        coloured = _coloured(chord, how, minor=minor, key=(seed, begins))
        classes = classes_in(coloured, tonic, how.mode, minor=minor)
        root = _root(classes[0], how.bass_centre, voices.bass)
        voices = replace(voices, chord=_voiced(classes, how, voices, root, ceiling), bass=root)
        parts = dict(zip(accompaniment.VOICES, (into_range(root + OCTAVE, "harmony"), *voices.chord), strict=True))
        notes += accompaniment.accompany(forms, parts, steps, how, hands["harmony"])
        following = chords[place] if place < len(chords) else chord
        next_root = _root(classes_in(following, tonic, how.mode, minor=minor)[0], how.bass_centre, root)
        notes += bass.play(bass.Ground(root, classes, steps, next_root), scale, how, hands["bass"])
    notes += drums.beat(bar, how, hands["drums"])
    return notes, voices


def _coloured(chord: Chord, how: Expression, *, minor: bool, key: tuple[int, int]) -> Chord:
    """Return a chord with its seventh, if the tension is above its level; the tonic stays plain."""
    degree = degree_of(chord.root, minor=minor)
    if degree == 0 or diatonic(degree, minor=minor) != chord:
        return chord
    level = _SEVENTHS_FROM + (_SEVENTHS_TO - _SEVENTHS_FROM) * dice("seventh", *key).random()
    return diatonic(degree, minor=minor, notes=4) if how.tension > level else chord


def _root(pitch_class: int, centre: float, last: int | None) -> int:
    """Return the pitch of a root in the bass: near the centre and near the root before."""
    towards = centre if last is None else (2 * centre + last) / 3
    return into_range(nearest(pitch_class, towards - _RATHER_LOW), "bass")


def _voiced(classes: Sequence[int], how: Expression, voices: Voices, root: int, ceiling: int | None) -> tuple[int, ...]:
    """Return three pitches; of four notes the root is left to the bass."""
    lowest, highest = RANGES["harmony"]
    centre = how.chord_centre if ceiling is None else min(how.chord_centre, ceiling - _BELOW_MELODY)
    centre = min(max(centre, root + _ABOVE_BASS, lowest + _REACH), highest - _REACH)
    outer = None if voices.bass is None else (voices.bass, root)
    return voicing(classes[-3:], centre, voices.chord, bass=outer, ceiling=ceiling)
