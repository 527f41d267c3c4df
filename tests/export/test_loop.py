"""The losses and scores that trainings share."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed (pip install robotd[export])")

from export.recipe import Examples  # noqa: E402 - after the check for torch
from export.train.loop import absolute_error, cross_entropy, outputs, score  # noqa: E402


def test_missing_ratings_cost_nothing() -> None:
    given = torch.tensor([[1.0, 5.0], [2.0, 0.0]], requires_grad=True)
    loss = absolute_error(given, torch.tensor([[3.0, float("nan")], [2.0, float("nan")]]))
    loss.backward()
    assert loss.item() == pytest.approx(1.0)
    assert given.grad[:, 1].tolist() == [0.0, 0.0]


def test_a_batch_without_any_rating_costs_nothing() -> None:
    assert absolute_error(torch.ones(2, 1), torch.full((2, 1), float("nan"))).item() == 0.0


def test_cross_entropy_is_that_of_the_first_output() -> None:
    sure = torch.tensor([[20.0, 0.0]]), torch.tensor([[float("nan")]])
    assert cross_entropy(sure, torch.tensor([[1.0, 0.0]])).item() == pytest.approx(0.0, abs=1e-6)
    assert cross_entropy(sure, torch.tensor([[0.0, 1.0]])).item() == pytest.approx(20.0)


class Two(torch.nn.Module):  # type: ignore[name-defined,misc]  # torch is untyped here
    """The input, and twice the input."""

    def forward(self, x: object) -> tuple[object, object]:
        return x, 2 * x  # type: ignore[operator]


def test_every_output_is_returned_in_order() -> None:
    inputs = np.arange(600, dtype=np.float32).reshape(300, 2)
    once, twice = outputs(Two(), inputs)
    np.testing.assert_array_equal(once, inputs)
    np.testing.assert_array_equal(twice, 2 * inputs)


def test_the_score_is_accuracy_of_classes_and_correlation_of_ratings() -> None:
    inputs = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.5], [0.2, 0.9]], np.float32)
    assert score(Two(), Examples(inputs, np.array([0, 1, 0, 0])), "classes") == pytest.approx(0.75)
    assert score(Two(), Examples(inputs, 3.0 * inputs), "ratings") == pytest.approx(1.0)
