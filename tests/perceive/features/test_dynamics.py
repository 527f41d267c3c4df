from __future__ import annotations

import math

import pytest
from hypothesis import given

from robotd.perceive.features.dynamics import NAMES, dynamics_features
from robotd.perceive.features.score import Notes
from tests.perceive.features.test_score import piece, pieces


def features(notes: Notes) -> dict[str, float]:
    return dict(zip(NAMES, dynamics_features(notes).tolist(), strict=True))


def test_a_crescendo_is_heard() -> None:
    found = features(piece(*((0.5 * i, 0.5, 60, 40 + i) for i in range(40))))
    assert found["velocity_with_time"] == pytest.approx(1.0)
    assert found["velocity_course_with_time"] == pytest.approx(1.0)
    assert found["velocity_step"] == 1.0
    assert found["density_course_sd"] == 0.0
    assert found["velocity_50"] == pytest.approx(59.5)


def test_a_loud_right_hand_is_heard() -> None:
    high, low = [(float(i), 1.0, 72, 90) for i in range(8)], [(float(i), 1.0, 48, 50) for i in range(8)]
    found = features(piece(*high, *low))
    assert found["velocity_high_less_low"] == 40.0
    assert found["velocity_with_pitch"] == pytest.approx(1.0)
    # No strike has three notes: the mean of all stands for it.
    assert found["velocity_of_chords"] == 70.0


def test_a_piece_that_grows_denser_is_heard() -> None:
    notes = piece(*((10.0 * math.sqrt(i), 0.2, 60, 64) for i in range(60)))
    found = features(notes)
    assert found["density_course_with_time"] > 0.9
    assert found["density_course_max"] > found["density_course_min"]


@given(notes=pieces)
def test_every_piece_has_finite_features_in_their_ranges(notes: Notes) -> None:
    found = features(notes)
    assert all(math.isfinite(value) for value in found.values())
    for name in ("velocity_with_time", "velocity_with_pitch", "pitch_course_with_time"):
        assert -1.001 <= found[name] <= 1.001
    assert 1 <= found["velocity_5"] <= found["velocity_95"] <= 127
