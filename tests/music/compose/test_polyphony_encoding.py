"""Polyphony as events, and what a net is told before each of them."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from robotd.music.compose.grid import GridNote
from robotd.music.compose.polyphony_encoding import (
    CONTINUED,
    EVENTS,
    FEATURES,
    LEGAL,
    LOOKS,
    NEW,
    PITCHES,
    START,
    STEP_END,
    ages,
    decode,
    encode,
    features,
    legal,
    lessons,
    looks,
)

STEPS = 40
NOWHERE = np.zeros(4, np.float32)
#: Where the looks begin among the features.
LOOKED_AT = EVENTS + 4 + PITCHES


def new(pitch: int) -> int:
    return NEW + pitch - 21


def held(pitch: int) -> int:
    return CONTINUED + pitch - 21


@st.composite
def pieces(draw: st.DrawFn) -> tuple[GridNote, ...]:
    """Notes within the steps, those of a pitch one after another."""
    notes = []
    for pitch in draw(st.sets(st.integers(21, 108), max_size=6)):
        bounds = sorted(draw(st.sets(st.integers(0, STEPS), min_size=2, max_size=8)))
        sounding = draw(st.lists(st.booleans(), min_size=len(bounds), max_size=len(bounds)))
        notes += [
            GridNote(start, end, pitch)
            for start, end, heard in zip(bounds, bounds[1:], sounding, strict=False)
            if heard
        ]
    return tuple(sorted(notes))


def test_a_chord_is_named_downwards_then_held() -> None:
    notes = (GridNote(0, 2, 60), GridNote(0, 1, 67), GridNote(1, 2, 64))
    events = encode(notes, 3)
    assert events.tolist() == [new(67), new(60), STEP_END, new(64), held(60), STEP_END, STEP_END]


def test_a_note_that_is_struck_again_is_new_again() -> None:
    notes = (GridNote(0, 2, 60), GridNote(2, 3, 60))
    assert encode(notes, 3).tolist() == [new(60), STEP_END, held(60), STEP_END, new(60), STEP_END]


@given(pieces())
def test_what_is_written_is_read_again(notes: tuple[GridNote, ...]) -> None:
    events = encode(notes, STEPS)
    assert decode(events) == notes
    assert (events == STEP_END).sum() == STEPS
    assert ((events > START) & (events < EVENTS)).all()


@given(pieces(), st.integers(0, STEPS), st.integers(1, STEPS))
def test_a_note_ends_where_the_next_of_its_pitch_begins(notes: tuple[GridNote, ...], start: int, length: int) -> None:
    late = GridNote(start, start + length, 60)
    found = decode(encode((*notes, late), STEPS))
    assert decode(encode(found, STEPS)) == found
    of_its_pitch = [note for note in found if note.pitch == 60]
    assert all(one.end <= other.start for one, other in pairwise(of_its_pitch))


def test_what_lies_outside_is_left_out() -> None:
    notes = (GridNote(0, 9, 60), GridNote(4, 5, 62), GridNote(-1, 2, 64), GridNote(0, 1, 20), GridNote(0, 1, 109))
    assert decode(encode(notes, 4)) == (GridNote(0, 4, 60),)


@pytest.mark.parametrize(
    ("events", "complaint"),
    [
        ((new(60), new(60), STEP_END), "below"),
        ((new(60), new(64), STEP_END), "below"),
        ((held(60), STEP_END), "doesn't sound"),
        ((new(60), STEP_END, STEP_END, held(60), STEP_END), "doesn't sound"),
        ((new(60),), "isn't ended"),
        ((START, STEP_END), "no event"),
        ((EVENTS,), "no event"),
    ],
)
def test_what_breaks_the_rules_is_refused(events: tuple[int, ...], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        decode(events)


def test_ages_are_counted_from_the_stroke() -> None:
    rows = ages((GridNote(1, 4, 21), GridNote(0, 300, 108)), 300)
    assert rows[:5, 0].tolist() == [0, 1, 2, 3, 0]
    assert rows[[0, 1, 254, 299], PITCHES - 1].tolist() == [1, 2, 255, 255]


@given(pieces())
def test_a_lesson_is_each_event_after_the_one_before(notes: tuple[GridNote, ...]) -> None:
    events, last, steps = lessons(ages(notes, STEPS))
    assert events.tolist() == encode(notes, STEPS).tolist()
    assert last.tolist() == [START, *events[:-1].tolist()]
    assert steps[0] == 0
    assert steps[-1] == STEPS - 1


def test_the_net_sees_of_a_step_only_what_it_has_said() -> None:
    rows = ages((GridNote(0, 3, 60), GridNote(2, 3, 72), GridNote(2, 3, 67)), 3)
    events, last, steps = lessons(rows)
    told = features(looks(rows, steps), last, steps, NOWHERE)
    assert told.shape == (len(events), FEATURES)
    # Before the third step's second note: the first is known, those below aren't.
    here = told[events.tolist().index(new(67))]
    struck, sounding = here[LOOKED_AT : LOOKED_AT + 2 * PITCHES].reshape(2, PITCHES)
    assert np.flatnonzero(struck).tolist() == np.flatnonzero(sounding).tolist() == [72 - 21]
    struck, sounding = here[LOOKED_AT + 2 * PITCHES : LOOKED_AT + 4 * PITCHES].reshape(2, PITCHES)
    assert not struck.any()
    assert np.flatnonzero(sounding).tolist() == [60 - 21]


@given(pieces())
def test_what_comes_was_possible(notes: tuple[GridNote, ...]) -> None:
    rows = ages(notes, STEPS)
    events, last, steps = lessons(rows)
    may = legal(looks(rows, steps), last)
    assert may[np.arange(len(events)), events].all()
    told = features(looks(rows, steps), last, steps, NOWHERE)
    assert np.array_equal(told[:, LEGAL : LEGAL + EVENTS] > 0, may)


def test_only_what_sounded_can_be_continued_and_only_below_the_last_note() -> None:
    rows = ages((GridNote(0, 2, 60), GridNote(0, 2, 64)), 2)
    may = legal(looks(rows, np.array([1, 1])), np.array([STEP_END, held(64)]))
    assert np.flatnonzero(may[0, CONTINUED:]).tolist() == [60 - 21, 64 - 21]
    assert np.flatnonzero(may[1, CONTINUED:]).tolist() == [60 - 21]
    assert may[:, new(108)].tolist() == [True, False]
    assert may[:, STEP_END].all()
    assert not may[:, START].any()


def test_the_net_sees_the_step_a_bar_ago_and_where_it_is() -> None:
    rows = ages((GridNote(5, 6, 64),), 70)
    shown = looks(rows, np.array([0, 21, 69]))
    assert shown.shape == (3, len(LOOKS), PITCHES)
    assert shown[1, LOOKS.index(16), 64 - 21] == 1
    assert shown[[0, 2]].sum() == 0
    feeling = np.array([0.6, -0.5, 1.0, 0.0], np.float32)
    told = features(shown, np.array([START, STEP_END, STEP_END]), np.array([0, 21, 69]), feeling)
    assert np.allclose(told[:, -4:], feeling)
    assert told[:, -24:-8].argmax(axis=1).tolist() == [0, 5, 5]
    assert told[:, -8:-4].argmax(axis=1).tolist() == [0, 1, 0]
