"""Material for piano, all of whose notes were composed: dealt to hands and played as the feeling wants it.

The right hand's top line is the part `melody`, the lowest line `bass`, what is between them `harmony`: on a piano it is
one instrument, with a band's instruments it is a score for them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from robotd.music.bar import Note
from robotd.music.compose.arrangement import NOWHERE, Rendered, Voices
from robotd.music.compose.chord import OCTAVE
from robotd.music.compose.expression import in_character
from robotd.music.compose.grid import STEPS_PER_BAR, STEPS_PER_BEAT, GridNote
from robotd.music.compose.placing import Place, bar_of, settled
from robotd.music.compose.ranges import RANGES, into_range
from robotd.music.compose.touch import Touch, one_at_a_time

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from robotd.music.bar import Part
    from robotd.music.compose.expression import Expression
    from robotd.music.compose.material import PianoMaterial

#: What is tied over a bar line by less than a quarter isn't struck again; the others are, and softer.
_SHORTEST_TIE, _TIED = 4, -6
#: Below these densities the inner voices leave out what is between the eighths, and between the beats.
_EIGHTHS_BELOW, _BEATS_BELOW = 0.25, 0.12
#: From this density on the bass is doubled an octave lower on strong beats.
_DOUBLED_FROM = 0.7
#: What is not melody is softer by this share of the balance, besides being lower.
_INNER = 0.75
#: A top line doesn't fall by more semitones within so many steps: what lies lower accompanies it.
_FALL, _RECALLED_STEPS = 7, 8


@dataclass(frozen=True, slots=True)
class _Voiced:
    note: GridNote
    tied: bool
    part: Part
    pitch: int


def render_piano(
    material: PianoMaterial, bar_in_stretch: int, how: Expression, tonic: int, voices: Voices = NOWHERE
) -> Rendered:
    """Return one bar of two hands (see `rendering.render`).

    No key is struck while it is down, not even by another part: parts may share a channel.
    """
    how = in_character(how, material.seed)
    played = settled(material.notes, (), minor=material.minor)
    tops = [note.pitch for note in played if _leads(note, played)]
    place = Place.near(tops, how.melody_centre, tonic, how.mode, minor=material.minor, last=voices.shift)
    notes = []
    touch = Touch.of(how, bar_in_stretch, material.seed, bar_in_stretch, "piano")
    dealt = _dealt(bar_of(played, bar_in_stretch, _SHORTEST_TIE), place)
    basses = [one.note.start for one in dealt if one.part == "bass"]
    for one in dealt:
        if one.part == "harmony" and _left_out(one.note.start, how.density):
            continue
        start = one.note.start
        emphasis = (0.0 if one.part == "melody" else -_INNER * how.balance) + (_TIED if one.tied else 0)
        velocity = touch.velocity(start, pitch=one.pitch, emphasis=emphasis)
        steps = (one.note.end - start) * how.articulation
        if one.part != "melody":
            pedal = next((begins for begins in basses if begins > start), STEPS_PER_BAR)
            steps += how.sustain * max(pedal - start - steps, 0)
        note = Note(start / STEPS_PER_BEAT, steps / STEPS_PER_BEAT, one.pitch, velocity, one.part)
        notes.append(note)
        doubled = one.pitch - OCTAVE
        strong = start % (2 * STEPS_PER_BEAT) == 0
        if one.part == "bass" and strong and how.density >= _DOUBLED_FROM and doubled >= RANGES["bass"][0]:
            notes.append(replace(note, pitch=doubled))
    top = max((note.pitch for note in notes if note.part == "melody"), default=voices.melody)
    return Rendered(_one_keyboard(notes), replace(voices, shift=place.shift, melody=top))


def _left_out(start: int, density: float) -> bool:
    return (density < _EIGHTHS_BELOW and start % 2 != 0) or (density < _BEATS_BELOW and start % STEPS_PER_BEAT != 0)


def _leads(note: GridNote, notes: Iterable[GridNote]) -> bool:
    """Return whether a note belongs to the top line: nothing higher sounds, and nothing much higher did lately."""
    return not any(
        other.start <= note.start
        and (
            (other.pitch > note.pitch and note.start < other.end)
            or (other.pitch > note.pitch + _FALL and note.start - other.start <= _RECALLED_STEPS)
        )
        for other in notes
    )


def _is_bottom(note: GridNote, notes: Iterable[GridNote]) -> bool:
    """Return whether nothing lower sounds when a note begins."""
    return not any(other.start <= note.start < other.end and other.pitch < note.pitch for other in notes)


def _dealt(inside: Sequence[tuple[GridNote, bool]], place: Place) -> list[_Voiced]:
    """Return the notes of a bar with the part that plays each and where."""
    notes = [note for note, _ in inside]
    dealt = []
    for note, tied in inside:
        pitch = place.of(note.pitch)
        part: Part = "harmony"
        if pitch <= RANGES["bass"][1] and _is_bottom(note, notes):
            part = "bass"
        elif pitch >= RANGES["melody"][0] and _leads(note, notes):
            part = "melody"
        dealt.append(_Voiced(note, tied, part, into_range(pitch, part)))
    return dealt


def _one_keyboard(notes: Iterable[Note]) -> tuple[Note, ...]:
    """Return the notes so that each key of the keyboard is struck by one part at a time."""
    parts = {(note.start_beats, note.pitch): note.part for note in sorted(notes, key=lambda n: n.duration_beats)}
    alone = one_at_a_time(replace(note, part="melody") for note in notes)
    return tuple(replace(note, part=parts[note.start_beats, note.pitch]) for note in alone)
