"""Dials that follow the feeling."""

from __future__ import annotations

from dataclasses import asdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from robotd.emotion import MOODS, Quadrant
from robotd.music.compose.expression import express, in_character, mode_of

SIDE = st.floats(-1, 1)
#: What is not steered continuously.
STEPWISE = {"mode"}


@given(SIDE, SIDE, SIDE)
def test_arousal_makes_it_faster_louder_denser_and_shorter(valence: float, one: float, other: float) -> None:
    calm, lively = (express(valence, arousal) for arousal in sorted((one, other)))
    assert calm.tempo_bpm <= lively.tempo_bpm
    assert calm.velocity <= lively.velocity
    assert calm.accent <= lively.accent
    assert calm.density <= lively.density
    assert calm.articulation >= lively.articulation
    assert calm.sustain >= lively.sustain
    assert calm.melody_centre <= lively.melody_centre
    assert calm.bass_centre >= lively.bass_centre


@given(SIDE, SIDE, SIDE)
def test_pleasure_makes_it_brighter_lighter_and_less_tense(arousal: float, one: float, other: float) -> None:
    dark, bright = (express(valence, arousal) for valence in sorted((one, other)))
    modes = ["minor", "dorian", "mixolydian", "major"]
    assert modes.index(dark.mode) <= modes.index(bright.mode)
    assert dark.lightness <= bright.lightness
    assert dark.tension >= bright.tension
    assert dark.melody_centre <= bright.melody_centre


@given(SIDE, SIDE, st.floats(-0.01, 0.01), st.floats(-0.01, 0.01))
def test_a_small_change_of_feeling_is_a_small_change_of_every_dial(v: float, a: float, dv: float, da: float) -> None:
    before, after = asdict(express(v, a)), asdict(express(v + dv, a + da))
    ends = asdict(express(-1, -1)), asdict(express(1, 1)), asdict(express(-1, 1)), asdict(express(1, -1))
    for dial in before.keys() - STEPWISE:
        values = [end[dial] for end in ends]
        assert abs(after[dial] - before[dial]) <= 0.03 * (max(values) - min(values)) + 1e-9, dial


@given(SIDE, SIDE)
def test_the_quietest_music_is_heard(valence: float, arousal: float) -> None:
    how = express(valence, arousal)
    assert how.velocity > 50
    assert how.velocity - how.balance > 34
    assert how.velocity + how.accent + how.swell < 120


def test_what_lies_outside_counts_as_the_end() -> None:
    assert express(-7, 9) == express(-1, 1)


def test_each_valence_has_its_mode() -> None:
    assert [mode_of(valence) for valence in (-1, -0.15, -0.1, 0.1, 0.2)] == [
        "minor", "minor", "dorian", "mixolydian", "major",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("quadrant", "right_hand", "strikes_per_s"),
    [(Quadrant.Q1, 80, 3.8), (Quadrant.Q2, 81, 4.6), (Quadrant.Q3, 60, 2.8), (Quadrant.Q4, 60, 2.5)],
)
def test_loudness_and_pace_lie_where_pop_piano_of_the_quadrant_lies(
    quadrant: Quadrant, right_hand: float, strikes_per_s: float
) -> None:
    how = express(*MOODS[quadrant])
    assert how.velocity == pytest.approx(right_hand, abs=6)
    # In eighths.
    assert how.tempo_bpm / 60 * 2 == pytest.approx(strikes_per_s, rel=0.25)


def test_every_stretch_has_a_character_of_its_own_near_the_dials() -> None:
    how = express(0.4, 0.2)
    stretches = [in_character(how, seed) for seed in range(20)]
    assert in_character(how, 3) == stretches[3]
    assert len({stretch.velocity for stretch in stretches}) == 20
    assert all(abs(stretch.velocity - how.velocity) <= 3.5 for stretch in stretches)
    assert all(abs(stretch.density - how.density) <= 0.05 for stretch in stretches)
    assert in_character(express(0, -1), 1).density >= 0
