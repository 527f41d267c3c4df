"""The command line. Each command lives in a module of its own and imports what it needs when it runs."""

from __future__ import annotations

import os
import select
import sys
from typing import Any

import typer
from typer.core import TyperGroup

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


class _UnreadError(Exception):
    """Whoever read what we write to standard output or error has enough."""


class _Commands(TyperGroup):
    """Tells which pipe broke: Typer would end without a word, whichever it was."""

    def invoke(self, ctx: Any) -> Any:
        """Carry out a command."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:
            if _is_unread(1) or _is_unread(2):
                raise _UnreadError from error
            raise RuntimeError("a process that robotd has started can't be reached") from error


app = typer.Typer(
    name="robotd",
    cls=_Commands,
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
        try:
            app()
        finally:
            if sys.stdout is not None:
                sys.stdout.flush()
    except RobotdError as error:
        typer.echo(f"robotd: {error}", err=True)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(130)
    except (_UnreadError, BrokenPipeError, SystemExit) as error:  # `robotd ... | head` is no mistake
        # Rich ends in its own way where nobody reads.
        if isinstance(error, SystemExit) and not isinstance(error.__context__, BrokenPipeError):
            raise
        for stream in (1, 2):
            if _is_unread(stream):
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream)
        sys.exit(0)


def _is_unread(stream: int) -> bool:
    """Return whether a stream of ours is a pipe that nobody reads any more."""
    poll = select.poll()
    poll.register(stream, 0)
    return any(event & select.POLLERR for _, event in poll.poll(0))
