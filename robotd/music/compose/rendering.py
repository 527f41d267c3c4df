"""Rendering: a bar of material as it is played for the newest feeling, in the key of the piece.

Material is composed beforehand. What follows the feeling at once is decided here: mode, register, loudness, length, the
figures of the accompaniment, and how many of the quick notes are played.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from robotd.music.bar import Note
from robotd.music.compose.arrangement import NOWHERE, Rendered, Voices, accompany
from robotd.music.compose.chord import OCTAVE, diatonic
from robotd.music.compose.expression import in_character
from robotd.music.compose.grid import STEPS_PER_BAR, STEPS_PER_BEAT, STRETCH_BARS, GridNote
from robotd.music.compose.harmony import nearest, voicing
from robotd.music.compose.keys import classes_in, is_minor
from robotd.music.compose.material import BandMaterial, Material, PianoMaterial, pivoted
from robotd.music.compose.piano import render_piano
from robotd.music.compose.placing import Place, bar_of, settled
from robotd.music.compose.ranges import RANGES, into_range
from robotd.music.compose.touch import Touch, one_at_a_time

if TYPE_CHECKING:
    from collections.abc import Sequence

    from robotd.music.bar import Part
    from robotd.music.compose.expression import Expression

__all__ = [
    "RANGES",
    "BandMaterial",
    "Material",
    "PianoMaterial",
    "Rendered",
    "Voices",
    "pivoted",
    "render",
    "render_band",
    "render_ending",
    "render_piano",
]

#: Below this density a melody leaves out what is between the eighths.
PLAIN_BELOW = 0.22
#: What is tied over a bar line by less than an eighth isn't struck again; the others are, and softer.
_SHORTEST_TIE, _TIED = 2, -6
#: The last chord is rolled: so many beats from note to note.
_ROLL_BEATS = 0.25
_ENDING_SOFTER = 0.8


def render(material: Material, bar_in_stretch: int, how: Expression, tonic: int, voices: Voices = NOWHERE) -> Rendered:
    """Return one bar of material.

    Args:
        material: four bars.
        bar_in_stretch: which of them, 0..3.
        how: the dials; its mode is that of the bar, whatever the material was composed in.
        tonic: of the piece, 0..11.
        voices: where the bar before has left the parts.
    """
    if isinstance(material, BandMaterial):
        return render_band(material, bar_in_stretch, how, tonic, voices)
    return render_piano(material, bar_in_stretch, how, tonic, voices)


def render_band(
    material: BandMaterial, bar_in_stretch: int, how: Expression, tonic: int, voices: Voices = NOWHERE
) -> Rendered:
    """Return one bar of a melody with harmony, bass and drums (see `render`)."""
    how = in_character(how, material.seed)
    altered = {pitch_class for chord in material.chords for pitch_class in chord.classes}
    melody = settled(material.melody, altered, minor=material.minor)
    pitches = [note.pitch for note in melody]
    place = Place.near(pitches, how.melody_centre, tonic, how.mode, minor=material.minor, last=voices.shift)
    inside = bar_of(melody, bar_in_stretch, _SHORTEST_TIE)
    if how.density < PLAIN_BELOW:
        inside = _plain(inside)
    touch = Touch.of(how, bar_in_stretch, material.seed, bar_in_stretch, "melody")
    notes = [
        Note(
            note.start / STEPS_PER_BEAT,
            (note.end - note.start) * how.articulation / STEPS_PER_BEAT,
            pitch := into_range(place.of(note.pitch), "melody"),
            touch.velocity(note.start, pitch=pitch, emphasis=_TIED if tied else 0),
        )
        for note, tied in inside
    ]
    ceiling = min((note.pitch for note in notes), default=None)
    band, voices = accompany(material, bar_in_stretch, how, tonic, voices, ceiling=ceiling)
    last = notes[-1].pitch if notes else voices.melody
    return Rendered(one_at_a_time([*notes, *band]), replace(voices, shift=place.shift, melody=last))


def render_ending(how: Expression, tonic: int, voices: Voices = NOWHERE, seed: int = 0) -> Rendered:
    """Return a last bar: the tonic's chord, rolled from below, with the tonic above it.

    Args:
        how: the dials; it is played softer than they say.
        tonic: of the piece.
        voices: where the bar before has left the parts.
        seed: of the unevenness of the hand.
    """
    minor = is_minor(how.mode)
    classes = classes_in(diatonic(0, minor=minor), tonic, how.mode, minor=minor)
    bass = into_range(nearest(tonic, how.bass_centre), "bass")
    chord = voicing(classes, max(how.chord_centre, bass + OCTAVE), voices.chord)
    top = into_range(nearest(tonic, voices.melody or how.melody_centre), "melody")
    while top <= chord[-1]:
        top += OCTAVE
    touch = Touch.of(how, STRETCH_BARS - 1, seed, "ending")
    rolled: list[tuple[int, Part]] = [(bass, "bass"), *((pitch, "harmony") for pitch in chord), (top, "melody")]
    notes = []
    for number, (pitch, part) in enumerate(rolled):
        start = number * _ROLL_BEATS
        velocity = round(_ENDING_SOFTER * touch.velocity(0, emphasis=-2 * number))
        notes.append(Note(start, STEPS_PER_BAR / STEPS_PER_BEAT - start, pitch, velocity, part))
    return Rendered(tuple(notes), NOWHERE)


def _plain(melody: Sequence[tuple[GridNote, bool]]) -> list[tuple[GridNote, bool]]:
    """Return a melody without the notes that begin between eighths; the note before is held instead."""
    kept: list[tuple[GridNote, bool]] = []
    for note, tied in melody:
        if note.start % 2 == 0 or not kept:
            kept.append((note, tied))
        else:
            before, was_tied = kept[-1]
            kept[-1] = (replace(before, end=max(note.end, before.end)), was_tied)
    return kept
