"""Variations of a bar, for when the next one isn't there yet: the same harmony under another line.

The means are the oldest ones of variation (Schoenberg, "Fundamentals of musical composition", 1967): notes are broken
up with neighbours, gaps are filled in by step, the rhythm runs backwards, what is weak is left out.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

from robotd.music.compose.chord import OCTAVE
from robotd.music.compose.ranges import RANGES
from robotd.music.compose.theme import dice
from robotd.music.compose.touch import SOFTEST, one_at_a_time

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from robotd.music.bar import Bar, Note, Part

    Rule = Callable[[Sequence[Note], Bar], list[Note]]

#: Whose line is varied: the first of these that plays.
_LEADERS: tuple[Part, ...] = ("melody", "harmony", "bass")
#: Ornaments are softer than what they adorn.
_SOFTER = 6
#: Semitones from one note to the next between which a step lies.
_THIRDS = (3, 4)


def vary(bar: Bar, number: int, seed: int = 0) -> Bar:
    """Return a bar that may be played in place of one that was played before.

    Key, harmony, bass and drums stay; the leading line is played otherwise. The variations take turns, and the bar
    itself takes its turn with them, so that no two in a row are alike. A bar without a pitched note stays as it is.

    Args:
        bar: what was played.
        number: counted from 1: for how manieth time it is played again.
        seed: the order of the variations.
    """
    line = _line(bar)
    if not line:
        return bar
    others = [note for note in bar.notes if note not in line]
    ways = sorted(_RULES, key=lambda rule: dice("vary", seed, bar.index, rule.__name__).random())
    turns = [bar.notes]
    for rule in ways:
        notes = one_at_a_time((*others, *rule(line, bar)))
        if notes not in turns:
            turns.append(notes)
    return replace(bar, notes=turns[number % len(turns)])


def _line(bar: Bar) -> list[Note]:
    """Return the highest note of each strike of the part that leads."""
    for part in _LEADERS:
        tops: dict[float, Note] = {}
        for note in bar.notes:
            if note.part == part and note.pitch >= tops.get(note.start_beats, note).pitch:
                tops[note.start_beats] = note
        if tops:
            return [tops[start] for start in sorted(tops)]
    return []


def _neighbour(note: Note, bar: Bar, direction: int) -> int:
    """Return the next pitch of the key above (1) or below (-1), or on the other side where the range ends."""
    low, high = RANGES[note.part]
    pitch = note.pitch + direction
    while pitch % OCTAVE not in bar.pitch_classes:
        pitch += direction
    return pitch if low <= pitch <= high else _neighbour(note, bar, -direction)


def _parts(note: Note, pitches: Sequence[int]) -> list[Note]:
    """Return a note's time divided evenly among pitches."""
    share = note.duration_beats / len(pitches)
    softer = max(note.velocity - _SOFTER, SOFTEST)
    return [
        replace(
            note,
            start_beats=note.start_beats + number * share,
            duration_beats=share,
            pitch=pitch,
            velocity=softer if number else note.velocity,
        )
        for number, pitch in enumerate(pitches)
    ]


def _adorned(line: Sequence[Note], bar: Bar) -> list[Note]:
    """Return a line whose longest note goes to its upper neighbour and back."""
    longest = max(line, key=lambda note: note.duration_beats)
    pitches = (longest.pitch, _neighbour(longest, bar, 1), longest.pitch)
    return [new for note in line for new in (_parts(note, pitches[: 1 + _room(note)]) if note is longest else [note])]


def _room(note: Note) -> int:
    """Return how many more notes have room in the time of one, at most 2; a sixteenth has room for 1."""
    return 2 if note.duration_beats >= 1 else 1


def _filled(line: Sequence[Note], bar: Bar) -> list[Note]:
    """Return a line that goes through the steps between thirds."""
    filled: list[Note] = []
    for note, following in pairwise(line):
        interval = following.pitch - note.pitch
        if abs(interval) in _THIRDS and note.duration_beats >= 1 / 2:
            filled += _parts(note, (note.pitch, _neighbour(note, bar, 1 if interval > 0 else -1)))
        else:
            filled.append(note)
    return [*filled, line[-1]]


def _backwards(line: Sequence[Note], bar: Bar) -> list[Note]:
    """Return a line of the same pitches in the rhythm read from its end."""
    starts = [note.start_beats for note in line]
    spans = [end - start for start, end in zip(starts, (*starts[1:], bar.beats), strict=True)]
    backwards, now = [], starts[0]
    for note, span, old in zip(line, reversed(spans), spans, strict=True):
        sounding = min(note.duration_beats / old, 1.0)
        backwards.append(replace(note, start_beats=now, duration_beats=span * sounding))
        now += span
    return backwards


def _plainer(line: Sequence[Note], bar: Bar) -> list[Note]:
    """Return a line without the notes after the beats; the note before is held as long as its beat lasts."""
    kept = [note for note in line if note.start_beats % 1 == 0] or [line[0]]
    ends = [*(note.start_beats for note in kept[1:]), bar.beats]
    return [
        replace(note, duration_beats=max(note.duration_beats, 0.9 * min(end - note.start_beats, 1.0)))
        for note, end in zip(kept, ends, strict=True)
    ]


def _echoed(line: Sequence[Note], bar: Bar) -> list[Note]:
    """Return a line whose last note ends on its lower neighbour."""
    last = line[-1]
    return [*line[:-1], *_parts(last, (last.pitch, _neighbour(last, bar, -1)))]


_RULES: tuple[Rule, ...] = (_adorned, _filled, _backwards, _plainer, _echoed)
