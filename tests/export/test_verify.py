from __future__ import annotations

import numpy as np
import pytest

from export.verify import confusion, figures


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
