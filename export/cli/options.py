"""Options that several commands share."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from ..errors import AskedError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..recipe import Recipe
    from ..samples import ReadAs as Task

DATA = Path("../shared/data")
MODELS = Path("models_onnx")
CHECKPOINTS = Path(".cache/checkpoints")

DataFolder = Annotated[Path, typer.Option("--data", help="Where the data sets are; `data check` tells which.")]
Out = Annotated[Path, typer.Option("--out", help="Where the models and their manifest go.")]
Models = Annotated[Path, typer.Option("--models", help="Where the models and their manifest are.")]
Checkpoints = Annotated[Path, typer.Option(help="Where a training keeps its state, to go on after a stop.")]
Quick = Annotated[bool, typer.Option("--quick", help="A minute's run on made-up data, to try the chain.")]
Threads = Annotated[int, typer.Option(min=1, help="CPU threads.")]
InputShape = Annotated[
    str | None,
    typer.Option("--input-shape", metavar="SIDES", help="What the model takes, batch first, such as 1,3,48,48."),
]
Trust = Annotated[bool, typer.Option("--trust", help="The file may run code that it brings (a pickle does).")]
ReadAs = Annotated[
    str | None,
    typer.Option("--as", metavar="TASK", help="Samples are face crops, sounds or MIDI files: face, voice or score."),
]


def shape_of(text: str | None) -> tuple[int, ...] | None:
    """Read sides such as 1,3,48,48.

    Raises:
        AskedError: they aren't such.
    """
    if text is None:
        return None
    try:
        sides = tuple(int(side) for side in text.replace("x", ",").split(","))
    except ValueError as error:
        raise AskedError(f"--input-shape {text}: say it as 1,3,48,48") from error
    if min(sides) < 1:
        raise AskedError(f"--input-shape {text}: sides are 1 or more")
    return sides


def task_of(read_as: str | None) -> Task | None:
    """Return the task by whose features samples are read.

    Raises:
        AskedError: there are none for it.
    """
    return None if read_as is None else cast("Task", one_of(read_as, ("face", "voice", "score"), "task"))


def one_of(word: str, known: Iterable[str], what: str) -> str:
    """Return a word that is known, whatever its case.

    Raises:
        AskedError: it isn't.
    """
    names = list(known)
    fitting = next((name for name in names if name.lower() == word.lower()), None)
    if fitting is None:
        near = difflib.get_close_matches(word, names, n=1)
        hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(names)}"
        raise AskedError(f"there is no {what} {word!r}; {hint}")
    return fitting


def recipe_of(name: str) -> Recipe:
    """Return a recipe.

    Raises:
        AskedError: there is none of that name.
    """
    from ..recipes import NAMES, recipe_named

    return recipe_named(one_of(name, NAMES, "recipe"))
