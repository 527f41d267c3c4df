"""The command line. Each command lives in a module of its own and imports what it needs when it runs."""

from __future__ import annotations

import os
import sys

import typer

from robotd import __version__
from robotd.cli import (
    bench,
    check,
    compose,
    devices,
    library,
    midi_listen,
    models,
    perceive,
    recommend,
    run,
    score,
    taste,
)
from robotd.errors import RobotdError

app = typer.Typer(
    name="robotd",
    help="Notices how a person feels and answers with music.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("run")(run.run_command)
app.command("perceive")(perceive.perceive_command)
app.command("recommend")(recommend.recommend_command)
app.command("compose")(compose.compose_command)
app.command("score")(score.score_command)
app.command("midi-listen")(midi_listen.midi_listen_command)
app.command("check")(check.check_command)
app.command("devices")(devices.devices_command)
app.command("models")(models.models_command)
app.command("bench")(bench.bench_command)
app.add_typer(library.app, name="library")
app.add_typer(taste.app, name="taste")


def _version(wanted: bool) -> None:  # noqa: FBT001 - typer calls it so
    if wanted:
        typer.echo(f"robotd {__version__}")
        raise typer.Exit


@app.callback()
def root(
    *,
    version: bool = typer.Option(default=False, help="Show the version and exit.", callback=_version, is_eager=True),
) -> None:
    """Notices how a person feels and answers with music."""
    del version


def main() -> None:
    """Run the command line; a mistake of the person is one line and an exit code, never a traceback."""
    # LiteRT's and OpenCV's own notes are no news to a person.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ.setdefault("OPENCV_LOG_LEVEL", "ERROR")
    try:
        app()
    except RobotdError as error:
        typer.echo(f"robotd: {error}", err=True)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:  # `robotd ... | head` is no mistake
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.exit(0)
