"""`add` and `card`: a model's place in the manifest, and what is told of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from robotd.paths import shipped

from ..add import TASKS
from ..errors import AskedError
from .group import busy, console
from .options import Models, one_of

if TYPE_CHECKING:
    from robotd.perceive.manifest import Task

Name = Annotated[str, typer.Argument(help="The model's name in the manifest.", show_default=False)]
_HERE = shipped("models_onnx")


def add_command(
    name: Name,
    file: Annotated[Path, typer.Argument(help="The model, .onnx or .tflite.", metavar="FILE", show_default=False)],
    task: Annotated[str, typer.Option(help=f"What it is for: {', '.join(TASKS)}.", show_default=False)],
    labels: Annotated[
        str, typer.Option(help="Its classes in order, such as angry,happy,sad.", metavar="A,B,C", show_default=False)
    ],
    *,
    licence: Annotated[str, typer.Option(help="Terms of the data that it learnt from.")] = "not stated",
    data: Annotated[str, typer.Option(help="Which data it learnt from.")] = "not stated",
    temperature: Annotated[float, typer.Option(help="That its logits are divided by.")] = 1.0,
    vocabulary: Annotated[
        Path | None, typer.Option(help="What its tokens stand for, one a line.", metavar="FILE")
    ] = None,
    examples: Annotated[
        Path | None, typer.Option(help="`inputs` and `labels`, to measure its accuracy.", metavar="NPZ")
    ] = None,
    models: Models = _HERE,
    replace: Annotated[bool, typer.Option("--replace", help="Overwrite a model of that name.")] = False,
) -> None:
    """Put a model into the manifest, so that the daemon runs it.

    It is loaded and run by the daemon's own runtime first. It must take what the task's reader gives; a wrong shape
    is told with the right one. Its card gets what was measured, and places for what only its maker knows.

    Examples:

    - `add my_face face_int8.onnx --task face --labels angry,disgust,fear,happy,sad,surprise,neutral --licence MIT`
    - then `robotd perceive --as face --model my_face picture.jpg`, and `face.model: my_face` in config.yaml
    """
    from ..add import add

    if temperature <= 0.0:
        raise AskedError("--temperature must be above 0")
    chosen = cast("Task", one_of(task, TASKS, "task"))
    named = [label.strip() for label in labels.split(",")]
    with busy(f"adding {name}"):
        entry = add(
            name, file, chosen, named, models, licence=licence, data=data, temperature=temperature,
            vocabulary=vocabulary, examples=examples, replace=replace,
        )  # fmt: skip
    console.print(f"{name} is in {models / 'manifest.yaml'}; its card is {models / (entry.card or '')}", soft_wrap=True)
    for figure, value in entry.measured.items():
        console.print(f"{figure}: {value}", soft_wrap=True)
    once = "" if models.resolve() == _HERE.resolve() else f" once it is added to {_HERE}, where the daemon looks"
    console.print(f"`robotd perceive --as {chosen} --model {name} FILE` reads with it{once}", soft_wrap=True)


def card_command(name: Name, models: Models = _HERE) -> None:
    """Write a model's card anew: from its recipe and the manifest, or for a model that was added from what is known.

    The figures of a recipe's model stay as they were measured; `build` or `train` measures them again. A card that
    a person has filled in is not overwritten: what it says is kept below its figures.

    Examples:

    - `card face_image`
    """
    from ..recard import rewrite

    path = rewrite(name, models)
    console.print(f"{path} is written", soft_wrap=True)
