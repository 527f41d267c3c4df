"""What is told of a model: its entry in the manifest, its card and a picture of its confusions."""

from __future__ import annotations

import fcntl
import hashlib
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from robotd.paths import shipped

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from .recipe import Recipe, View
    from .sequence import EventFigures
    from .verify import Figures, RatingFigures

MANIFEST = "manifest.yaml"
#: Per cent from which a cell of the picture is dark.
_DARK = 50.0
_FIELDS_A_ROW = 4
#: What a model's labels are called, what its picture shows, and what is said over that.
_ANSWERS = {"classes": "labels", "ratings": "ratings", "sequence": "events"}
_PICTURES = {
    "classes": ("Confusions", "confusion"),
    "ratings": ("Ratings", "ratings"),
    "sequence": ("Events", "events"),
}
CAPTIONS = {
    "classes": "Rows of the picture are the truth, columns what the model says.",
    "ratings": "What was rated, and what the model says:",
    "sequence": "How often each event comes, and how often the model expects it:",
}
_COLOURS = 48
_HEAD = """\
# Every model that robotd may load. Files named here without a `fetch` lie beside this one; the others are
# fetched at set-up. The entries of trained models are written by `python -m export train`.
"""


@dataclass(frozen=True, slots=True)
class Files:
    """What was written for a recipe.

    Attributes:
        model: the ONNX file.
        shapes: of its outputs, by name.
        vocabulary: what its tokens stand for.
    """

    model: Path
    shapes: Mapping[str, list[int]]
    vocabulary: Path | None = None


def entry(
    recipe: Recipe, files: Files, temperature: float, measured: Mapping[str, Any], view: View | None = None
) -> dict[str, Any]:
    """Return a model's entry in the manifest, or that of a view of it."""
    described: dict[str, Any] = {
        "task": recipe.task,
        "format": files.model.suffix[1:],
        "file": files.model.name,
        "sha256": _sha256(files.model),
        "input": {
            "name": recipe.input_name,
            "shape": list(recipe.input_shape),
            "dtype": recipe.input_dtype,
            "meaning": recipe.input_meaning,
        },
        "outputs": [
            {"name": name, "shape": files.shapes[name], "dtype": "float32", "meaning": meaning}
            for name, meaning in recipe.shipped_outputs.items()
        ],
        "labels": list(view.labels if view else recipe.labels),
    }
    if view:
        described["output"] = view.output
    if files.vocabulary is not None:
        described["vocabulary"] = {"file": files.vocabulary.name, "sha256": _sha256(files.vocabulary)}
    if recipe.trunks:
        described["trunks"] = {name: _sha256(shipped("models_onnx") / f"{name}.onnx") for name in recipe.trunks}
    if recipe.kind == "classes":
        described["temperature"] = round(temperature, 3)
    return described | {
        "licence": recipe.licence,
        "data": recipe.data_name,
        "measured": dict(measured),
        "card": f"{recipe.name}.md",
    }


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def write_entry(folder: Path, name: str, described: Mapping[str, Any]) -> None:
    """Put a model's entry into the manifest of a folder, in place of an older one.

    The manifest is locked meanwhile, since trainings may end side by side, and replaced at once, so that nobody
    ever reads half of it.
    """
    path = folder / MANIFEST
    with (folder / f".{MANIFEST}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        manifest: dict[str, Any] = {"version": 1, "models": {}}
        if path.exists():
            manifest = yaml.safe_load(path.read_text(encoding="utf-8"))
        manifest["models"][name] = dict(described)
        text = yaml.safe_dump(manifest, sort_keys=False, allow_unicode=True, width=110, default_flow_style=None)
        part = path.with_suffix(".part")
        part.write_text(_HEAD + text, encoding="utf-8")
        part.replace(path)


def classes_table(rows: Mapping[str, Sequence[Figures]]) -> str:
    """Return a Markdown table: for each name of examples the figures of what the model was made from, and its own."""
    head = [
        "| examples | n | accuracy, before | accuracy (95 % bootstrap interval) | unweighted recall |",
        "|---|---|---|---|---|",
    ]
    lines = [
        f"| {name} | {model.examples} | {net.accuracy:.3f} | {model.accuracy:.3f} ({model.low:.3f} to "
        f"{model.high:.3f}) | {model.recall:.3f} |"
        for name, (net, model) in rows.items()
    ]
    return "\n".join([*head, *lines])


def ratings_table(rows: Mapping[str, Sequence[RatingFigures]]) -> str:
    """Return a Markdown table: for each rating the figures of the model's source and of the shipped file."""
    head = [
        "| rating | n | r, before | r (95 % bootstrap interval) | mean absolute error |",
        "|---|---|---|---|---|",
    ]
    lines = [
        f"| {name} | {model.examples} | {net.r:.3f} | {model.r:.3f} ({model.low:.3f} to {model.high:.3f}) "
        f"| {model.mae:.2f} |"
        for name, (net, model) in rows.items()
    ]
    return "\n".join([*head, *lines])


def events_table(rows: Mapping[str, Sequence[EventFigures]]) -> str:
    """Return a Markdown table: for each name of sequences the figures of the float net and of the shipped file."""
    head = [
        "| sequences | events | bits an event, before | bits an event (95 % bootstrap interval) | accuracy |",
        "|---|---|---|---|---|",
    ]
    lines = [
        f"| {name} | {model.events} | {net.bits:.3f} | {model.bits:.3f} ({model.low:.3f} to {model.high:.3f}) "
        f"| {model.accuracy:.3f} |"
        for name, (net, model) in rows.items()
    ]
    return "\n".join([*head, *lines])


def write_card(
    folder: Path,
    recipe: Recipe,
    files: Files,
    tables: Sequence[str],
    measured: Mapping[str, Any],
) -> None:
    """Write a model's card.

    Args:
        folder: where the models are.
        recipe: what it was made by.
        files: what was written.
        tables: figures of its outputs, each a piece of Markdown.
        measured: the figures of the manifest.
    """
    twin = files.model.suffix == ".tflite"
    precision = "float"
    if recipe.int8:
        static = twin or not (recipe.dynamic or recipe.weights_only)
        precision = "int8 (static, a scale for each channel)" if static else "int8 weights"
    output_rows = [
        f"| output | `{name}` {files.shapes[name]} float32: {meaning} |"
        for name, meaning in recipe.shipped_outputs.items()
    ]
    states = [
        f"| input | `{name}` {[1, *shape]} float32: a state, zeros at the beginning |"
        for name, shape in recipe.states.items()
    ]
    about = [
        "| | |",
        "|---|---|",
        f"| input | `{recipe.input_name}` {list(recipe.input_shape)} {recipe.input_dtype}: {recipe.input_meaning} |",
        *states,
        *output_rows,
        f"| {_ANSWERS[recipe.kind]} | {', '.join(recipe.labels)} |",
        *(f"| labels of `{view.name}` | {', '.join(view.labels)} |" for view in recipe.views),
        f"| data | {recipe.data_name} |",
        f"| licence of the data | {recipe.licence} |",
        f"| format | {'TFLite' if twin else 'ONNX'}, {precision}, {measured['size_kb']} kB |",
        f"| made by | `python -m export train {files.model.stem} --data DIR` |",
    ]
    shown, ending = _PICTURES[recipe.kind]
    picture = f"{CAPTIONS[recipe.kind]}\n\n![{shown}]({recipe.name}_{ending}.png)"
    fine = f"; float {measured['latency_float_ms']} ms" if "latency_float_ms" in measured else ""
    same = ""
    if "same_as_float" in measured:
        alike = measured["same_as_float"]
        same = (
            "The shipped file "
            + {
                "classes": f"names the same class as the float net in {alike:.1%} of the calibration inputs.",
                "ratings": f"correlates with the float net at {alike:.3f} in the calibration inputs.",
                "sequence": f"expects the same event the most as the float net in {alike:.1%} of the steps compared.",
            }[recipe.kind]
        )
    runtime = "LiteRT" if twin else "ONNX Runtime"
    each = " a step" if recipe.kind == "sequence" else ""
    latency = f"Latency: {measured['latency_ms']} ms{each} (median{fine}) in {runtime} on one core of an x86-64 server."
    parts = [
        f"# {recipe.name}",
        recipe.title + ".",
        "\n".join(about),
        "## Figures",
        f"`before` is the {'ONNX model' if twin else 'float net'}, `shipped` the file described here.",
        *tables,
        picture,
        *([same] if same else []),
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
    save_picture(figure, file)


def draw_ratings(
    file: Path, given: NDArray[np.floating[Any]], truth: NDArray[np.floating[Any]], labels: Sequence[str]
) -> None:
    """Draw what was rated against what a model says, a field for each rating."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    columns = min(_FIELDS_A_ROW, len(labels))
    rows = -(-len(labels) // columns)
    figure = Figure(figsize=(2.2 * columns, 2.2 * rows), layout="constrained")
    FigureCanvasAgg(figure)
    for n, (axes, label) in enumerate(zip(figure.subplots(rows, columns, squeeze=False).flat, labels, strict=False)):
        axes.scatter(truth[:, n], given[:, n], s=4, alpha=0.5, linewidths=0)
        axes.set_title(label, fontsize=9)
        axes.tick_params(labelsize=7)
    for axes in list(figure.axes)[len(labels) :]:
        axes.set_axis_off()
    figure.supxlabel("rated", fontsize=9)
    figure.supylabel("said", fontsize=9)
    save_picture(figure, file)


def draw_events(file: Path, came: NDArray[np.float64], expected: NDArray[np.float64]) -> None:
    """Draw how often each event of a sequence came beside how often a model expected it, shares on both axes."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.2, 4.2), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    seen = came > 0
    bounds = [float(came[seen].min()) / 2, 1.0]
    axes.plot(bounds, bounds, color="grey", linewidth=0.5)
    axes.scatter(came[seen], expected[seen], s=8, linewidths=0)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("came")
    axes.set_ylabel("was expected")
    save_picture(figure, file)


def save_picture(figure: Any, file: Path) -> None:
    """Write a figure as a PNG of few colours, which is a third as large."""
    from PIL import Image

    with io.BytesIO() as whole:
        figure.savefig(whole, dpi=80)
        Image.open(whole).convert("RGB").quantize(_COLOURS).save(file, optimize=True)


def _places(classes: int) -> list[tuple[int, int]]:
    return [(row, column) for row in range(classes) for column in range(classes)]
