"""How the commands tell of what went wrong: in one line, with an exit code that isn't 0."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console
from typer.core import TyperGroup

from robotd.errors import RobotdError

from ..errors import EXTRA

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from contextlib import AbstractContextManager

console = Console()
#: What isn't told on a pipe, such as progress, goes to standard error.
aside = Console(stderr=True)

_INTERRUPTED = 130


class Group(TyperGroup):
    """Commands whose errors are told in one line."""

    def invoke(self, ctx: Any) -> Any:
        """Run a command."""
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
        try:
            return super().invoke(ctx)
        except RobotdError as error:
            _tell(str(error))
            raise typer.Exit(error.exit_code) from error
        except ModuleNotFoundError as error:
            package = (error.name or "").split(".")[0]
            if package not in EXTRA:
                raise
            _tell(f"{package} is not installed: pip install 'robotd[export]'")
            raise typer.Exit(1) from error
        except OSError as error:  # such as a full disk; what was begun has been taken away
            _tell(f"{error.filename or 'a file'}: {error.strerror or error}")
            raise typer.Exit(1) from error
        except KeyboardInterrupt:
            raise typer.Exit(_INTERRUPTED) from None


def _tell(text: str) -> None:
    typer.echo(f"export: {' '.join(text.split())}", err=True)


def busy(what: str) -> AbstractContextManager[Any]:
    """Show that something goes on that can't be counted."""
    return aside.status(what)


def shown(items: Sequence[Any], what: str) -> Iterator[Any]:
    """Go through items with a progress bar."""
    from rich.progress import track

    yield from track(items, what, console=aside, transient=True, disable=not aside.is_terminal)
