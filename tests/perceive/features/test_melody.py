from __future__ import annotations

import pytest

from robotd.perceive.features.melody import NAMES, melody_features
from robotd.perceive.features.moments import moments_of
from robotd.perceive.features.score import Notes
from tests.perceive.features.test_score import piece


def features(notes: Notes) -> dict[str, float]:
    return dict(zip(NAMES, melody_features(notes, moments_of(notes)).tolist(), strict=True))


def test_a_rising_scale_moves_by_steps() -> None:
    scale = [60, 62, 64, 65, 67, 69, 71, 72]
    found = features(piece(*((0.5 * i, 0.5, pitch, 80) for i, pitch in enumerate(scale))))
    assert found["interval_step"] == found["rising"] == 1.0
    assert found["turns"] == 0.0
    assert found["interval_mean"] == pytest.approx(12 / 7)
    assert found["interval_2"] == pytest.approx(5 / 7)
    assert found["melody_on_0"] == pytest.approx(2 / 8)
    assert found["melody_per_s"] == pytest.approx(2.0)


def test_what_lies_below_is_not_the_melody() -> None:
    melody = [(float(i), 1.0, 72 + i % 3, 80) for i in range(8)]
    accompaniment = [(0.5 * i, 0.5, 57 + i % 2, 60) for i in range(16)]
    alone, together = features(piece(*melody)), features(piece(*melody, *accompaniment))
    for name in ("interval_mean", "rising", "turns", "melody_mean", "melody_sd"):
        assert together[name] == pytest.approx(alone[name]), name


def test_a_piece_of_low_notes_has_a_melody_too() -> None:
    assert features(piece((0.0, 1.0, 40, 80), (1.0, 1.0, 45, 80)))["melody_mean"] == 42.5
