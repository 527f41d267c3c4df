"""Honest probabilities: temperature scaling (Guo et al. 2017, "On calibration of modern neural networks")."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_BINS = 15
_LOWEST, _HIGHEST = 0.1, 10.0


def probabilities(logits: NDArray[np.floating[Any]], temperature: float = 1.0) -> NDArray[np.float64]:
    """Return the softmax of [n, classes] logits at a temperature."""
    scaled = logits.astype(np.float64) / temperature
    exponentials = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    shares: NDArray[np.float64] = exponentials / exponentials.sum(axis=1, keepdims=True)
    return shares


def negative_log_likelihood(logits: NDArray[np.floating[Any]], labels: NDArray[np.int64], temperature: float) -> float:
    """Return the mean surprise at the true classes, in nats."""
    chances = probabilities(logits, temperature)[np.arange(len(labels)), labels]
    return float(-np.log(np.maximum(chances, 1e-12)).mean())


def fit_temperature(logits: NDArray[np.floating[Any]], labels: NDArray[np.int64]) -> float:
    """Return the temperature (0.1..10) at which the true classes surprise least.

    The likelihood has one peak in it, so a golden-section search on its logarithm finds it.
    """
    low, high = math.log(_LOWEST), math.log(_HIGHEST)
    golden = (math.sqrt(5.0) - 1.0) / 2.0
    for _ in range(40):
        first, second = high - golden * (high - low), low + golden * (high - low)
        at_first = negative_log_likelihood(logits, labels, math.exp(first))
        if at_first < negative_log_likelihood(logits, labels, math.exp(second)):
            high = second
        else:
            low = first
    return math.exp((low + high) / 2.0)


def expected_calibration_error(chances: NDArray[np.float64], labels: NDArray[np.int64]) -> float:
    """Return how far confidence and accuracy lie apart, 0..1, in the mean over 15 bins of confidence."""
    confidence = chances.max(axis=1)
    right = chances.argmax(axis=1) == labels
    bins = np.minimum((confidence * _BINS).astype(int), _BINS - 1)
    error = 0.0
    for index in range(_BINS):
        inside = bins == index
        if inside.any():
            error += inside.mean() * abs(right[inside].mean() - confidence[inside].mean())
    return float(error)
