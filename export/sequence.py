"""Nets of sequences: measured over whole pieces, shipped as one step with the states as inputs and outputs."""

from __future__ import annotations

import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .card import Files, draw_events, entry, events_table, write_card, write_entry
from .convert.onnx import step_to_onnx
from .errors import ExportError
from .verify import open_session

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .recipe import Examined, Examples, Recipe

#: In place of an event that does not count: behind the end of a piece.
PADDING = -1
#: To a state's input belongs the output with this behind its name.
NEXT = "_next"
#: So many calibration inputs are compared.
_COMPARED = 16
#: Below this share of steps with the same most probable event a file isn't its net any more.
_LEAST_ALIKE = 0.9
#: A composer lets so many candidates go on side by side.
_CANDIDATES = 4
_RESAMPLES = 1000


@dataclass(frozen=True, slots=True)
class EventFigures:
    """How well the next events are foretold.

    Attributes:
        events: how many.
        bits: that an event costs: minus the binary logarithm of its probability, on average.
        low: lower end of the 95 % bootstrap interval of the bits.
        high: upper end.
        accuracy: share of events that were the most probable.
    """

    events: int
    bits: float
    low: float
    high: float
    accuracy: float


def bits(logits: NDArray[np.float32], truth: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return [n, steps] what each event costs; 0 where none counts.

    Args:
        logits: [n, steps, classes].
        truth: [n, steps] the events that came, `PADDING` where none counts.
    """
    highest = logits.max(axis=2)
    said = np.take_along_axis(logits, truth.clip(min=0)[..., None], axis=2)[..., 0]
    nats = highest - said + np.log(np.exp(logits - highest[..., None]).sum(axis=2, dtype=np.float64))
    return np.where(truth == PADDING, 0.0, nats / np.log(2.0))


def event_figures(
    logits: NDArray[np.float32], truth: NDArray[np.int64], groups: NDArray[np.int64] | None = None
) -> EventFigures:
    """Return the figures of some sequences; for the interval whole sequences (or groups of them) are drawn."""
    counted = truth != PADDING
    of_group = np.arange(len(truth)) if groups is None else np.unique(groups, return_inverse=True)[1]
    costs = np.bincount(of_group, weights=bits(logits, truth).sum(axis=1))
    events = np.bincount(of_group, weights=counted.sum(axis=1))
    rows = np.random.default_rng(0).integers(0, len(costs), (_RESAMPLES, len(costs)))
    low, high = np.quantile(costs[rows].sum(axis=1) / events[rows].sum(axis=1), (0.025, 0.975))
    right = (logits.argmax(axis=2) == truth)[counted].mean()
    return EventFigures(int(events.sum()), float(costs.sum() / events.sum()), float(low), float(high), float(right))


def step_logits(session: Any, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return [n, steps, classes] logits of a shipped file for [n, steps, features], taking step after step."""
    taken = session.get_inputs()
    states = {one.name: np.zeros((len(inputs), *one.shape[1:]), np.float32) for one in taken[1:]}
    names = [session.get_outputs()[0].name, *(f"{name}{NEXT}" for name in states)]
    given = []
    for step in range(inputs.shape[1]):
        logits, *after = session.run(names, {taken[0].name: inputs[:, step], **states})
        states = dict(zip(states, after, strict=True))
        given.append(logits)
    return np.stack(given, axis=1)


def step_ms(session: Any, one: NDArray[np.float32], pieces: int = 1) -> float:
    """Return the median time of a step of so many pieces, of the steps of [steps, features] of one."""
    taken = session.get_inputs()
    states = {one.name: np.zeros((pieces, *one.shape[1:]), np.float32) for one in taken[1:]}
    times = []
    for features in one:
        started_s = time.perf_counter()
        session.run(None, {taken[0].name: np.repeat(features[None], pieces, axis=0), **states})
        times.append(time.perf_counter() - started_s)
    return float(np.median(times)) * 1000.0


def build_sequence(recipe: Recipe, data: Examined, net: Any, folder: Path) -> dict[str, Any]:
    """Write the step of a trained net as ONNX with its manifest entry, card and picture; return what was measured."""
    from .train.loop import logits

    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{recipe.name}.onnx"
    compared = data.calibration[:_COMPARED]
    with tempfile.TemporaryDirectory() as temporary:
        fine = Path(temporary) / "float.onnx"
        step_to_onnx(net, fine, recipe)
        _shrink(recipe, fine, file)
        fine_ms = step_ms(open_session(fine), compared[0])
    session = open_session(file)
    alike = float((logits(net, compared).argmax(axis=2) == step_logits(session, compared).argmax(axis=2)).mean())
    if alike < _LEAST_ALIKE:
        raise ExportError(
            f"{recipe.name}: the shipped file agrees with the net in only {alike:.2f} of the steps; its step differs "
            "from its whole sequences, or int8 is too coarse for it"
        )
    rows: dict[str, tuple[EventFigures, EventFigures]] = {}
    measured: dict[str, Any] = {}
    for name, test in data.tests.items():
        given = step_logits(session, test.inputs)
        before = event_figures(logits(net, test.inputs), test.truth, test.groups)
        after = event_figures(given, test.truth, test.groups)
        rows[name] = before, after
        measured[f"{name}_bits"] = round(after.bits, 4)
        measured[f"{name}_accuracy"] = round(after.accuracy, 4)
        measured[f"{name}_bits_float"] = round(before.bits, 4)
        if len(rows) == 1:
            draw_events(folder / f"{recipe.name}_events.png", *expected(given, test))
    measured |= {
        "latency_ms": round(step_ms(session, compared[0]), 3),
        f"latency_{_CANDIDATES}_ms": round(step_ms(session, compared[0], _CANDIDATES), 3),
        "latency_float_ms": round(fine_ms, 3),
        "size_kb": round(file.stat().st_size / 1000),
        "same_as_float": round(alike, 4),
    }
    # The manifest tells of one piece; any number of them are taken at once.
    files = Files(file, {one.name: [1, *one.shape[1:]] for one in session.get_outputs()})
    write_card(folder, recipe, files, [events_table(rows)], measured)
    write_entry(folder, recipe.name, entry(recipe, files, 1.0, measured))
    return measured


def expected(logits: NDArray[np.float32], test: Examples) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return [classes] shares: how often each event came, and how often the model expected it to."""
    counted = test.truth != PADDING
    said = logits[counted].astype(np.float64)
    heights = np.exp(said - said.max(axis=1, keepdims=True))
    probabilities = heights / heights.sum(axis=1, keepdims=True)
    came = np.bincount(test.truth[counted], minlength=logits.shape[2]) / counted.sum()
    return came, probabilities.mean(axis=0)


def _shrink(recipe: Recipe, fine: Path, file: Path) -> None:
    """Write the file that is shipped from the float one."""
    from .convert.quantise import quantise_dynamic
    from .convert.quantise_weights import quantise_weights

    if not recipe.int8:
        shutil.copyfile(fine, file)
    elif recipe.dynamic:
        quantise_dynamic(fine, file)
    else:
        quantise_weights(fine, file)
