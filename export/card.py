"""What is told of a model: its entry in the manifest, its card and a picture of its confusions."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from .recipe import Recipe
    from .verify import Figures

MANIFEST = "manifest.yaml"
#: Per cent from which a cell of the picture is dark.
_DARK = 50.0
_HEAD = """\
# Every model that robotd may load. Files named here without a `fetch` lie beside this one; the others are
# fetched at set-up. The entries of trained models are written by `python -m export train`.
"""


def entry(recipe: Recipe, file: Path, temperature: float, measured: Mapping[str, Any]) -> dict[str, Any]:
    """Return a model's entry in the manifest."""
    return {
        "task": recipe.task,
        "format": "onnx",
        "file": file.name,
        "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
        "input": {
            "name": recipe.input_name,
            "shape": list(recipe.input_shape),
            "dtype": "float32",
            "meaning": recipe.input_meaning,
        },
        "outputs": [
            {
                "name": "logits",
                "shape": [1, len(recipe.labels)],
                "dtype": "float32",
                "meaning": "divide by the temperature, then softmax",
            }
        ],
        "labels": list(recipe.labels),
        "temperature": round(temperature, 3),
        "licence": recipe.licence,
        "data": recipe.data_name,
        "measured": dict(measured),
        "card": f"{recipe.name}.md",
    }


def write_entry(folder: Path, name: str, described: Mapping[str, Any]) -> None:
    """Put a model's entry into the manifest of a folder, in place of an older one."""
    path = folder / MANIFEST
    manifest: dict[str, Any] = {"version": 1, "models": {}}
    if path.exists():
        manifest = yaml.safe_load(path.read_text(encoding="utf-8"))
    manifest["models"][name] = dict(described)
    text = yaml.safe_dump(manifest, sort_keys=False, allow_unicode=True, width=110, default_flow_style=None)
    path.write_text(_HEAD + text, encoding="utf-8")


def write_card(
    folder: Path,
    recipe: Recipe,
    tests: Mapping[str, tuple[Figures, Figures]],
    temperature: float,
    measured: Mapping[str, Any],
) -> None:
    """Write a model's card.

    Args:
        folder: where the models are.
        recipe: what it was made by.
        tests: figures of the float net and of the shipped model, by the name of the examples.
        temperature: that the logits are divided by.
        measured: the figures of the manifest.
    """
    kind = "int8" if recipe.int8 else "ONNX"
    precision = "int8 (static, a scale for each channel)" if recipe.int8 else "float"
    head = [
        f"| examples | n | accuracy, float | accuracy, {kind} (95 % bootstrap interval) | unweighted recall, {kind} |",
        "|---|---|---|---|---|",
    ]
    rows = [
        f"| {name} | {int8.examples} | {fine.accuracy:.3f} | {int8.accuracy:.3f} ({int8.low:.3f} to {int8.high:.3f}) "
        f"| {int8.recall:.3f} |"
        for name, (fine, int8) in tests.items()
    ]
    table = [
        "| | |",
        "|---|---|",
        f"| input | `{recipe.input_name}` {list(recipe.input_shape)} float32: {recipe.input_meaning} |",
        f"| output | `logits` [1, {len(recipe.labels)}] float32; divide by the temperature, then softmax |",
        f"| labels | {', '.join(recipe.labels)} |",
        f"| data | {recipe.data_name} |",
        f"| licence of the data | {recipe.licence} |",
        f"| format | ONNX, {precision}, {measured['size_kb']} kB |",
        f"| made by | `python -m export train {recipe.name} --data DIR` |",
    ]
    calibration = (
        f"Calibration: with the temperature {temperature:g} the expected calibration error (15 bins) is "
        f"{measured['calibration_error']:.3f}; without it {measured['calibration_error_raw']:.3f}. The temperature is "
        "fitted on the same examples."
    )
    latency = (
        f"Latency: {measured['latency_ms']} ms (median; float {measured['latency_float_ms']} ms) in ONNX Runtime on "
        "one core of an x86-64 server."
    )
    parts = [
        f"# {recipe.name}",
        recipe.title + ".",
        "\n".join(table),
        "## Figures",
        "\n".join([*head, *rows]),
        f"Rows of the picture are the truth, columns what the {kind} model says ({next(iter(tests))}).",
        f"![Confusions]({recipe.name}_confusion.png)",
        calibration,
        latency,
        *(f"## {heading}\n\n{text}" for heading, text in recipe.card.items()),
    ]
    (folder / f"{recipe.name}.md").write_text("\n\n".join(parts) + "\n", encoding="utf-8")


def draw_confusion(file: Path, counts: NDArray[np.int64], labels: Sequence[str]) -> None:
    """Draw a confusion matrix, each row in per cent of its class."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    share = 100.0 * counts / counts.sum(axis=1, keepdims=True).clip(min=1)
    figure = Figure(figsize=(4.6, 4.2), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.imshow(share, cmap="Blues", vmin=0, vmax=100)
    axes.set_xticks(range(len(labels)), labels, rotation=45, ha="right")
    axes.set_yticks(range(len(labels)), labels)
    axes.set_xlabel("named")
    axes.set_ylabel("true")
    for (row, column), value in zip(_places(len(labels)), share.flat, strict=True):
        axes.text(column, row, f"{value:.0f}", ha="center", va="center", color="white" if value > _DARK else "black")
    figure.savefig(file, dpi=80)


def _places(classes: int) -> list[tuple[int, int]]:
    return [(row, column) for row in range(classes) for column in range(classes)]
