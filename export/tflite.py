"""The TFLite twin of a recipe's model: an entry of its own, `<name>_tflite`, with figures of its own."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from .card import Files, entry, write_card, write_entry
from .convert.tflite import TfliteSession, net_to_tflite
from .tell import draw, tell
from .verify import onnx_logits, open_session

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from .recipe import Examined, Recipe


def build_tflite(recipe: Recipe, data: Examined, net: Any, folder: Path) -> dict[str, Any]:
    """Write a trained net as int8 TFLite beside its ONNX model, with entry and card; return what was measured.

    Raises:
        ExportError: it can't be converted.
    """
    file = folder / f"{recipe.name}.tflite"
    net_to_tflite(net, file, recipe.input_shape, data.calibration, operators=recipe.operators)
    return describe_tflite(recipe, data, folder)


def describe_tflite(recipe: Recipe, data: Examined, folder: Path) -> dict[str, Any]:
    """Measure a recipe's TFLite model beside its ONNX model, write its entry and card; return what was measured."""
    twin = replace(recipe, name=f"{recipe.name}_tflite", views=(), embedding=False)
    file = folder / f"{recipe.name}.tflite"
    session, onnx = TfliteSession(file), open_session(folder / f"{recipe.name}.onnx")
    one = data.calibration[0]
    shapes = [list(output.shape) for output in session.run(one[None])]
    files = Files(file, dict(zip(recipe.net_outputs, shapes, strict=True)))
    first = next(iter(recipe.net_outputs))
    tests = {name: test for name, test in data.tests.items() if (test.output or first) == first}
    given: dict[str, tuple[NDArray[np.float32], NDArray[np.float32]]] = {}
    for name, test in tests.items():
        if test.unseen is None:
            given[name] = onnx_logits(onnx, test.inputs), session.logits(test.inputs)
        else:
            given[name] = test.unseen, test.unseen
    told = tell(twin, recipe.labels, tests, given)
    measured = told.measured | {
        "latency_ms": round(session.latency_ms(one), 3),
        "size_kb": round(file.stat().st_size / 1000),
    }
    name, test = next(iter(tests.items()))
    draw(twin, folder, given[name][1], test)
    write_card(folder, twin, files, [told.table], measured)
    write_entry(folder, twin.name, entry(twin, files, told.temperature, measured))
    return measured
