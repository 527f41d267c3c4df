"""Polyphony as a row of events: what the polyphony RNN reads and writes.

The encoding is that of PolyphonyRNN (Simon & Oore, Magenta 2016), which has it from BachBot (Liang, Gotham, Johnson &
Shotton 2017, ISMIR): the music is gone through in steps of a sixteenth; within a step the notes that sound are named
from the highest to the lowest, each as new or as continued from the step before, and the step is ended. Nothing else
is said of a length: a note ends where it is not continued.

To what the net is told, which in PolyphonyRNN is the last event only, are added what sounds in this step and sounded
in the last one, and the step a bar ago (the look-back of Waite 2016, "Generating long-term structure in songs and
stories"), where in the bar and in the stretch the step lies, and the feeling.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from robotd.music.bar import HIGHEST_PITCH, LOWEST_PITCH

from .grid import STEPS_PER_BAR, STRETCH_BARS, GridNote

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

PITCHES = HIGHEST_PITCH - LOWEST_PITCH + 1
#: The events. START stands before the first one and is never written; NEW and CONTINUED are those of the lowest pitch,
#: with those of the pitches above behind them.
START, STEP_END, NEW = 0, 1, 2
CONTINUED = NEW + PITCHES
EVENTS = CONTINUED + PITCHES

#: Which steps the net is shown: how many steps ago each was.
LOOKS = (0, 1, STEPS_PER_BAR)
#: So many rows must be known before a step to look back from it.
PAST = max(LOOKS)
#: Valence, arousal, whether they are known (1 or 0), and whether the piece is in minor (1 or 0).
CONDITION = 4
#: Where the features lie: which event is possible at all, of what kind the last one was and of what pitch, what was
#: struck at each look and what sounded there, the step in the bar, the bar in the stretch, the feeling.
LEGAL = 0
_KIND = LEGAL + EVENTS
_KEY = _KIND + 4
_LOOKS = _KEY + PITCHES
_STEP = _LOOKS + 2 * PITCHES * len(LOOKS)
_BAR = _STEP + STEPS_PER_BAR
_CONDITION = _BAR + STRETCH_BARS
FEATURES = _CONDITION + CONDITION

#: An age, in steps, is counted up to this.
_OLDEST = 255
#: After so many steps a note's age is told no more exactly.
_LONG_STEPS = STEPS_PER_BAR


def ages(notes: Sequence[GridNote], steps: int) -> NDArray[np.uint8]:
    """Return [steps, pitches] how long each pitch has sounded: 0 silent, 1 struck in this step, 2 held since the last.

    A note ends where the next one of its pitch begins. What lies outside the steps or the keys of a piano is left out.
    """
    rows = np.zeros((steps, PITCHES), np.uint8)
    for note in sorted(notes):
        key = note.pitch - LOWEST_PITCH
        if 0 <= key < PITCHES and 0 <= note.start < steps:
            held = np.arange(1, min(note.end, steps) - note.start + 1)
            rows[note.start :, key] = 0
            rows[note.start : note.start + len(held), key] = np.minimum(held, _OLDEST)
    return rows


def encode_ages(rows: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return the events of [steps, pitches] ages."""
    keys = np.arange(PITCHES)[::-1]
    down = rows[:, ::-1]
    events = np.full((len(rows), PITCHES + 1), STEP_END, np.int64)
    events[:, :-1] = np.where(down == 1, NEW + keys, CONTINUED + keys)
    said = np.ones_like(events, bool)
    said[:, :-1] = down > 0
    found: NDArray[np.int64] = events[said]
    return found


def encode(notes: Sequence[GridNote], steps: int) -> NDArray[np.int64]:
    """Return the events of so many steps of music; see `ages` for what of the notes is kept."""
    return encode_ages(ages(notes, steps))


def decode(events: Sequence[int] | NDArray[np.int64]) -> tuple[GridNote, ...]:
    """Return the notes of events, in the order of their starts; their velocities are the grid's usual one.

    Raises:
        ValueError: they break the encoding's rules: notes that don't go down, a continued note that doesn't sound,
            a last step that isn't ended.
    """
    notes: list[GridNote] = []
    since: dict[int, int] = {}
    here: dict[int, int] = {}
    step, lowest = 0, PITCHES
    for event in map(int, events):
        if event == STEP_END:
            notes += [_note(key, start, step) for key, start in since.items() if here.get(key) != start]
            since, here = here, {}
            step, lowest = step + 1, PITCHES
            continue
        if not NEW <= event < EVENTS:
            raise ValueError(f"{event} is no event of a piece")
        key = (event - NEW) % PITCHES
        if key >= lowest:
            raise ValueError(f"step {step}: pitch {key + LOWEST_PITCH} isn't below the one before it")
        if event >= CONTINUED and key not in since:
            raise ValueError(f"step {step}: pitch {key + LOWEST_PITCH} is continued but doesn't sound")
        here[key] = since[key] if event >= CONTINUED else step
        lowest = key
    if here:
        raise ValueError(f"step {step} isn't ended")
    return tuple(sorted([*notes, *(_note(key, start, step) for key, start in since.items())]))


def _note(key: int, start: int, end: int) -> GridNote:
    return GridNote(start, end, key + LOWEST_PITCH)


def key_of(events: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return how far the pitch of each event is above the lowest one; of those without a pitch, `PITCHES`."""
    return np.where(events < NEW, PITCHES, (events - NEW) % PITCHES)


def lessons(rows: NDArray[np.uint8]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return what there is to learn in [steps, pitches] ages: each event, the event before it, and its step."""
    events = encode_ages(rows)
    last = np.concatenate(([START], events[:-1]))
    steps = np.cumsum(last == STEP_END)
    return events, last, steps


def looks(rows: NDArray[np.uint8], steps: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Return [n, looks, pitches] what is shown at each of n steps of a piece; before it all was silent."""
    known = np.concatenate((np.zeros((PAST, rows.shape[1]), np.uint8), rows))
    shown: NDArray[np.uint8] = known[steps[:, None] + PAST - np.array(LOOKS)]
    return shown


def legal(shown: NDArray[np.uint8], last: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return [n, EVENTS] which event the encoding's rules let come next.

    Pitches go down within a step, and only what sounded in the step before can be continued.
    """
    may = np.zeros((len(last), EVENTS), bool)
    may[:, STEP_END] = True
    below = np.arange(PITCHES) < key_of(last)[:, None]
    may[:, NEW:CONTINUED] = below
    may[:, CONTINUED:] = below & (shown[:, 1] > 0)
    return may


def features(
    shown: NDArray[np.uint8], last: NDArray[np.int64], steps: NDArray[np.int64], condition: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return [n, FEATURES] what the net is told before each of n events.

    Args:
        shown: [n, looks, pitches] ages, as `looks` gives them; of the step itself only the pitches down to that of
            the last event are seen.
        last: [n] the event before.
        steps: [n] in which step it is, counted from a bar line at which a stretch begins.
        condition: [n, 4] or [4].
    """
    told = np.zeros((len(last), FEATURES), np.float32)
    every, keys, key = np.arange(len(last)), np.arange(PITCHES), key_of(last)
    told[:, LEGAL:_KIND] = legal(shown, last)
    told[every, _KIND + np.minimum(last, NEW) + (last >= CONTINUED)] = 1.0
    told[:, _KEY:_LOOKS] = keys == key[:, None]
    # Of this step nothing below the last event is known yet, and nothing at all before its first.
    seen = shown.copy()
    seen[:, 0] *= keys >= key[:, None]
    for look in range(len(LOOKS)):
        age = seen[:, look]
        place = _LOOKS + 2 * PITCHES * look
        told[:, place : place + PITCHES] = age == 1
        told[:, place + PITCHES : place + 2 * PITCHES] = (age > 0) + np.minimum(age, _LONG_STEPS) / _LONG_STEPS
    told[every, _STEP + steps % STEPS_PER_BAR] = 1.0
    told[every, _BAR + steps // STEPS_PER_BAR % STRETCH_BARS] = 1.0
    told[:, _CONDITION:] = condition
    return told
