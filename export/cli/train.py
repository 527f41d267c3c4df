"""`train`, `build`, `measure` and `recipes`: from a recipe to a model that ships."""

from __future__ import annotations

import tarfile
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import AskedError, ExportError, first_line
from ..recipes import NAMES
from .group import busy, console
from .options import CHECKPOINTS, DATA, MODELS, Checkpoints, DataFolder, Out, Quick, Threads, one_of, recipe_of

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from ..recipe import Data, Examples, Recipe

Name = Annotated[str, typer.Argument(help=f"One of {', '.join(NAMES)}.", show_default=False)]
MaybeName = Annotated[str | None, typer.Argument(help=f"One of {', '.join(NAMES)}.", show_default=False)]
List = Annotated[bool, typer.Option("--list", help="Show the recipes, then stop.")]


def train_command(
    name: MaybeName = None,
    data: DataFolder = DATA,
    out: Out = MODELS,
    checkpoints: Checkpoints = CHECKPOINTS,
    *,
    quick: Quick = False,
    threads: Threads = 1,
    listed: List = False,
) -> None:
    """Train a model, then convert, quantise and verify it and write its card.

    A training that was stopped goes on where it was.

    Examples:

    - `train --list` — which recipes there are
    - `train judge --data ~/data` — seconds; `data check ~/data` tells whether all is there
    - `train face_image --quick --out /tmp/models` — a tiny run on made-up data
    """
    if listed:
        recipes_command()
        return
    if name is None:
        raise AskedError(f"say which recipe: {', '.join(NAMES)}")
    name = one_of(name, NAMES, "recipe")
    from ..build import build
    from ..train.loop import train as fit

    recipe, examples = _prepare(name, data, quick=quick, threads=threads)
    _writable(out, checkpoints)
    if recipe.folds is not None:
        examples = recipe.folds(recipe, examples, checkpoints)
    net = fit(recipe, examples, checkpoints / f"{recipe.name}.pt")
    _tell(build(recipe, examples, net, out))


def build_command(
    name: Name,
    data: DataFolder = DATA,
    out: Out = MODELS,
    checkpoints: Checkpoints = CHECKPOINTS,
    *,
    quick: Quick = False,
    threads: Threads = 1,
) -> None:
    """Do what comes after the training again, with the best weights of a checkpoint.

    Examples:

    - `build face_image --data ~/data`
    """
    recipe = recipe_of(name)
    from ..build import build
    from ..train.loop import best_weights

    checkpoint = checkpoints / f"{recipe.name}.pt"
    if not checkpoint.is_file():
        raise ExportError(f"{checkpoint}: there is no such checkpoint; `train {recipe.name}` makes one")
    recipe, examples = _prepare(name, data, quick=quick, threads=threads)
    _writable(out, checkpoints)
    if recipe.folds is not None:
        examples = recipe.folds(recipe, examples, checkpoints)
    net = recipe.net()
    net.load_state_dict(best_weights(checkpoint))
    _tell(build(recipe, examples, net.eval(), out))


def measure_command(name: Name, data: DataFolder = DATA, out: Out = MODELS, *, quick: Quick = False) -> None:
    """Measure a shipped model again on the examples that it wasn't trained on.

    Examples:

    - `measure voice_mel --data ~/data`
    """
    from ..sequence import event_figures, step_logits
    from ..verify import onnx_outputs, open_session

    file = out / f"{recipe_of(name).name}.onnx"
    if not file.is_file():
        raise ExportError(f"{file}: there is no such file")
    recipe, examples = _prepare(name, data, quick=quick, threads=1)
    session = open_session(file)
    first = next(iter(recipe.net_outputs))
    for test, truth in examples.tests.items():
        if truth.unseen is not None:
            told = "the model learnt from these; its card says what others gave that had not"
        elif recipe.kind == "sequence":
            found = event_figures(step_logits(session, truth.inputs), truth.truth, truth.groups)
            told = (
                f"{found.bits:.4f} bits an event ({found.low:.3f} to {found.high:.3f}), accuracy {found.accuracy:.4f}"
            )
        else:
            given = onnx_outputs(session, truth.inputs)[truth.output or first]
            told = _figures(recipe, truth, given)
        console.print(f"{test}: {told}", soft_wrap=True)


def _figures(recipe: Recipe, test: Examples, given: NDArray[np.float32]) -> str:
    from ..verify import figures, rating_figures

    if recipe.kind == "ratings":
        rated = [one.r for one in rating_figures(given, test.truth, test.groups) if one.examples]
        return f"mean r {sum(rated) / len(rated):.4f}, n {len(test)}"
    found = figures(given, test.truth, test.groups)
    interval = f"({found.low:.3f} to {found.high:.3f})"
    return f"accuracy {found.accuracy:.4f} {interval}, recall {found.recall:.4f}, n {found.examples}"


#: Of the table of recipes, at least.
_WIDTH = 140


def recipes_command() -> None:
    """Show the recipes: what each reads, from what, and on which data it learns."""
    from rich.console import Console
    from rich.table import Column, Table

    from ..data.sets import NEEDS

    table = Table(
        Column("recipe", no_wrap=True), Column("task", no_wrap=True), "what it does", "takes", "needs the data"
    )
    for name in NAMES:
        recipe = recipe_of(name)
        shape = f"{recipe.input_name} {list(recipe.input_shape)}"
        table.add_row(name, recipe.task, recipe.title, shape, ", ".join(NEEDS.get(name, ())))
    # Narrower, it would break the names.
    Console(width=max(console.width, _WIDTH)).print(table)


def _shortened(recipe: Recipe) -> Recipe:
    short = replace(recipe.schedule, epochs=2, ema_decay=0.5)
    base = None if recipe.base is None else _shortened(recipe.base)
    # TFLite would need an environment of 2 GB.
    return replace(recipe, schedule=short, base=base, tflite=False)


def _prepare(name: str, data: Path, *, quick: bool, threads: int) -> tuple[Recipe, Data]:
    import cv2
    import torch

    recipe = recipe_of(name)
    torch.set_num_threads(threads)
    cv2.setNumThreads(threads)
    if quick:
        return _shortened(recipe), recipe.generate()
    if not data.is_dir():
        raise ExportError(f"{data}: there is no such folder; --data names the one with the data sets")
    try:
        with busy(f"reading the data of {recipe.name}"):
            return recipe, recipe.read(data)
    except Exception as error:
        lack = _lack(recipe.name, data)
        if lack:
            raise ExportError(f"{recipe.name}: {lack}") from error
        if isinstance(error, (OSError, KeyError, ValueError, RuntimeError, tarfile.TarError)):
            raise ExportError(f"{recipe.name}: the data below {data} can't be read ({first_line(error)})") from error
        raise


def _lack(name: str, data: Path) -> str:
    """Return what of a recipe's data isn't below the folder, empty where the sets seem to be there."""
    from ..data.check import Watch
    from ..data.sets import NEEDS, SETS

    lacks = []
    for needed in NEEDS.get(name, ()):
        found = SETS[needed].look(data, Watch())
        if found is None:
            lacks.append(f"{needed} isn't below {data} ({SETS[needed].published})")
        elif found.problems:
            lacks.append(f"{needed} in {found.place}: {found.problems[0]}")
    return f"{'; '.join(lacks)}; `data check {data}` tells all" if lacks else ""


def _writable(*folders: Path) -> None:
    """Make folders now: a training of hours must not end with a folder that can't be written."""
    import os

    for folder in folders:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ExportError(f"{folder}: can't be made ({error.strerror})") from error
        if not os.access(folder, os.W_OK):
            raise ExportError(f"{folder}: can't be written")


def _tell(measured: dict[str, Any]) -> None:
    for figure, value in measured.items():
        console.print(f"{figure}: {value}")
