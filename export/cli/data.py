"""`data check`: which data sets are there, and what of them is missing or damaged."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..data.check import Watch
from ..errors import ExportError
from .group import Group, console, shown
from .options import one_of

if TYPE_CHECKING:
    from ..data.check import Found, Report

app = typer.Typer(cls=Group, help="The data sets that recipes learn from.", no_args_is_help=True)

#: So many problems of a data set are shown, and so many speakers are counted one by one.
_SHOWN, _COUNTED = 10, 12


class _Bar(Watch):
    def over(self, items: Sequence[Any], what: str) -> Iterable[Any]:
        return shown(items, what)


@app.callback()
def root() -> None:
    """The data sets that recipes learn from."""


@app.command("check")
def check_command(
    folder: Annotated[Path, typer.Argument(help="What is looked through, folders in it included.", metavar="DIR")],
    only: Annotated[
        list[str] | None, typer.Option("--set", help="Look for this data set only; may be given again.", metavar="NAME")
    ] = None,
    recipe: Annotated[
        str | None, typer.Option("--recipe", help="Look for what this recipe needs only.", metavar="NAME")
    ] = None,
) -> None:
    """Tell which data sets are there, whole or in part, and which recipes can be trained with them.

    Sets are known in the layouts in which their makers publish them: RAVDESS, CREMA-D, FER-2013 (csv or folders),
    FER+, EMOPIA, VGMIDI, DEAM and the film soundtracks. Every file is read. The exit code is 1 if something is
    missing or damaged that a recipe needs.

    Examples:

    - `data check ~/data`
    - `data check ~/data --set RAVDESS --set CREMA-D`
    - `data check ~/data --recipe face_image`
    """
    from ..data.check import check
    from ..data.sets import NEEDS, SETS
    from ..recipes import NAMES

    if not folder.is_dir():
        raise ExportError(f"{folder}: there is no such folder")
    needs = {name: NEEDS[name] for name in NAMES if name in NEEDS}
    wanted = [one_of(name, SETS, "data set") for name in only or ()]
    if recipe is not None:
        name = one_of(recipe, needs, "recipe")
        needs, wanted = {name: needs[name]}, [*wanted, *needs[name]]
    sets = [SETS[name] for name in dict.fromkeys(wanted or SETS)]
    report = check(folder, sets, {} if wanted and recipe is None else needs, _Bar())
    _print(report)
    if report.lacking or (wanted and not report.whole):
        raise typer.Exit(1)


def _print(report: Report) -> None:
    from rich.table import Table

    from ..data.sets import SETS

    table = Table("data set", "layout", "missing or damaged", "where")
    for name, found in report.found.items():
        if found is None:
            table.add_row(name, "", "isn't there", f"looked for: {SETS[name].published}")
        else:
            table.add_row(name, found.layout, str(len(found.problems) or "nothing"), str(found.place))
    console.print(table)
    for name, found in report.found.items():
        if found is not None:
            _print_found(name, found)
    if report.trainable:
        typer.echo(f"These recipes can be trained: {', '.join(report.trainable)}")
    for recipe, lacks in report.lacking.items():
        typer.echo(f"{recipe} can't be trained: {'; '.join(lacks)}")


def _print_found(name: str, found: Found) -> None:
    for what, counts in found.counts.items():
        whole = sum(counts.values())
        if len(counts) > _COUNTED:
            each = f"{min(counts.values())} to {max(counts.values())} each of {len(counts)}"
        else:
            each = ", ".join(f"{name} {count}" for name, count in counts.items())
        typer.echo(f"{name}: {whole} by {what}: {each}")
    for problem in found.problems[:_SHOWN]:
        typer.echo(f"{name}: {problem}")
    if len(found.problems) > _SHOWN:
        typer.echo(f"{name}: and {len(found.problems) - _SHOWN} more")
