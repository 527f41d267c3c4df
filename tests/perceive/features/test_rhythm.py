from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from robotd.perceive.features.rhythm import NAMES, rhythm_features, strikes_of
from robotd.perceive.features.score import Notes
from tests.perceive.features.test_score import piece, pieces


def features(notes: Notes) -> dict[str, float]:
    return dict(zip(NAMES, rhythm_features(notes).tolist(), strict=True))


def beats(every_s: float, count: int = 64) -> Notes:
    return piece(*((every_s * i, 0.8 * every_s, 60, 80) for i in range(count)))


def test_notes_within_40_ms_are_one_strike() -> None:
    notes = piece((0.0, 1.0, 60, 50), (0.02, 1.0, 64, 80), (0.04, 0.5, 67, 60), (1.0, 2.0, 72, 70))
    strikes = strikes_of(notes)
    assert strikes.of_note.tolist() == [0, 0, 0, 1]
    assert (strikes.size.tolist(), strikes.top.tolist(), strikes.velocity.tolist()) == ([3, 1], [67, 72], [80, 70])
    assert (strikes.time_s.tolist(), strikes.length_s.tolist()) == ([0.0, 1.0], [1.0, 2.0])
    assert features(notes)["strikes_single"] == 0.5


@pytest.mark.parametrize("every_s", [0.4, 0.5, 0.6])
def test_a_beat_is_found(every_s: float) -> None:
    found = features(beats(every_s))
    assert math.exp(found["pulse_period"]) == pytest.approx(every_s, abs=0.01)
    assert found["pulse"] > 0.8
    assert found["on_the_beat_1"] == pytest.approx(1.0, abs=0.01)
    assert found["gap_50"] == pytest.approx(math.log(every_s))
    assert found["gap_alike"] == 1.0
    assert found["gap_variation"] == pytest.approx(0.0, abs=1e-5)
    assert found["legato"] == pytest.approx(0.8)


def test_what_has_no_beat_has_a_weaker_pulse() -> None:
    golden = (math.sqrt(5.0) - 1.0) / 2.0
    free = piece(*((i * 0.5 + 0.5 * (i * golden % 1.0), 0.3, 60, 80) for i in range(64)))
    assert features(free)["pulse"] < 0.5 < features(beats(0.5))["pulse"]
    assert features(free)["gap_variation"] > 0.2


def test_both_hands_are_told_apart() -> None:
    notes = piece(*((float(i), 1.0, 40, 80) for i in range(4)), *((float(i), 0.5, 70, 80) for i in range(4)))
    assert features(notes)["length_left"] == pytest.approx(0.0)
    assert features(notes)["length_right"] == pytest.approx(math.log(0.5))


@given(notes=pieces, up=st.integers(1, 20))
def test_every_piece_has_finite_features_that_ask_little_of_pitch(notes: Notes, up: int) -> None:
    before = features(notes)
    after = features(Notes(notes.onset_s, notes.length_s, notes.pitch + up, notes.velocity))
    assert all(math.isfinite(value) for value in before.values())
    assert {name for name in NAMES if before[name] != after[name]} <= {"length_left", "length_right"}
