"""A melody as a row of events, one a sixteenth: what the melody RNN reads and writes.

The events are those of MelodyRNN (Waite 2016, "Generating long-term structure in songs and stories", Magenta): nothing
happens, the note ends, or a note of some pitch begins; a note ends where the next one begins. What the net is told
before each step is that of its attention_rnn: the last event, the events that would come if the melody repeated what
was one or two bars ago (here also four), and whether the last event was such a repetition. Where attention_rnn counts
the steps in five binary digits, here stand the step of the bar and the bar of the stretch, one-hot, of which those
digits are sums; added are what sounds and for how long, and the feeling.

The labels of attention_rnn that stand for a repetition are inside the net (`export/train/melody_rnn.py`): what
they are worth is added to the events that they repeat, so that it tells the probabilities of the events themselves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .grid import STEPS_PER_BAR, STRETCH_BARS, GridNote

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

#: MIDI note numbers: C3 to B5, as MelodyRNN's attention_rnn.
LOWEST, HIGHEST = 48, 83
#: The events: nothing happens, the note ends, and of `NOTE_ON` on, a note of each pitch begins.
NOTHING, NOTE_OFF, NOTE_ON = 0, 1, 2
EVENTS = NOTE_ON + HIGHEST - LOWEST + 1
#: How far back a repetition is looked for, in steps.
LOOK_BACK = (STEPS_PER_BAR, 2 * STEPS_PER_BAR, 4 * STEPS_PER_BAR)
#: The features of a step are told of so many events before it.
PAST = max(LOOK_BACK) + 1
#: Valence, arousal, whether they are known (1 or 0), and whether the piece is in minor (1 or 0).
CONDITION = 4
_OCTAVE = 12
#: In steps.
_TRUE_REST = 3

#: Where each feature begins.
_LAST = 0
_REPEATED = _LAST + EVENTS
_WAS_REPEATED = _REPEATED + len(LOOK_BACK) * EVENTS
_STEP = _WAS_REPEATED + len(LOOK_BACK)
_BAR = _STEP + STEPS_PER_BAR
_SOUNDING = _BAR + STRETCH_BARS
_AGE = _SOUNDING + HIGHEST - LOWEST + 1
_FEELING = _AGE + 2
FEATURES = _FEELING + CONDITION


def event_of(pitch: int) -> int:
    """Return the event with which a note of this pitch begins."""
    return NOTE_ON + pitch - LOWEST


def label_of(event: int) -> str:
    """Return an event in a word: `-`, `off`, or the pitch that begins."""
    return ("-", "off")[event] if event < NOTE_ON else str(event - NOTE_ON + LOWEST)


def into_range(notes: Iterable[GridNote]) -> list[GridNote]:
    """Move a melody by the octaves that bring most of it into range, then the notes that are left, each by its own."""
    notes = list(notes)
    moves = sorted((-4, -3, -2, -1, 0, 1, 2, 3, 4), key=abs)
    inside = [sum(LOWEST <= note.pitch + _OCTAVE * move <= HIGHEST for note in notes) for move in moves]
    move = moves[int(np.argmax(inside))]
    return [GridNote(note.start, note.end, _fold(note.pitch + _OCTAVE * move), note.velocity) for note in notes]


def _fold(pitch: int) -> int:
    if pitch < LOWEST:
        return LOWEST + (pitch - LOWEST) % _OCTAVE
    return HIGHEST - (HIGHEST - pitch) % _OCTAVE if pitch > HIGHEST else pitch


def legato(notes: Iterable[GridNote]) -> list[GridNote]:
    """Hold each note of a melody up to the next one, unless there is a true rest between them.

    A gap of up to an eighth is a matter of articulation, which is for the one who plays; and a note doesn't sound on
    into the next one. Of notes that begin together the highest is left.
    """
    top = {note.start: note for note in sorted(notes, key=lambda one: (one.start, one.pitch))}
    line = list(top.values())
    held = []
    for note, following in zip(line, [*line[1:], None], strict=False):
        end = note.end
        if following is not None and end > following.start - _TRUE_REST:
            end = following.start
        held.append(GridNote(note.start, end, note.pitch, note.velocity))
    return held


def encode(notes: Iterable[GridNote], steps: int) -> NDArray[np.int64]:
    """Return the event of each of so many steps.

    A note ends where the next one begins; of notes that begin together the highest counts. What lies outside the
    steps is left out, as is a note's end that they don't hold.

    Raises:
        ValueError: a pitch is out of range; `into_range` puts it there.
    """
    events = np.zeros(steps, np.int64)
    for note in sorted(notes, key=lambda one: (one.start, one.pitch)):
        if not LOWEST <= note.pitch <= HIGHEST:
            raise ValueError(f"pitch {note.pitch} is not in {LOWEST}..{HIGHEST}")
        if 0 <= note.start < steps:
            events[note.start] = event_of(note.pitch)
            events[note.start + 1 :] = NOTHING
            if note.end < steps:
                events[note.end] = NOTE_OFF
    return events


def decode(events: Sequence[int] | NDArray[np.int64], velocity: int = 80) -> tuple[GridNote, ...]:
    """Return the notes of a row of events; a note that still sounds at the end ends there.

    Raises:
        ValueError: there is no such event.
    """
    notes: list[GridNote] = []
    begun: tuple[int, int] | None = None
    for step, event in enumerate([*map(int, events), NOTE_OFF]):
        if not 0 <= event < EVENTS:
            raise ValueError(f"there is no event {event}")
        if event == NOTHING:
            continue
        if begun is not None:
            notes.append(GridNote(begun[0], step, begun[1], velocity))
        begun = (step, event - NOTE_ON + LOWEST) if event >= NOTE_ON else None
    return tuple(notes)


def histories(events: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return [n + 1, PAST] the events before each of n steps, and before the one after them, the newest last.

    Before the first step nothing had happened.
    """
    known = np.concatenate([np.full(PAST, NOTHING), events])
    return np.lib.stride_tricks.sliding_window_view(known, PAST)


def features(past: NDArray[np.int64], steps: NDArray[np.int64], condition: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return [n, FEATURES] what the net is told before each of n steps, of one melody or of several.

    Args:
        past: [n, PAST] the events before each step, the newest last.
        steps: [n] which step it is, counted from a bar line at which a stretch begins.
        condition: [4] or [n, 4] valence, arousal, known, minor.
    """
    rows = np.zeros((len(past), FEATURES), np.float32)
    each = np.arange(len(past))
    last = past[:, -1]
    rows[each, _LAST + last] = 1.0
    for n, back in enumerate(LOOK_BACK):
        rows[each, _REPEATED + n * EVENTS + past[:, -back]] = 1.0
        rows[each, _WAS_REPEATED + n] = last == past[:, -1 - back]
    rows[each, _STEP + steps % STEPS_PER_BAR] = 1.0
    rows[each, _BAR + steps // STEPS_PER_BAR % STRETCH_BARS] = 1.0
    # How many steps ago something happened; where nothing is known of, all of them ago.
    age = 1 + (past[:, ::-1] != NOTHING).argmax(axis=1)
    age = np.where((past != NOTHING).any(axis=1), age, PAST)
    latest = past[each, -age]
    sounds = latest >= NOTE_ON
    rows[each[sounds], _SOUNDING + latest[sounds] - NOTE_ON] = 1.0
    rows[each, _AGE + np.where(sounds, 0, 1)] = np.minimum(age, STEPS_PER_BAR) / STEPS_PER_BAR
    rows[:, _FEELING:] = condition
    return rows


def repeated(rows: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    """Return the parts of [..., FEATURES] rows that hold the events, one-hot, which would repeat an earlier bar."""
    return [rows[..., place : place + EVENTS] for place in range(_REPEATED, _WAS_REPEATED, EVENTS)]
