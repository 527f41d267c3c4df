"""From a trained net to a shipped model: convert, quantise, verify, calibrate, describe."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .calibrate import expected_calibration_error, fit_temperature, probabilities
from .card import Files, classes_table, draw_confusion, draw_ratings, entry, ratings_table, write_card, write_entry
from .convert.onnx import to_onnx
from .verify import confusion, figures, half, latency_ms, onnx_outputs, open_session, rating_figures

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from .recipe import Data, Examples, Recipe, View

#: What a model gave for some examples: the float net's output and the shipped file's.
Given = tuple["NDArray[np.float32]", "NDArray[np.float32]"]


@dataclass(frozen=True, slots=True)
class Told:
    """What is told of one output.

    Attributes:
        table: Markdown, for the card.
        measured: figures, for the manifest.
        temperature: that logits are divided by; 1 for ratings.
    """

    table: str
    measured: dict[str, Any]
    temperature: float = 1.0


def build(recipe: Recipe, data: Data, net: Any, folder: Path) -> dict[str, Any]:
    """Write a trained net as ONNX with its manifest entries, card and picture; return what was measured.

    It is quantised to int8 unless the recipe says otherwise. The first of the tests of each output sets its
    temperature; the very first is drawn.
    """
    from .train.loop import outputs

    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{recipe.name}.onnx"
    names = list(recipe.net_outputs)
    with tempfile.TemporaryDirectory() as temporary:
        fine = Path(temporary) / "float.onnx"
        to_onnx(net, fine, recipe)
        _shrink(recipe, data, fine, file)
        fine_latency_ms = latency_ms(open_session(fine), data.calibration[0])
    session = open_session(file)
    shapes = {output.name: list(output.shape) for output in session.get_outputs()}
    given: dict[str, Given] = {}
    for name, test in data.tests.items():
        if test.unseen is not None:
            given[name] = test.unseen, test.unseen
            continue
        which = test.output or names[0]
        fine_values = outputs(net, test.inputs)[names.index(which)]
        given[name] = fine_values, onnx_outputs(session, test.inputs)[which]

    files = Files(file, shapes, _write_vocabulary(recipe, data, folder))
    cost = {
        "latency_ms": round(latency_ms(session, data.calibration[0]), 3),
        "latency_float_ms": round(fine_latency_ms, 3),
        "size_kb": round(file.stat().st_size / 1000),
    }
    own = _tell(recipe, recipe.labels, _of(data.tests, None, names[0]), given)
    tables = [own.table]
    for view in recipe.views:
        told = _tell(recipe, view.labels, _of(data.tests, view, names[0]), given)
        tables.append(f"`{view.name}`:\n\n{told.table}")
        write_entry(folder, view.name, entry(recipe, files, told.temperature, told.measured | cost, view))
    measured = own.measured | cost
    _draw(recipe, folder, data, given)
    write_card(folder, recipe, files, tables, measured)
    write_entry(folder, recipe.name, entry(recipe, files, own.temperature, measured))
    if recipe.tflite:
        _write_tflite(recipe, data, net, folder)
    return measured


def _shrink(recipe: Recipe, data: Data, fine: Path, file: Path) -> None:
    """Write the file that is shipped from the float one."""
    from .convert.expose import expose
    from .convert.quantise import quantise, quantise_dynamic

    if not recipe.int8:
        shutil.copyfile(fine, file)
    elif recipe.dynamic:
        quantise_dynamic(fine, file)
    else:
        quantise(fine, file, data.calibration, operators=recipe.operators, leave_float=recipe.leave_float)
    if recipe.embedding:
        expose(file)


def _of(tests: Mapping[str, Examples], view: View | None, first: str) -> dict[str, Examples]:
    """Return the tests of an output."""
    output = view.output if view else first
    return {name: test for name, test in tests.items() if (test.output or first) == output}


def _tell(recipe: Recipe, labels: tuple[str, ...], tests: Mapping[str, Examples], given: Mapping[str, Given]) -> Told:
    if recipe.kind == "ratings":
        return _tell_ratings(labels, tests, given)
    return _tell_classes(recipe, labels, tests, given)


def _tell_classes(
    recipe: Recipe, labels: tuple[str, ...], tests: Mapping[str, Examples], given: Mapping[str, Given]
) -> Told:
    chosen = next(iter(tests))
    seen, truth = given[chosen][1], tests[chosen].truth
    temperature = round(fit_temperature(seen, truth), 3)
    rows = {}
    for name, test in tests.items():
        rows[name] = tuple(figures(one, test.truth, test.groups) for one in given[name])
        for question, classes in recipe.halves.items():
            yes = [labels.index(label) for label in sorted(classes)]
            halves = [half(one / temperature, test.truth, yes) for one in given[name]]
            rows[f"{name}_{question}"] = tuple(figures(*one, test.groups) for one in halves)
    measured: dict[str, Any] = {}
    for name, (net_figures, model_figures) in rows.items():
        measured[f"{name}_accuracy"] = round(model_figures.accuracy, 4)
        measured[f"{name}_recall"] = round(model_figures.recall, 4)
        measured[f"{name}_accuracy_float"] = round(net_figures.accuracy, 4)
    honest = expected_calibration_error(probabilities(seen, temperature), truth)
    raw = expected_calibration_error(probabilities(seen), truth)
    measured |= {"calibration_error": round(honest, 4), "calibration_error_raw": round(raw, 4)}
    table = classes_table(rows, "int8" if recipe.int8 else "ONNX")
    told = "out-of-fold outputs" if tests[chosen].unseen is not None else "same examples"
    calibration = (
        f"Calibration: with the temperature {temperature:g} the expected calibration error (15 bins) is {honest:.3f}; "
        f"without it {raw:.3f}. The temperature is fitted on the {told} ({chosen})."
    )
    return Told(f"{table}\n\n{calibration}", measured, temperature)


def _tell_ratings(labels: tuple[str, ...], tests: Mapping[str, Examples], given: Mapping[str, Given]) -> Told:
    measured: dict[str, Any] = {}
    rows = {}
    for name, test in tests.items():
        both = [rating_figures(one, test.truth, test.groups) for one in given[name]]
        for n, label in enumerate(labels):
            if both[1][n].examples:
                rows[f"{name}: {label}"] = both[0][n], both[1][n]
                measured[f"{name}_{label}_r"] = round(both[1][n].r, 4)
        rated = [one.r for one in both[1] if one.examples]
        measured[f"{name}_mean_r"] = round(sum(rated) / len(rated), 4)
    return Told(ratings_table(rows), measured)


def _draw(recipe: Recipe, folder: Path, data: Data, given: Mapping[str, Given]) -> None:
    name, test = next(iter(data.tests.items()))
    if recipe.kind == "ratings":
        draw_ratings(folder / f"{recipe.name}_ratings.png", given[name][1], test.truth, recipe.labels)
    else:
        draw_confusion(folder / f"{recipe.name}_confusion.png", confusion(given[name][1], test.truth), recipe.labels)


def _write_vocabulary(recipe: Recipe, data: Data, folder: Path) -> Path | None:
    if recipe.vocabulary is None:
        return None
    path = folder / f"{recipe.name}_vocab.txt"
    path.write_text("".join(f"{piece}\n" for piece in recipe.vocabulary(data)), encoding="utf-8")
    return path


def _write_tflite(recipe: Recipe, data: Data, net: Any, folder: Path) -> None:
    """Write the TFLite model beside the ONNX one."""
    raise NotImplementedError
