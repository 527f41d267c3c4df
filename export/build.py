"""From a trained net to a shipped model: convert, quantise, verify, calibrate, describe."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .calibrate import expected_calibration_error, fit_temperature, probabilities
from .card import draw_confusion, entry, write_card, write_entry
from .convert.onnx import to_onnx
from .convert.quantise import quantise
from .verify import confusion, figures, half, latency_ms, onnx_logits, open_session

if TYPE_CHECKING:
    from .recipe import Data, Recipe
    from .verify import Figures


def build(recipe: Recipe, data: Data, net: Any, folder: Path) -> dict[str, Any]:
    """Write a trained net as ONNX with its manifest entry, card and picture; return what was measured.

    It is quantised to int8 unless the recipe says otherwise. The first of the data's tests sets the temperature
    and is drawn.
    """
    from .train.loop import logits

    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{recipe.name}.onnx"
    with tempfile.TemporaryDirectory() as temporary:
        fine = Path(temporary) / "float.onnx"
        to_onnx(net, fine, input_name=recipe.input_name, input_shape=recipe.input_shape)
        if recipe.int8:
            quantise(fine, file, data.calibration, operators=recipe.operators, leave_float=recipe.leave_float)
        else:
            shutil.copyfile(fine, file)
        fine_latency_ms = latency_ms(open_session(fine), data.calibration[0])

    session = open_session(file)
    model_logits = {name: onnx_logits(session, test.inputs) for name, test in data.tests.items()}
    chosen = next(iter(data.tests))
    seen, labels = model_logits[chosen], data.tests[chosen].labels
    temperature = round(fit_temperature(seen, labels), 3)
    tests: dict[str, tuple[Figures, Figures]] = {}
    for name, test in data.tests.items():
        both = logits(net, test.inputs), model_logits[name]
        net_figures, model_figures = (figures(one, test.labels, test.groups) for one in both)
        tests[name] = net_figures, model_figures
        for question, classes in recipe.halves.items():
            yes = [recipe.labels.index(label) for label in sorted(classes)]
            halves = [half(one / temperature, test.labels, yes) for one in both]
            net_figures, model_figures = (figures(*one, test.groups) for one in halves)
            tests[f"{name}_{question}"] = net_figures, model_figures
    measured: dict[str, Any] = {}
    for name, (net_figures, model_figures) in tests.items():
        measured[f"{name}_accuracy"] = round(model_figures.accuracy, 4)
        measured[f"{name}_recall"] = round(model_figures.recall, 4)
        measured[f"{name}_accuracy_float"] = round(net_figures.accuracy, 4)
    measured |= {
        "calibration_error": round(expected_calibration_error(probabilities(seen, temperature), labels), 4),
        "calibration_error_raw": round(expected_calibration_error(probabilities(seen), labels), 4),
        "latency_ms": round(latency_ms(session, data.calibration[0]), 3),
        "latency_float_ms": round(fine_latency_ms, 3),
        "size_kb": round(file.stat().st_size / 1000),
    }
    draw_confusion(folder / f"{recipe.name}_confusion.png", confusion(seen, labels), recipe.labels)
    write_card(folder, recipe, tests, temperature, measured)
    write_entry(folder, recipe.name, entry(recipe, file, temperature, measured))
    return measured
