"""From a trained net to a shipped model: convert, quantise, verify, calibrate, describe."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .card import Files, entry, write_card, write_entry
from .convert.onnx import to_onnx
from .errors import ExportError
from .sequence import build_sequence
from .tell import draw, tell
from .tflite import build_tflite
from .verify import correlations, latency_ms, onnx_outputs, open_session

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from .recipe import Examined, Examples, Recipe, View
    from .tell import Given

#: Below this a file isn't its net any more.
_LEAST_ALIKE = 0.5


def build(recipe: Recipe, data: Examined, net: Any, folder: Path) -> dict[str, Any]:
    """Write a trained net as ONNX with its manifest entries, card and picture; return what was measured.

    It is quantised to int8 unless the recipe says otherwise. The first of the tests of each output sets its
    temperature; the very first is drawn.
    """
    if recipe.kind == "sequence":
        return build_sequence(recipe, data, net, folder)
    from .train.loop import outputs

    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{recipe.name}.onnx"
    names = list(recipe.net_outputs)
    with tempfile.TemporaryDirectory() as temporary:
        fine = Path(temporary) / "float.onnx"
        to_onnx(net, fine, recipe)
        _shrink(recipe, data, fine, file)
        fine_latency_ms = latency_ms(open_session(fine), data.calibration[0])
        parity = _parity(outputs(net, data.calibration), onnx_outputs(open_session(file), data.calibration), recipe)
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
        "same_as_float": parity,
    }
    own = tell(recipe, recipe.labels, _of(data.tests, None, names[0]), given)
    tables = [own.table]
    for view in recipe.views:
        told = tell(recipe, view.labels, _of(data.tests, view, names[0]), given)
        tables.append(f"`{view.name}`:\n\n{told.table}")
        write_entry(folder, view.name, entry(recipe, files, told.temperature, told.measured | cost, view))
    measured = own.measured | cost
    name, test = next(iter(data.tests.items()))
    draw(recipe, folder, given[name][1], test)
    write_card(folder, recipe, files, tables, measured)
    write_entry(folder, recipe.name, entry(recipe, files, own.temperature, measured))
    if recipe.tflite:
        build_tflite(recipe, data, net, folder)
    return measured


def _shrink(recipe: Recipe, data: Examined, fine: Path, file: Path) -> None:
    """Write the file that is shipped from the float one."""
    from .convert.expose import expose
    from .convert.quantise import quantise, quantise_dynamic
    from .convert.quantise_weights import quantise_weights

    if not recipe.int8:
        shutil.copyfile(fine, file)
    elif recipe.dynamic:
        quantise_dynamic(fine, file)
    elif recipe.weights_only:
        quantise_weights(fine, file, half=recipe.leave_float)
    else:
        quantise(fine, file, data.calibration, operators=recipe.operators, leave_float=recipe.leave_float)
        # What the static way leaves in float, such as an LSTM, has its weights stored as int8 all the same.
        quantise_weights(file, file)
    if recipe.embedding:
        expose(file)


def _parity(net: Sequence[NDArray[np.float32]], shipped: Mapping[str, NDArray[np.float32]], recipe: Recipe) -> float:
    """Return how alike the first outputs of the net and of the shipped file are on the calibration inputs.

    It is the share of inputs of which both name the same class, or the lowest correlation of a rating.

    Raises:
        ExportError: they are too different: the file is broken, whatever nets like it would do.
    """
    fine, file = net[0], next(iter(shipped.values()))
    if recipe.kind == "classes":
        alike = float((fine.argmax(axis=1) == file.argmax(axis=1)).mean())
    else:
        alike = float(correlations(file, fine).min())
    if alike < _LEAST_ALIKE:
        raise ExportError(
            f"{recipe.name}: the shipped file agrees with the net in only {alike:.2f}; leave more of it in float "
            "(operators, leave_float), or quantise the weights only"
        )
    return round(alike, 4)


def _of(tests: Mapping[str, Examples], view: View | None, first: str) -> dict[str, Examples]:
    """Return the tests of an output."""
    output = view.output if view else first
    return {name: test for name, test in tests.items() if (test.output or first) == output}


def _write_vocabulary(recipe: Recipe, data: Examined, folder: Path) -> Path | None:
    if recipe.vocabulary is None:
        return None
    path = folder / f"{recipe.name}_vocab.txt"
    path.write_text("".join(f"{piece}\n" for piece in recipe.vocabulary(data)), encoding="utf-8")
    return path
