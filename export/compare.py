"""Compares two forms of a model: what they give, how often they are right, how large and how fast they are."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .describe import describe, loaded, made_up
from .errors import ExportError
from .samples import Labelled, labelled_from
from .verify import correlations

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from robotd.perceive.runtime import Model

    from .samples import ReadAs

#: Random inputs where no data is given, and the most runs and seconds that a latency takes.
_MADE_UP = 100
_RUNS, _LONGEST_S = 200, 3.0
_PERCENT = 100.0


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two.

    Attributes:
        file: its name.
        size_kb: of the file.
        latency_ms: median of a run, on one thread.
        score: share of right labels, or mean correlation of ratings; None without labelled data.
    """

    file: str
    size_kb: float
    latency_ms: float
    score: float | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """How two models differ.

    Attributes:
        examples: how many inputs they were run on.
        made_up: the inputs were random numbers.
        differences: of each output by name: the largest and the mean absolute difference.
        scale: the largest absolute value that the first model gave.
        agreement: share of the inputs that both label alike by the first output.
        first: the one that is the measure.
        second: the other.
        ratings: the score is a correlation and not an accuracy.
    """

    examples: int
    made_up: bool
    differences: dict[str, tuple[float, float]]
    scale: float
    agreement: float
    first: Side
    second: Side
    ratings: bool = False

    @property
    def loss_points(self) -> float | None:
        """By how many points (hundredths) the second scores lower; None without labelled data."""
        if self.first.score is None or self.second.score is None:
            return None
        return (self.first.score - self.second.score) * _PERCENT


def compare(
    first: Path,
    second: Path,
    data: Path | None = None,
    *,
    read_as: ReadAs | None = None,
    labels: Sequence[str] | None = None,
) -> Comparison:
    """Run two models, ONNX or TFLite, on the same inputs by the daemon's own runtime.

    Args:
        first: the measure.
        second: the one in doubt.
        data: labelled inputs, as `samples.labelled_from` takes them; random inputs without it.
        read_as: by which features the samples of a folder become inputs.
        labels: the models' classes, which the folders in it are called.

    Raises:
        ExportError: a file can't be loaded, or they take or give different shapes.
        ModelError: one can't be run, or gives what is not a number.
    """
    sides = [describe(file) for file in (first, second)]
    for what, shapes in (
        ("takes", [side.input.shape for side in sides]),
        ("gives", [tuple(output.shape for output in side.outputs) for side in sides]),
    ):
        if shapes[0] != shapes[1]:
            told = [_shown(shape) for shape in shapes]
            raise ExportError(f"{first} {what} {told[0]}, but {second} {told[1]}: they can't be compared")
    labelled = None if data is None else labelled_from(data, sides[0].input, read_as, labels)
    inputs = made_up(sides[0].input, _MADE_UP) if labelled is None else labelled.inputs
    models = [loaded(file, side) for file, side in zip((first, second), sides, strict=True)]
    given = [_outputs(model, inputs) for model in models]
    differences = {
        output.name: (float(np.abs(a - b).max()), float(np.abs(a - b).mean()))
        for output, a, b in zip(sides[0].outputs, *given, strict=True)
    }
    columns = [one[0].reshape(len(inputs), -1) for one in given]
    latencies = _latencies_ms(models, inputs)
    rows = [
        Side(file.name, file.stat().st_size / 1000.0, latency, _score(labelled, values))
        for file, latency, values in zip((first, second), latencies, columns, strict=True)
    ]
    return Comparison(
        examples=len(inputs),
        made_up=labelled is None,
        differences=differences,
        scale=max(float(np.abs(one).max()) for one in given[0]),
        agreement=float((columns[0].argmax(axis=1) == columns[1].argmax(axis=1)).mean()),
        first=rows[0],
        second=rows[1],
        ratings=labelled is not None and labelled.truth.ndim > 1,
    )


def latency_ms(file: Path) -> float:
    """Return the median time of a model's run in the daemon's runtime, on one thread."""
    tensors = describe(file)
    return _latencies_ms([loaded(file, tensors)], made_up(tensors.input, 1))[0]


def _shown(shape: Any) -> str:
    if shape and isinstance(shape[0], tuple):
        return " and ".join(str(list(one)) for one in shape)
    return str(list(shape))


def _outputs(model: Model, inputs: NDArray[Any]) -> list[NDArray[np.float64]]:
    """Return each output for all inputs, [n, ...]."""
    runs = [model.run(one[None]) for one in inputs]
    return [np.stack([np.asarray(one, np.float64) for one in of_all]) for of_all in zip(*runs, strict=True)]


def _latencies_ms(models: list[Model], inputs: NDArray[Any]) -> list[float]:
    """Return the median times, taken in turns, so that a busy machine wrongs none of them."""
    times: list[list[float]] = [[] for _ in models]
    started_s = time.perf_counter()
    for run in range(_RUNS):
        one = inputs[run % len(inputs)][None]
        for model, taken in zip(models, times, strict=True):
            before_s = time.perf_counter()
            model.run(one)
            taken.append(time.perf_counter() - before_s)
        if time.perf_counter() - started_s > _LONGEST_S:
            break
    return [float(np.median(taken)) * 1000.0 for taken in times]


def _score(labelled: Labelled | None, values: NDArray[np.float64]) -> float | None:
    if labelled is None:
        return None
    if labelled.truth.ndim == 1:
        if labelled.truth.min() < 0 or labelled.truth.max() >= values.shape[1]:
            raise ExportError(
                f"the labels go up to {labelled.truth.max()}, but the models tell {values.shape[1]} classes"
            )
        return float((values.argmax(axis=1) == labelled.truth).mean())
    if labelled.truth.shape != values.shape:
        raise ExportError(f"the data rates {labelled.truth.shape[1]} things, but the models {values.shape[1]}")
    rated = ~np.isnan(labelled.truth).all(axis=0)
    return float(correlations(values, labelled.truth)[rated].mean()) if rated.any() else None
