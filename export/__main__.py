"""`python -m export`: the model workshop's commands."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

if TYPE_CHECKING:
    from .recipe import Data, Recipe

app = typer.Typer(help=__doc__, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
console = Console()

Name = Annotated[str, typer.Argument(help="A model, such as face_image.")]
DataFolder = Annotated[Path, typer.Option("--data", help="Where faces/, speech/ and music/ are.")]
Out = Annotated[Path, typer.Option("--out", help="Where the models and their manifest go.")]
Checkpoints = Annotated[Path, typer.Option(help="Where a training keeps its state, to go on after a stop.")]
Quick = Annotated[bool, typer.Option("--quick", help="A minute's run on made-up data, to try the chain.")]
Threads = Annotated[int, typer.Option(min=1, help="CPU threads.")]

_DATA = Path("../shared/data")
_OUT = Path("models_onnx")
_CHECKPOINTS = Path(".cache/checkpoints")


@app.command()
def train(
    name: Name,
    data: DataFolder = _DATA,
    out: Out = _OUT,
    checkpoints: Checkpoints = _CHECKPOINTS,
    *,
    quick: Quick = False,
    threads: Threads = 1,
) -> None:
    """Train a model, then convert, quantise and verify it and write its card."""
    from .build import build
    from .train.loop import train as fit

    recipe, examples = _prepare(name, data, quick=quick, threads=threads)
    checkpoints.mkdir(parents=True, exist_ok=True)
    net = fit(recipe, examples, checkpoints / f"{name}.pt")
    _tell(build(recipe, examples, net, out))


@app.command()
def convert(
    name: Name,
    data: DataFolder = _DATA,
    out: Out = _OUT,
    checkpoints: Checkpoints = _CHECKPOINTS,
    *,
    quick: Quick = False,
    threads: Threads = 1,
) -> None:
    """Do what comes after the training again, with the best weights of a checkpoint."""
    from .build import build
    from .train.loop import best_weights

    recipe, examples = _prepare(name, data, quick=quick, threads=threads)
    net = recipe.net()
    net.load_state_dict(best_weights(checkpoints / f"{name}.pt"))
    _tell(build(recipe, examples, net.eval(), out))


@app.command()
def verify(name: Name, data: DataFolder = _DATA, out: Out = _OUT, *, quick: Quick = False) -> None:
    """Measure a shipped model again on the examples that it wasn't trained on."""
    from .verify import figures, onnx_logits, open_session

    _, examples = _prepare(name, data, quick=quick, threads=1)
    session = open_session(out / f"{name}.onnx")
    for test, truth in examples.tests.items():
        found = figures(onnx_logits(session, truth.inputs), truth.truth, truth.groups)
        console.print(
            f"{test}: accuracy {found.accuracy:.4f} ({found.low:.3f} to {found.high:.3f}), "
            f"recall {found.recall:.4f}, n {found.examples}",
            soft_wrap=True,
        )


def _prepare(name: str, data: Path, *, quick: bool, threads: int) -> tuple[Recipe, Data]:
    import cv2
    import torch

    from .recipes import recipe_named

    torch.set_num_threads(threads)
    cv2.setNumThreads(threads)
    try:
        recipe = recipe_named(name)
    except KeyError as error:
        raise typer.BadParameter(str(error.args[0])) from error
    if quick:
        return replace(recipe, schedule=replace(recipe.schedule, epochs=2, ema_decay=0.5)), recipe.generate()
    return recipe, recipe.read(data)


def _tell(measured: dict[str, Any]) -> None:
    for figure, value in measured.items():
        console.print(f"{figure}: {value}")


if __name__ == "__main__":
    app()
