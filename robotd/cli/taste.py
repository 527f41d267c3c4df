"""`robotd taste`: what has been learnt of listeners."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from robotd.cli.options import ConfigPath, Overrides, configuration
from robotd.errors import CommandError, LibraryError
from robotd.paths import library_path

if TYPE_CHECKING:
    from collections.abc import Sequence

    from robotd.config import Config
    from robotd.music.library import Library
    from robotd.music.taste_book import Opinion

app = typer.Typer(help="What has been learnt of listeners from their feedback.", no_args_is_help=True)

#: So many effects and opinions are shown.
_EFFECTS, _OPINIONS = 12, 10
Listener = Annotated[str | None, typer.Option(help="Whose taste.", show_default="as configured")]


@app.command("show")
def show_command(
    listener: Listener = None,
    config: ConfigPath = None,
    overrides: Overrides = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, all of it.")] = False,
) -> None:
    """Show what a listener likes, by what was learnt, and the last opinions.

    Example: `robotd taste show --listener anna`
    """
    settings = configuration(config, overrides)
    from robotd.music.library import Library
    from robotd.music.taste import Taste
    from robotd.music.taste_book import TasteBook, taste_path
    from robotd.music.taste_view import effects

    name = _name(listener, settings)
    with TasteBook(taste_path()) as book, Library(library_path()) as library:
        opinions, known = book.opinions(name), book.listeners()
        titles = {opinion.song_id: _title(library, opinion.song_id) for opinion in opinions}
        genres = library.table().genres
    taste = Taste.of(opinions, settings.taste.forgetting)
    found = effects(taste, genres) if taste else []
    if as_json:
        told = {"listener": name, "opinions": len(opinions), "effects": [asdict(effect) for effect in found]}
        typer.echo(json.dumps(told, ensure_ascii=False))
        return
    if taste is None:
        others = ", ".join(f"{other} ({count})" for other, count in known.items())
        typer.echo(f"nothing is known of {name!r} yet" + (f"; there are opinions of: {others}" if others else ""))
        return
    from rich.console import Console
    from rich.table import Table

    console = Console()
    count = f"{len(opinions)} opinion" + "s" * (len(opinions) != 1)
    table = Table("what", "of a song", "adds to its reward", title=f"{name}: {count}", title_justify="left")
    for effect in found[:_EFFECTS]:
        table.add_row(effect.of, effect.name.replace("_", " "), f"{effect.reward:+.2f}")
    console.print(table)
    console.print(_last_opinions(opinions, titles))


@app.command("reset")
def reset_command(
    listener: Listener = None,
    config: ConfigPath = None,
    overrides: Overrides = None,
    *,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")] = False,
) -> None:
    """Forget a listener: all opinions and recommendations. It can't be undone; `export` before.

    Example: `robotd taste reset --listener anna --yes`
    """
    settings = configuration(config, overrides)
    from robotd.music.taste_book import TasteBook, taste_path

    name = _name(listener, settings)
    with TasteBook(taste_path()) as book:
        count = book.listeners().get(name, 0)
        if not yes and not typer.confirm(f"Forget {count} opinions of {name}?", err=True):
            raise CommandError("nothing was forgotten")
        typer.echo(f"{book.reset(name)} opinions of {name} forgotten")


@app.command("export")
def export_command(
    file: Annotated[Path, typer.Argument(help="Where to; `-` for standard output.", metavar="FILE.jsonl")],
    listener: Annotated[str | None, typer.Option(help="Only of this listener.", show_default="all")] = None,
) -> None:
    """Write opinions, one JSON object a line, with what the moment and the song were like.

    Examples:

    - `robotd taste export taste.jsonl`
    - `robotd taste export - --listener anna | jq .kind`
    """
    from robotd.music.taste_book import TasteBook, taste_path
    from robotd.music.taste_view import opinion_payload

    with TasteBook(taste_path()) as book:
        opinions = [one for name in book.listeners() if listener in {None, name} for one in book.opinions(name)]
    lines = "".join(json.dumps(opinion_payload(opinion), ensure_ascii=False) + "\n" for opinion in opinions)
    if str(file) == "-":
        typer.echo(lines, nl=False)
    else:
        try:
            file.write_text(lines, encoding="utf-8")
        except OSError as error:
            raise CommandError(f"{file} can't be written ({error.strerror})") from error
    typer.echo(f"{len(opinions)} opinions written", err=True)


def _name(given: str | None, settings: Config) -> str:
    """Return whose taste is meant.

    Raises:
        CommandError: an empty name was given, as an unset variable of a shell is one.
    """
    if given is None:
        return settings.recommend.listener
    if not given:
        raise CommandError("--listener is empty: give a name, or leave it out for the configured one")
    return given


def _title(library: Library, song_id: int) -> str:
    try:
        return library.song(song_id).title
    except LibraryError:
        return "(no longer in the library)"


def _last_opinions(opinions: Sequence[Opinion], titles: dict[int, str]) -> object:
    from rich.markup import escape
    from rich.table import Table

    table = Table("when", "song", "opinion", "reward", title="the last of them", title_justify="left")
    for opinion in sorted(opinions, key=lambda one: -one.time)[:_OPINIONS]:
        when = datetime.fromtimestamp(opinion.time, timezone.utc).astimezone()
        table.add_row(f"{when:%Y-%m-%d %H:%M}", escape(titles[opinion.song_id]), opinion.kind, f"{opinion.reward:+.2f}")
    return table
