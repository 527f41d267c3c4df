from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from export.calibrate import (
    expected_calibration_error,
    fit_temperature,
    negative_log_likelihood,
    probabilities,
)


@given(truth=st.floats(0.2, 5.0))
def test_the_temperature_that_spoiled_the_logits_is_found(truth: float) -> None:
    rng = np.random.default_rng(0)
    honest = rng.normal(0, 1.5, (4000, 5))
    labels = np.array([rng.choice(5, p=row) for row in probabilities(honest)])
    assert fit_temperature(honest * truth, labels) == pytest.approx(truth, rel=0.1)


def test_a_fitted_temperature_surprises_least() -> None:
    rng = np.random.default_rng(1)
    logits = rng.normal(0, 3, (500, 7)).astype(np.float32)
    labels = rng.integers(0, 7, 500)
    best = fit_temperature(logits, labels)
    for other in (0.5, 1.0, 2.0, 5.0):
        assert negative_log_likelihood(logits, labels, best) <= negative_log_likelihood(logits, labels, other)


def test_probabilities_sum_to_one_even_for_huge_logits() -> None:
    chances = probabilities(np.array([[1e4, 0, -1e4], [3, 3, 3]], np.float32), 0.5)
    np.testing.assert_allclose(chances.sum(axis=1), 1)
    np.testing.assert_allclose(chances[1], 1 / 3)


def test_calibration_error_is_the_gap_between_confidence_and_accuracy() -> None:
    chances = np.tile([0.9, 0.1], (100, 1))
    labels = np.repeat([0, 1], [60, 40])
    assert expected_calibration_error(chances, labels) == pytest.approx(0.3)
    assert expected_calibration_error(chances, np.repeat([0, 1], [90, 10])) == pytest.approx(0.0, abs=1e-9)
