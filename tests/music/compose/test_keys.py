"""Keys: material in every mode, and near keys to turn to."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from robotd.music.bar import SCALES, Mode
from robotd.music.compose.chord import FRAME_SCALE, Chord, degree_of, diatonic
from robotd.music.compose.keys import classes_in, is_minor, notes_of, pivots, semitones_in, turn

MODES: tuple[Mode, ...] = get_args(Mode)
TONICS = st.integers(0, 11)
ANY_MODE = st.sampled_from(MODES)


def test_a_chord_is_named_from_its_root_up() -> None:
    assert Chord(7, "dominant_seventh").classes == (7, 11, 2, 5)
    assert Chord(8, "diminished").classes == (8, 11, 2)


def test_chords_of_thirds_on_the_degrees_of_both_frames() -> None:
    major = [diatonic(degree, minor=False).quality for degree in range(7)]
    assert major == ["major", "minor", "minor", "major", "major", "minor", "diminished"]
    assert diatonic(4, minor=False, notes=4) == Chord(7, "dominant_seventh")
    assert diatonic(1, minor=True, notes=4) == Chord(11, "half_diminished")
    assert diatonic(7, minor=True) == diatonic(0, minor=True) == Chord(9, "minor")


def test_a_root_has_its_degree_and_a_strange_one_none() -> None:
    assert [degree_of(root, minor=True) for root in (9, 11, 0, 2, 4, 5, 7, 8)] == [0, 1, 2, 3, 4, 5, 6, 6]
    with pytest.raises(ValueError, match="not in"):
        degree_of(1, minor=False)


@given(minor=st.booleans(), mode=ANY_MODE)
def test_every_degree_of_the_frame_becomes_that_degree_of_the_mode(*, minor: bool, mode: Mode) -> None:
    table = semitones_in(mode, minor=minor)
    assert tuple(table[step] for step in FRAME_SCALE[minor]) == SCALES[mode]
    assert all(0 <= step <= 11 for step in table)


def test_dorian_raises_the_sixth_and_mixolydian_lowers_the_seventh() -> None:
    assert semitones_in("dorian", minor=True)[8] == 9
    assert semitones_in("mixolydian", minor=False)[11] == 10


@pytest.mark.parametrize(("mode", "third"), [("minor", 11), ("dorian", 11), ("major", 11), ("mixolydian", 10)])
def test_the_dominant_of_minor_keeps_its_leading_note_where_the_mode_has_one(mode: Mode, third: int) -> None:
    assert classes_in(Chord(4, "major"), 0, mode, minor=True) == (7, third, 2)


def test_the_leading_note_belongs_to_minor_keys() -> None:
    assert notes_of(9, "minor") == {9, 11, 0, 2, 4, 5, 7, 8}
    assert notes_of(0, "mixolydian") == {0, 2, 4, 5, 7, 9, 10}


@given(TONICS, ANY_MODE, ANY_MODE, st.integers(0, 1000))
def test_a_turn_leads_to_a_near_key_over_chords_of_both(tonic: int, mode: Mode, new_mode: Mode, seed: int) -> None:
    to = turn(tonic, mode, new_mode, seed)
    assert to == turn(tonic, mode, new_mode, seed)
    old, new = set(notes_of(tonic, mode)), set(notes_of(to.tonic, new_mode))
    assert (to.tonic, new_mode) != (tonic, mode)
    assert len(old & new) >= 4
    for chord in to.pivots:
        classes = set(classes_in(chord, to.tonic, new_mode, minor=is_minor(new_mode)))
        assert classes <= old
        assert classes <= new


@pytest.mark.parametrize(("mode", "new_mode"), [("major", "minor"), ("minor", "major"), ("major", "major")])
def test_the_relatives_and_the_parallel_come_up_and_most_turns_have_a_pivot(mode: Mode, new_mode: Mode) -> None:
    turns = [turn(0, mode, new_mode, seed) for seed in range(100)]
    expected = {"minor": {9, 0, 2, 4}, "major": {3, 0, 10, 8} if mode == "minor" else {7, 5}}[new_mode]
    assert {to.tonic for to in turns} == expected
    assert all(to.pivots for to in turns)


def test_c_major_turns_to_a_minor_over_its_subdominant() -> None:
    # D minor, F major and the tonic itself lie before the chords that point elsewhere.
    assert pivots(0, "major", 9, "minor")[:3] == (Chord(2, "minor"), Chord(5, "major"), Chord(9, "minor"))


def test_far_keys_share_no_triad() -> None:
    assert pivots(0, "major", 6, "major") == ()
