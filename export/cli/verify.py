"""`verify`: whether one form of a model is as good as another."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .group import busy, console
from .options import ReadAs, task_of

if TYPE_CHECKING:
    from ..compare import Comparison

First = Annotated[Path, typer.Argument(help="The measure, such as the float model.", metavar="A", show_default=False)]
Second = Annotated[Path, typer.Argument(help="The one in doubt, such as int8.", metavar="B", show_default=False)]


def verify_command(
    first: First,
    second: Second,
    data: Annotated[
        Path | None,
        typer.Option(
            "--data",
            help="Labelled: `inputs` [n, ...] and `labels` ([n] classes or [n, k] ratings), or a folder a label.",
            metavar="NPZ|DIR",
        ),
    ] = None,
    *,
    labels: Annotated[
        str | None, typer.Option(help="The models' classes in order, as the folders are called.", metavar="A,B,C")
    ] = None,
    read_as: ReadAs = None,
    bound: Annotated[float, typer.Option(min=0.0, help="Points of accuracy that B may lose.")] = 1.0,
    tolerance: Annotated[
        float | None, typer.Option(min=0.0, help="How far B's outputs may lie from A's; any distance without.")
    ] = None,
) -> None:
    """Compare two models, ONNX or TFLite: outputs, accuracy, size and latency on one thread.

    The exit code is 1 if B loses more accuracy than the bound on the labelled data, or its outputs lie further away
    than the tolerance. Without data both get random numbers, which says little of their accuracy.

    Examples:

    - `verify face.onnx face_int8.onnx --data faces.npz`
    - `verify face.onnx face.tflite --data faces/test --labels angry,happy,sad --as face`
    - `verify face.onnx face.tflite --tolerance 0.5`
    """
    from ..compare import compare

    names = None if labels is None else [label.strip() for label in labels.split(",")]
    with busy(f"running {first.name} and {second.name}"):
        found = compare(first, second, data, read_as=task_of(read_as), labels=names)
    _print(found)
    failed = _judge(found, bound, tolerance)
    for line in failed:
        typer.echo(f"export: {line}", err=True)
    if failed:
        raise typer.Exit(1)


def _print(found: Comparison) -> None:
    from rich.table import Table

    what = "random inputs" if found.made_up else "examples"
    console.print(f"{found.examples} {what}", soft_wrap=True)
    for name, (largest, mean) in found.differences.items():
        console.print(f"{name}: differs by at most {largest:.4g}, by {mean:.4g} in the mean", soft_wrap=True)
    console.print(f"both give the same label for {found.agreement:.2%} of them", soft_wrap=True)
    score = "mean r" if found.ratings else "accuracy"
    table = Table("model", "size", "latency", score)
    for side in (found.first, found.second):
        told = "" if side.score is None else f"{side.score:.4f}"
        table.add_row(side.file, f"{side.size_kb:.0f} kB", f"{side.latency_ms:.3f} ms", told)
    console.print(table)


def _judge(found: Comparison, bound: float, tolerance: float | None) -> list[str]:
    failed = []
    loss = found.loss_points
    if loss is None:
        console.print("accuracy was not compared: --data names labelled examples", soft_wrap=True)
    else:
        console.print(f"{found.second.file} loses {loss:.2f} points (bound {bound:g})", soft_wrap=True)
        if loss > bound:
            failed.append(f"{found.second.file} loses {loss:.2f} points, more than the bound of {bound:g}")
    largest = max(largest for largest, _ in found.differences.values())
    if tolerance is not None and largest > tolerance:
        failed.append(f"outputs differ by {largest:.4g}, more than the tolerance of {tolerance:g}")
    return failed
