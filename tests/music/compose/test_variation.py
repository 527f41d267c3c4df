"""Variations of a bar."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from robotd.emotion import Quadrant
from robotd.music.bar import Bar, Note
from robotd.music.compose.opening import rule_composer
from robotd.music.compose.variation import vary
from robotd.music.sanity import measure

SIDE = st.floats(-1, 1)


def bar_of(*notes: Note) -> Bar:
    return Bar(5, notes, 100.0, 0, "major", Quadrant.Q1)


@settings(deadline=None)
@given(SIDE, SIDE, st.integers(0, 20), st.integers(0, 7))
def test_variations_stay_sane_and_keep_the_harmony(valence: float, arousal: float, seed: int, index: int) -> None:
    bar = rule_composer(seed).bar(valence, arousal, index)
    for number in range(1, 9):
        varied = vary(bar, number, seed)
        assert varied == vary(bar, number, seed)
        assert (varied.index, varied.key, varied.tempo_bpm) == (bar.index, bar.key, bar.tempo_bpm)
        assert not [one for one in measure([varied]).problems if "repeated" not in one]
        kept = [[note for note in one.notes if note.part != "melody"] for one in (bar, varied)]
        assert kept[0] == kept[1]


@settings(deadline=None)
@given(SIDE, SIDE, st.integers(0, 20))
def test_no_two_in_a_row_are_alike(valence: float, arousal: float, seed: int) -> None:
    bar = rule_composer(seed).bar(valence, arousal, 0)
    played = [bar, *(vary(bar, number, seed) for number in range(1, 12))]
    assert all(later.notes != earlier.notes for earlier, later in pairwise(played))
    assert len({one.notes for one in played}) >= 3


def test_other_seeds_vary_in_another_order() -> None:
    bar = rule_composer(3).bar(0.4, 0.4, 0)
    assert len({vary(bar, 1, seed).notes for seed in range(20)}) >= 3


@pytest.mark.parametrize("part", ["harmony", "bass"])
def test_where_no_melody_plays_another_part_is_varied(part: str) -> None:
    bar = bar_of(Note(0, 4, 48, 80, part))  # type: ignore[arg-type]
    assert vary(bar, 1).notes != bar.notes


def test_a_rhythm_runs_backwards() -> None:
    bar = bar_of(Note(0, 2, 72, 80), Note(2, 1, 74, 80), Note(3, 1, 72, 80))
    found = [[note.start_beats for note in vary(bar, number).notes] for number in range(1, 7)]
    assert [0, 1, 2] in found


def test_silence_and_drums_alone_stay_as_they_are() -> None:
    assert vary(bar_of(), 1) == bar_of()
    drums = bar_of(Note(0, 0.25, 36, 80, "drums"))
    assert vary(drums, 3) == drums
