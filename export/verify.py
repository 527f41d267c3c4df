"""What a converted model is worth: its figures on people that it hasn't seen, beside those of the float net."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

_RESAMPLES = 1000


@dataclass(frozen=True, slots=True)
class Figures:
    """How well the classes of some examples are named.

    Attributes:
        examples: how many.
        accuracy: share that is named rightly.
        low: lower end of its 95 % bootstrap interval.
        high: upper end.
        recall: mean over the classes of the share of each that is found (unweighted average recall).
    """

    examples: int
    accuracy: float
    low: float
    high: float
    recall: float


@dataclass(frozen=True, slots=True)
class RatingFigures:
    """How well a rating is told.

    Attributes:
        examples: how many were rated.
        r: Pearson's correlation with the truth.
        low: lower end of its 95 % bootstrap interval.
        high: upper end.
        mae: mean absolute error, in the rating's own unit.
    """

    examples: int
    r: float
    low: float
    high: float
    mae: float


def open_session(file: Path) -> Any:
    """Open an ONNX model as the daemon does: one thread, no spinning."""
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    return ort.InferenceSession(file, options, providers=["CPUExecutionProvider"])


def onnx_outputs(session: Any, inputs: NDArray[Any]) -> dict[str, NDArray[np.float32]]:
    """Return each output by name for [n, ...] inputs, one at a time as the daemon has them."""
    name = session.get_inputs()[0].name
    given = [session.run(None, {name: one[None]}) for one in inputs]
    names = [output.name for output in session.get_outputs()]
    return {name: np.concatenate(of_all) for name, of_all in zip(names, zip(*given, strict=True), strict=True)}


def onnx_logits(session: Any, inputs: NDArray[Any]) -> NDArray[np.float32]:
    """Return the first output for [n, ...] inputs."""
    return next(iter(onnx_outputs(session, inputs).values()))


def latency_ms(session: Any, one: NDArray[Any], runs: int = 200, bound_s: float = 2.0) -> float:
    """Return the median time of an inference, of so many runs or of those that the bound leaves time for."""
    name = session.get_inputs()[0].name
    times: list[float] = []
    while len(times) < runs and sum(times) < bound_s:
        started_s = time.perf_counter()
        session.run(None, {name: one[None]})
        times.append(time.perf_counter() - started_s)
    return float(np.median(times)) * 1000.0


def figures(logits: NDArray[np.float32], labels: NDArray[np.int64], groups: NDArray[np.int64] | None = None) -> Figures:
    """Return the figures of some logits; with groups, whole groups are drawn for the interval."""
    right = logits.argmax(axis=1) == labels
    drawn = [right[rows].mean() for rows in _drawn(len(right), groups)]
    low, high = np.quantile(drawn, (0.025, 0.975))
    recall = np.mean([right[labels == label].mean() for label in np.unique(labels)])
    return Figures(len(labels), float(right.mean()), float(low), float(high), float(recall))


def correlations(given: NDArray[np.floating[Any]], truth: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Return Pearson's r of each column where the truth is not NaN; 0 where one of both never changes."""
    found = np.zeros(truth.shape[1])
    for column in range(truth.shape[1]):
        rated = ~np.isnan(truth[:, column])
        pair = given[rated, column].astype(np.float64), truth[rated, column].astype(np.float64)
        if rated.any() and all(np.ptp(one) > 0.0 for one in pair):
            found[column] = np.corrcoef(*pair)[0, 1]
    return found


def rating_figures(
    given: NDArray[np.float32], truth: NDArray[np.float32], groups: NDArray[np.int64] | None = None
) -> list[RatingFigures]:
    """Return the figures of each column of ratings; columns that nobody rated have 0 examples."""
    draws = np.array([correlations(given[rows], truth[rows]) for rows in _drawn(len(truth), groups)])
    rated = ~np.isnan(truth)
    errors = np.abs(given - truth)
    return [
        RatingFigures(
            examples=int(rated[:, n].sum()),
            r=float(r),
            low=float(np.quantile(draws[:, n], 0.025)),
            high=float(np.quantile(draws[:, n], 0.975)),
            mae=float(errors[rated[:, n], n].mean()) if rated[:, n].any() else float("nan"),
        )
        for n, r in enumerate(correlations(given, truth))
    ]


def _drawn(examples: int, groups: NDArray[np.int64] | None) -> Iterator[NDArray[np.int64]]:
    """Draw rows with replacement, whole groups where there are any, again and again."""
    rng = np.random.default_rng(0)
    if groups is None:
        for _ in range(_RESAMPLES):
            yield rng.integers(0, examples, examples)
        return
    rows = [np.flatnonzero(groups == group) for group in np.unique(groups)]
    for _ in range(_RESAMPLES):
        yield np.concatenate([rows[n] for n in rng.integers(0, len(rows), len(rows))])


def half(
    logits: NDArray[np.float32], labels: NDArray[np.int64], yes: Sequence[int]
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Turn classes into the answers to a question: logits [n, 2] and labels [n] of no (0) and yes (1).

    Yes is as probable as its classes are together.
    """
    no = [label for label in range(logits.shape[1]) if label not in yes]
    sums = [np.logaddexp.reduce(logits[:, classes], axis=1) for classes in (no, list(yes))]
    return np.stack(sums, axis=1).astype(np.float32), np.isin(labels, yes).astype(np.int64)


def confusion(logits: NDArray[np.float32], labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return counts, [true class, named class]."""
    classes = logits.shape[1]
    counted = np.bincount(labels * classes + logits.argmax(axis=1), minlength=classes * classes)
    return counted.reshape(classes, classes).astype(np.int64)
