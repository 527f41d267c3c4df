"""`robotd library`: the songs that can be recommended."""

from __future__ import annotations

import json
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from robotd.paths import library_path

app = typer.Typer(help="The songs that can be recommended.", no_args_is_help=True)


class Scale(str, Enum):
    """Ranges in which valence and arousal are given."""

    SIGNED = "-1..1"
    UNIT = "0..1"
    TEN = "0..10"
    NINE = "1..9"
    FIVE = "1..5"


@app.command("import")
def import_command(
    file: Annotated[Path, typer.Argument(help="CSV with title, artist, uri, valence, arousal.", metavar="FILE.csv")],
    scale: Annotated[Scale, typer.Option(help="The range of its valence and arousal.")] = Scale.SIGNED,
) -> None:
    """Add the songs of a CSV file; songs whose `uri` is known are updated, bad rows are listed.

    Examples:

    - `robotd library import songs.csv`
    - `robotd library import deam.csv --scale 1..9`
    """
    from robotd.music.library import Library

    with Library(library_path()) as library:
        result = library.import_csv(file, scale.value)
        total = len(library.songs())
    for rejected in result.rejected:
        typer.echo(f"{file}, line {rejected.line}: {rejected.reason}", err=True)
    typer.echo(f"{result.added} added, {result.updated} updated, {len(result.rejected)} rejected; {total} songs now")
    raise typer.Exit(1 if result.rejected and not (result.added or result.updated) else 0)


@app.command("list")
def list_command(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """List the songs.

    Examples:

    - `robotd library list`
    - `robotd library list --json | jq -r .uri`
    """
    from dataclasses import asdict

    from robotd.music.library import Library

    with Library(library_path()) as library:
        songs = library.songs()
    if as_json:
        for song in songs:
            typer.echo(json.dumps(asdict(song), ensure_ascii=False))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table("id", "title", "artist", "valence", "arousal", "source")
    for song in songs:
        table.add_row(
            str(song.id), song.title, song.artist, f"{song.valence:+.2f}", f"{song.arousal:+.2f}", song.source
        )
    Console().print(table)
