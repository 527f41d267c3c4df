from __future__ import annotations

import numpy as np
import pytest

from export.verify import confusion, correlations, figures, half, rating_figures


def logits_of(named: list[int]) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    return np.eye(3, dtype=np.float32)[named]


def test_accuracy_and_recall_differ_where_classes_do() -> None:
    labels = np.array([0] * 8 + [1] * 2)
    found = figures(logits_of([0] * 10), labels)
    assert found.accuracy == pytest.approx(0.8)
    assert found.recall == pytest.approx(0.5)
    assert found.examples == 10
    assert found.low <= found.accuracy <= found.high


def test_the_interval_narrows_with_more_examples() -> None:
    few, many = ([0, 1] * count for count in (20, 2000))
    widths = [found.high - found.low for found in (figures(logits_of(n), np.zeros(len(n), int)) for n in (few, many))]
    assert widths[1] < widths[0] / 5


def test_confusion_counts_truth_in_rows() -> None:
    counts = confusion(logits_of([0, 1, 1, 2]), np.array([0, 0, 1, 2]))
    np.testing.assert_array_equal(counts, [[1, 1, 0], [0, 1, 0], [0, 0, 1]])


def test_the_interval_widens_when_examples_come_in_groups() -> None:
    labels, named = np.zeros(400, int), logits_of([0, 1] * 200)
    alone = figures(named, labels)
    together = figures(logits_of([0] * 200 + [1] * 200), labels, np.repeat(np.arange(20), 20))
    assert together.accuracy == alone.accuracy
    assert together.high - together.low > 2 * (alone.high - alone.low)


def test_a_half_is_as_probable_as_its_classes_together() -> None:
    chances = np.array([[0.3, 0.3, 0.4], [0.1, 0.2, 0.7]])
    logits, labels = half(np.log(chances).astype(np.float32), np.array([0, 2]), [0, 1])
    np.testing.assert_allclose(np.exp(logits), [[0.4, 0.6], [0.7, 0.3]], rtol=1e-5)
    assert labels.tolist() == [1, 0]


def test_ratings_correlate_only_where_somebody_rated() -> None:
    truth = np.array([[1.0, np.nan], [2.0, 4.0], [3.0, 2.0], [np.nan, 0.0]], np.float32)
    given = np.array([[2.0, 9.0], [4.0, 2.0], [6.0, 3.0], [-9.0, 4.0]], np.float32)
    np.testing.assert_allclose(correlations(given, truth), [1.0, -1.0])
    rising, falling = rating_figures(given, truth)
    assert (rising.examples, falling.examples) == (3, 3)
    assert rising.mae == pytest.approx(2.0)


def test_a_rating_that_never_changes_correlates_with_nothing() -> None:
    assert correlations(np.ones((5, 1)), np.arange(5.0)[:, None]).tolist() == [0.0]
    assert correlations(np.arange(5.0)[:, None], np.full((5, 1), np.nan)).tolist() == [0.0]


def test_the_interval_of_a_rating_holds_it_and_widens_with_groups() -> None:
    rng = np.random.default_rng(0)
    truth = np.repeat(rng.normal(size=20), 10)[:, None].astype(np.float32)
    given = truth + np.repeat(rng.normal(size=20), 10)[:, None].astype(np.float32)
    (alone,), (together,) = rating_figures(given, truth), rating_figures(given, truth, np.repeat(np.arange(20), 10))
    assert alone.low < alone.r < alone.high
    assert together.r == alone.r
    assert together.high - together.low > 1.5 * (alone.high - alone.low)
