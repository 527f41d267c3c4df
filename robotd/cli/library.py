"""`robotd library`: the songs that can be recommended."""

from __future__ import annotations

import io
import json
import os
import sys
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from robotd.cli.options import ConfigPath, Overrides, configuration
from robotd.cli.printable import printable
from robotd.errors import CommandError, RobotdError
from robotd.paths import library_path

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.progress import Progress

    from robotd.music.catalogue.importing import Imported
    from robotd.music.scan.scan import Report

app = typer.Typer(help="The songs that can be recommended.", no_args_is_help=True)
_SHOWN = 1000
#: SQLite's greatest number.
_MOST = 2**63 - 1
#: The exit code after Ctrl-C.
_STOPPED = 130
AsJson = Annotated[bool, typer.Option("--json", help="As JSON.")]


@app.command("scan")
def scan_command(
    folder: Annotated[Path, typer.Argument(help="A folder of music; all below it is scanned.", metavar="DIR")],
    workers: Annotated[
        int | None, typer.Option(help="How many processes.", min=1, show_default="one for each core")
    ] = None,
    dask: Annotated[
        str | None, typer.Option(help="Let a Dask cluster do the work, which sees the folder, too.", metavar="ADDRESS")
    ] = None,
    config: ConfigPath = None,
    overrides: Overrides = None,
    *,
    prune: Annotated[bool, typer.Option("--prune", help="Forget songs whose files have vanished.")] = False,
    as_json: AsJson = False,
) -> None:
    """Take up the music of a folder: its tags, how it sounds, what its lyrics say.

    It may be broken off and begun again: what was done is kept, and files that have not changed are passed over.
    Lyrics are read and forgotten: only their emotions and keywords are kept.

    Examples:

    - `robotd library scan ~/Music`
    - `robotd library scan ~/Music --workers 2 --prune`
    - `robotd library scan /nas/music --dask tcp://box:8786`
    """
    settings = configuration(config, overrides)
    from robotd.music.library import Library
    from robotd.music.scan.scan import Scan, alone
    from robotd.music.scan.workers import Cluster, Processes
    from robotd.perceive.manifest import load_manifest

    with Library(library_path()) as library, alone(library.path):
        scan = Scan(library, folder, load_manifest(), settings.runtime, prune=prune)
        report = scan.report
        crew = Cluster(dask) if dask and scan.waiting else Processes(min(workers or _cores(), max(1, scan.waiting)))

        def tell() -> None:
            if as_json:
                _echo_json(_report(report))
            else:
                _tell(report, folder, prune=prune)

        with _however_it_ends(tell, "scan"), _progress() as bar:
            task = bar.add_task("scanning", total=scan.waiting, more="")
            for studied in scan.run(crew):
                speed = f"{report.speed:.0f}x real time, {printable(Path(studied.path).name)}"
                bar.update(task, advance=1, more=speed)
    raise typer.Exit(1 if report.failed or not report.found else 0)


@app.command("import")
def import_command(
    file: Annotated[Path, typer.Argument(help="A catalogue: CSV, may be gzipped.", metavar="FILE.csv[.gz]")],
    columns: Annotated[
        list[str] | None,
        typer.Option(help="Which column holds what, for instance `valence=pleasantness`.", metavar="FIELD=COLUMN"),
    ] = None,
    scale: Annotated[
        str | None,
        typer.Option(
            help="The range of valence and arousal as in `1..9`, or `z` for standard scores.", show_default="found"
        ),
    ] = None,
    *,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask whether columns and scale are right.")] = False,
    as_json: AsJson = False,
) -> None:
    """Add the songs of a catalogue without their sound; known ones are updated, bad rows are listed.

    Columns and scale are found by their names and figures where they are not given; you are asked whether they are
    right.

    Examples:

    - `robotd library import songs.csv`
    - `robotd library import deam.csv --columns valence=v_mean,arousal=a_mean --scale 1..9`
    - `robotd library import catalogue.csv.gz --yes`
    """
    from robotd.music.catalogue.columns import plan_import
    from robotd.music.catalogue.importing import Importer
    from robotd.music.library import Library
    from robotd.music.scan.scan import alone

    plan = plan_import(file, _stated(columns or []), scale)
    if not plan.certain:
        for line in plan.lines():
            typer.echo(printable(line), err=True)
        if not yes and not _confirmed(f"Import {plan.rows} rows like this?"):
            raise CommandError("nothing was imported: say --yes, or state what is what by --columns and --scale")
    with Library(library_path()) as library, alone(library.path):
        importer = Importer(library, plan)
        report = importer.report

        def tell() -> None:
            for rejected in report.rejected:
                typer.echo(printable(f"{file}, line {rejected.line}: {rejected.reason}"), err=True)
            if as_json:
                _echo_json(asdict(report) | {"songs": library.count()})
            else:
                typer.echo(f"{_imported(report)}; {library.count()} songs now")

        with _however_it_ends(tell, "import"), _progress() as bar:
            task = bar.add_task("importing", total=plan.rows, more="")
            for rows in importer.run():
                bar.advance(task, rows)
    raise typer.Exit(1 if report.rejected and not (report.added or report.updated) else 0)


@app.command("list")
def list_command(
    search: Annotated[str, typer.Option(help="Words of title or artist, or how they begin.", metavar="TEXT")] = "",
    near: Annotated[
        str | None, typer.Option(help="Nearest first to this valence and arousal, each -1..1.", metavar="V,A")
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(help="At most so many.", min=1, max=_MOST - 1, show_default=f"{_SHOWN}; all with --json"),
    ] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """List the songs, also those whose files have vanished.

    Examples:

    - `robotd library list --search "john co" --limit 20`
    - `robotd library list --near -0.6,-0.4`
    - `robotd library list --json | jq -r .uri`
    """
    from robotd.music.library import Library

    point = _point(near) if near is not None else None
    most = limit or (None if as_json else _SHOWN)
    with Library(library_path()) as library:
        songs = library.search(search, near=point, limit=None if most is None else most + 1, missing=True)
    more = most is not None and len(songs) > most
    songs = songs[:most]
    if as_json:
        for song in songs:
            _echo_json(asdict(song))
        return
    if not songs:
        typer.echo(f"no song matches {search!r}" if search else "the library has no songs: see `robotd library --help`")
        return
    from rich.console import Console

    from robotd.cli.library_tables import songs_table

    Console().print(songs_table(songs))
    if more and limit is None:
        typer.echo(f"the first {most}; more with --limit, fewer with --search")


@app.command("show")
def show_command(
    song: Annotated[int, typer.Argument(help="The song's number, see `list`.", metavar="ID", min=1, max=_MOST)],
    *,
    as_json: AsJson = False,
) -> None:
    """Show all that is known of a song, and why it is taken for what it is.

    Example: `robotd library show 12`
    """
    from robotd.music.library import Library
    from robotd.music.library.files import Files
    from robotd.music.scan.explanation import explained

    with Library(library_path()) as library:
        found, curve, files = library.song(song), library.curve(song), Files(library)
        made_by = files.made_by(song)
        weights = files.explanation(made_by) if made_by else None
    reasons = explained(weights, found.mid_level) if weights is not None and found.mid_level else {}
    if as_json:
        more: dict[str, Any] = {"curve": None if curve is None else curve.round(2).tolist()}
        more["why"] = {mood: asdict(reason) for mood, reason in reasons.items()}
        _echo_json(asdict(found) | more)
        return
    from rich.console import Console

    from robotd.cli.library_tables import song_tables

    for table in song_tables(found, curve, reasons):
        Console().print(table)


@app.command("remove")
def remove_command(
    song: Annotated[int | None, typer.Argument(help="The song's number.", metavar="ID", min=1, max=_MOST)] = None,
    source: Annotated[
        str | None, typer.Option(help="All songs of a source: `scan`, `album`, or the name of an imported file.")
    ] = None,
) -> None:
    """Take songs out of the library, with what listeners thought of them; files stay where they are.

    Examples:

    - `robotd library remove 12`
    - `robotd library remove --source catalogue.csv.gz`
    """
    from robotd.music.library import Library

    if (song is None) == (source is None):
        raise CommandError("say what to remove: a song's number, or --source NAME")
    with Library(library_path()) as library:
        if source is not None:
            typer.echo(f"{library.remove_source(source)} removed")
        elif song is not None:
            title = library.song(song).title
            library.remove(song)
            typer.echo(f"removed {printable(title)}")


@app.command("export")
def export_command(
    file: Annotated[Path, typer.Argument(help="Where to; `-` for standard output.", metavar="FILE.csv")],
) -> None:
    """Write all songs as a catalogue that can be imported again, valence and arousal on -1..1.

    Left out are songs whose files have vanished, and how valence and arousal run over the time of a song.

    Examples:

    - `robotd library export songs.csv`
    - `robotd library export - | head`
    """
    from robotd.music.catalogue.writing import write_catalogue
    from robotd.music.library import Library

    with Library(library_path()) as library:
        songs = library.songs()
    if str(file) != "-":
        count = write_catalogue(file, songs)
    else:
        if isinstance(sys.stdout, io.TextIOWrapper):  # a catalogue is UTF-8, whatever the locale
            sys.stdout.reconfigure(encoding="utf-8", newline="")
        count = write_catalogue(sys.stdout, songs)
    typer.echo(f"{count} songs written", err=True)


@contextmanager
def _however_it_ends(tell: Callable[[], None], command: str) -> Iterator[None]:
    """Tell what was done, all of it or, after an error or Ctrl-C, so far."""
    try:
        yield
    except KeyboardInterrupt:
        tell()
        typer.echo(f"stopped; {command} again to go on", err=True)
        raise typer.Exit(_STOPPED) from None
    except RobotdError:
        tell()
        raise
    tell()


def _echo_json(value: Any) -> None:
    plain = (sys.stdout.encoding or "").lower() == "utf-8"
    typer.echo(json.dumps(value, ensure_ascii=not plain))


def _confirmed(question: str) -> bool:
    return sys.stdin.isatty() and typer.confirm(question, err=True)


def _cores() -> int:
    return len(os.sched_getaffinity(0))


def _progress() -> Progress:
    """Return a progress bar on standard error, nothing where that is no terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[more]}", markup=False),
        console=console,
        disable=not console.is_terminal,
    )


def _report(report: Report) -> dict[str, Any]:
    told = asdict(report)
    told["failed"] = [{"path": printable(path), "reason": printable(reason)} for path, reason in report.failed]
    told["notes"] = [{"path": printable(path), "note": printable(note)} for path, note in report.notes]
    return told | {"speed": round(report.speed, 1)}


def _tell(report: Report, folder: Path, *, prune: bool) -> None:
    for path, note in report.notes:
        typer.echo(printable(f"note: {path}: {note}"), err=True)
    for path, reason in report.failed:
        typer.echo(printable(f"failed: {path}: {reason}"), err=True)
    if not report.found:
        typer.echo(printable(f"no music in {folder}"), err=True)
    parts = [f"{report.added} added", f"{report.updated} updated", f"{report.unchanged} unchanged"]
    if report.moved:
        parts.append(f"{report.moved} moved")
    if report.vanished:
        parts.append(f"{report.vanished} vanished ({_what_became_of_them(report, prune=prune)})")
    parts.append(f"{len(report.failed)} failed")
    speed = f"; {report.heard_s / 60:.1f} min heard, {report.speed:.0f}x real time" if report.heard_s else ""
    typer.echo(", ".join(parts) + speed)


def _what_became_of_them(report: Report, *, prune: bool) -> str:
    if report.pruned:
        return "removed"
    if not prune:
        return "kept; --prune removes them"
    return "kept" if report.found else "kept: no music is there; is the disk mounted?"


def _imported(report: Imported) -> str:
    repeated = f", {report.repeated} told twice" if report.repeated else ""
    return f"{report.added} added, {report.updated} updated{repeated}, {len(report.rejected)} rejected"


def _stated(columns: list[str]) -> dict[str, str]:
    stated = {}
    for part in ",".join(columns).split(","):
        name, equals, column = part.partition("=")
        if equals and name.strip() and column.strip():
            stated[name.strip().lower()] = column
        elif part.strip():
            raise CommandError(f"--columns {part}: give FIELD=COLUMN, for instance valence=v_mean")
    return stated


def _point(text: str) -> tuple[float, float]:
    try:
        valence, arousal = map(float, text.split(","))
    except ValueError:
        valence = arousal = float("nan")
    if not (-1 <= valence <= 1 and -1 <= arousal <= 1):
        raise CommandError(f"--near {text}: give valence and arousal, each -1..1, as in --near -0.6,-0.4")
    return valence, arousal
