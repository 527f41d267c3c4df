"""Melodies as events, and what a net is told before each of them."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from robotd.music.compose.grid import STEPS_PER_BAR, GridNote
from robotd.music.compose.melody_encoding import (
    EVENTS,
    FEATURES,
    HIGHEST,
    LOOK_BACK,
    LOWEST,
    NOTE_OFF,
    NOTHING,
    PAST,
    decode,
    encode,
    event_of,
    features,
    histories,
    into_range,
    label_of,
    legato,
    repeated,
)

STEPS = 48
NOWHERE = np.zeros(4, np.float32)


@st.composite
def melodies(draw: st.DrawFn) -> tuple[GridNote, ...]:
    """Notes one after another, with rests between some of them."""
    bounds = sorted(draw(st.sets(st.integers(0, STEPS), min_size=2, max_size=20)))
    pitches = draw(st.lists(st.integers(LOWEST, HIGHEST) | st.none(), min_size=len(bounds), max_size=len(bounds)))
    return tuple(
        GridNote(start, end, pitch)
        for start, end, pitch in zip(bounds, bounds[1:], pitches, strict=False)
        if pitch is not None
    )


def told(events: list[int] | np.ndarray, condition: np.ndarray = NOWHERE) -> np.ndarray:
    """What is told before each step of a melody that begins with a stretch."""
    row = np.asarray(events, np.int64)
    return features(histories(row)[: len(row)], np.arange(len(row)), condition)


def test_a_note_begins_and_ends_and_the_next_one_ends_the_one_before() -> None:
    notes = (GridNote(0, 2, 60), GridNote(4, 6, 62), GridNote(6, 8, 62))
    c, d = event_of(60), event_of(62)
    assert encode(notes, 10).tolist() == [c, 0, NOTE_OFF, 0, d, 0, d, 0, NOTE_OFF, 0]
    assert [label_of(event) for event in (NOTHING, NOTE_OFF, c)] == ["-", "off", "60"]


@given(melodies())
def test_what_is_encoded_is_decoded(notes: tuple[GridNote, ...]) -> None:
    assert decode(encode(notes, STEPS)) == notes


@given(st.lists(st.integers(0, EVENTS - 1), max_size=64))
def test_whatever_a_net_writes_is_a_melody(events: list[int]) -> None:
    notes = decode(events)
    for note, following in pairwise(notes):
        assert 0 <= note.start < note.end <= following.start
    assert decode(encode(notes, len(events))) == notes


def test_notes_that_overlap_or_begin_together() -> None:
    assert decode(encode([GridNote(0, 8, 60), GridNote(4, 6, 62)], 10)) == (GridNote(0, 4, 60), GridNote(4, 6, 62))
    assert decode(encode([GridNote(0, 8, 67), GridNote(0, 4, 60)], 10)) == (GridNote(0, 8, 67),)


def test_what_lies_outside_of_the_steps_is_left_out() -> None:
    notes = [GridNote(-4, 2, 60), GridNote(6, 20, 62), GridNote(16, 18, 64)]
    assert decode(encode(notes, 12)) == (GridNote(6, 12, 62),)


def test_pitches_out_of_range_are_refused_and_octaves_help() -> None:
    with pytest.raises(ValueError, match=r"pitch 40 is not in 48\.\.83"):
        encode([GridNote(0, 2, 40)], 4)
    assert [note.pitch for note in into_range([GridNote(0, 1, 88), GridNote(1, 2, 91)])] == [76, 79]
    # the odd note out moves alone
    assert [note.pitch for note in into_range([GridNote(n, n + 1, 60) for n in range(5)] + [GridNote(5, 6, 30)])] == [
        *(60, 60, 60, 60, 60),
        54,
    ]


@given(st.lists(st.integers(0, 127), min_size=1, max_size=12))
def test_octaves_bring_everything_into_range(pitches: list[int]) -> None:
    moved = into_range([GridNote(n, n + 1, pitch) for n, pitch in enumerate(pitches)])
    assert all(LOWEST <= note.pitch <= HIGHEST for note in moved)
    assert [note.pitch % 12 for note in moved] == [pitch % 12 for pitch in pitches]


def test_legato_closes_small_gaps_and_keeps_rests() -> None:
    notes = [GridNote(0, 1, 60), GridNote(2, 4, 62), GridNote(8, 11, 64), GridNote(10, 12, 65)]
    assert legato(notes) == [GridNote(0, 2, 60), GridNote(2, 4, 62), GridNote(8, 10, 64), GridNote(10, 12, 65)]
    assert legato([]) == []


def test_there_is_no_such_event() -> None:
    with pytest.raises(ValueError, match="no event 38"):
        decode([0, EVENTS])


@given(st.lists(st.integers(0, EVENTS - 1), min_size=2, max_size=80), st.data())
def test_nothing_is_told_of_what_is_still_to_come(events: list[int], data: st.DataObject) -> None:
    step = data.draw(st.integers(0, len(events) - 1))
    other = [*events[:step], *data.draw(st.lists(st.integers(0, EVENTS - 1), min_size=1, max_size=80))]
    np.testing.assert_array_equal(told(events)[: step + 1], told(other)[: step + 1])


@given(st.lists(st.integers(0, EVENTS - 1), min_size=PAST + 1, max_size=100))
def test_the_last_events_are_enough_to_go_on(events: list[int]) -> None:
    whole = told(events)[-1]
    last = np.array([events[-PAST - 1 : -1]])
    np.testing.assert_array_equal(features(last, np.array([len(events) - 1]), NOWHERE)[0], whole)


def test_a_step_knows_the_bars_before_it_its_place_and_what_sounds() -> None:
    c, d = event_of(60), event_of(62)
    events = [c, *[0] * 3, NOTE_OFF, *[0] * 11, d, *[0] * 15, 0]
    rows = told(events, np.array([0.6, -0.5, 1.0, 0.0], np.float32))
    assert rows.shape == (33, FEATURES)
    one_bar, two_bars, _ = repeated(rows)
    assert one_bar[16].argmax() == c
    assert (one_bar[32].argmax(), two_bars[32].argmax()) == (d, c)
    assert rows[:, :EVENTS].argmax(axis=1)[:6].tolist() == [NOTHING, c, 0, 0, 0, NOTE_OFF]
    place = (1 + len(LOOK_BACK)) * EVENTS + len(LOOK_BACK)
    assert rows[:, place : place + STEPS_PER_BAR].argmax(axis=1).tolist() == [n % 16 for n in range(33)]
    assert rows[:, place + 16 : place + 20].argmax(axis=1)[[0, 15, 16, 32]].tolist() == [0, 0, 1, 2]
    sounding = rows[:, place + 20 : place + 20 + HIGHEST - LOWEST + 1]
    assert sounding.sum(axis=1)[:7].tolist() == [0, 1, 1, 1, 1, 0, 0]
    assert sounding[1].argmax() == 60 - LOWEST
    assert rows[4, -6:].tolist() == pytest.approx([4 / 16, 0, 0.6, -0.5, 1, 0])
    assert rows[5, -6:].tolist() == pytest.approx([0, 1 / 16, 0.6, -0.5, 1, 0])


def test_a_repetition_is_noticed() -> None:
    bar = [event_of(60), 0, event_of(62), 0] * 4
    rows = told([*bar, *bar, 0, 0])
    was_repeated = rows[:, (1 + len(LOOK_BACK)) * EVENTS]
    assert was_repeated[17:33].all()
    assert not was_repeated[33]
