"""What a converted model is worth: its figures on people that it hasn't seen, beside those of the float net."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence
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


def open_session(file: Path) -> Any:
    """Open an ONNX model as the daemon does: one thread, no spinning."""
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    return ort.InferenceSession(file, options, providers=["CPUExecutionProvider"])


def onnx_logits(session: Any, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return [n, classes] logits of [n, ...] inputs, one at a time as the daemon has them."""
    name = session.get_inputs()[0].name
    return np.concatenate([session.run(None, {name: one[None]})[0] for one in inputs])


def latency_ms(session: Any, one: NDArray[np.float32], runs: int = 200) -> float:
    """Return the median time of an inference."""
    name = session.get_inputs()[0].name
    times = []
    for _ in range(runs):
        started_s = time.perf_counter()
        session.run(None, {name: one[None]})
        times.append(time.perf_counter() - started_s)
    return float(np.median(times)) * 1000.0


def figures(logits: NDArray[np.float32], labels: NDArray[np.int64], groups: NDArray[np.int64] | None = None) -> Figures:
    """Return the figures of some logits; with groups, whole groups are drawn for the interval."""
    right = logits.argmax(axis=1) == labels
    rng = np.random.default_rng(0)
    if groups is None:
        drawn = rng.choice(right, (_RESAMPLES, len(right))).mean(axis=1)
    else:
        group = np.unique(groups, return_inverse=True)[1]
        sizes = np.bincount(group)
        chosen = rng.integers(0, len(sizes), (_RESAMPLES, len(sizes)))
        drawn = np.bincount(group, weights=right)[chosen].sum(axis=1) / sizes[chosen].sum(axis=1)
    low, high = np.quantile(drawn, (0.025, 0.975))
    recall = np.mean([right[labels == label].mean() for label in np.unique(labels)])
    return Figures(len(labels), float(right.mean()), float(low), float(high), float(recall))


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
