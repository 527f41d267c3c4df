from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from robotd.perceive.features import score
from robotd.perceive.features.score import Notes
from robotd.perceive.features.symbolic import NAMES, note_features
from tests.perceive.features.test_score import pieces


def test_no_two_features_have_one_name() -> None:
    assert len(set(NAMES)) == len(NAMES)
    assert NAMES[: len(score.NAMES)] == score.NAMES


@given(notes=pieces)
def test_every_piece_has_finite_features(notes: Notes) -> None:
    found = note_features(notes)
    assert found.shape == (len(NAMES),)
    assert found.dtype == np.float32
    assert np.isfinite(found).all()


@given(pitch=st.integers(0, 127), velocity=st.integers(1, 127), length_s=st.floats(1e-3, 100))
def test_a_single_note_has_finite_features(pitch: int, velocity: int, length_s: float) -> None:
    note = Notes(np.array([3.0]), np.array([length_s]), np.array([pitch]), np.array([velocity]))
    assert np.isfinite(note_features(note)).all()
