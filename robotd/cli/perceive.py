"""`robotd perceive`: what the models make of files."""

from __future__ import annotations

import json
import sys
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from robotd.cli.options import ConfigPath, Overrides, configuration
from robotd.errors import MediaError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from robotd.perceive.files import Kind


class As(str, Enum):
    """What files are read as."""

    FACE = "face"
    VOICE = "voice"
    SCORE = "score"


def perceive_command(
    files: Annotated[
        list[Path], typer.Argument(help="Pictures, sounds or MIDI; `-` reads a list from standard input.")
    ],
    read_as: Annotated[
        As | None,
        typer.Option("--as", help="What they are read as.", show_default="by the file's name"),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(help="A model of the manifest in place of the configured one.", metavar="NAME"),
    ] = None,
    config: ConfigPath = None,
    overrides: Overrides = None,
    *,
    crop: Annotated[bool, typer.Option("--crop", help="The pictures are face crops already.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Read files with the models, without the daemon but on its very path: one reading a file.

    Examples:

    - `robotd perceive portrait.jpg voice.wav`
    - `robotd perceive --as face --crop --json crops/*.png`
    - `robotd perceive --as score piece.mid`
    - `find clips -name '*.wav' | robotd perceive --as voice --json -`
    """
    if model is not None:
        if read_as is None:
            raise typer.BadParameter("--model needs --as, since each kind of file has its own models")
        overrides = [*(overrides or ()), f"{read_as.value}.model={model}"]
    settings = configuration(config, overrides)
    from robotd.perceive.files import FileReader, kind_of
    from robotd.perceive.manifest import load_manifest

    reader = FileReader(settings, load_manifest(), crop=crop)
    failed = 0
    for path in _with_progress(list(_listed(files))):
        kind: Kind = read_as.value if read_as else kind_of(path)
        try:
            _show(reader.read(path, kind).payload(), as_json=as_json)
        except MediaError as error:
            failed += 1
            if as_json:
                typer.echo(json.dumps({"file": str(path), "kind": kind, "error": str(error)}, ensure_ascii=False))
            typer.echo(f"robotd: {error}", err=True)
    raise typer.Exit(1 if failed else 0)


def _listed(files: Iterable[Path]) -> Iterator[Path]:
    for path in files:
        if str(path) == "-":
            yield from (Path(line.rstrip("\n")) for line in sys.stdin if line.strip())
        else:
            yield path


def _with_progress(paths: list[Path]) -> Iterable[Path]:
    """Show a progress bar where a person is looking and the readings go elsewhere."""
    if not sys.stderr.isatty() or sys.stdout.isatty():
        return paths
    from rich.console import Console
    from rich.progress import track

    return track(paths, "reading", console=Console(stderr=True))


def _show(payload: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(payload, ensure_ascii=False))
        return
    likely = sorted(payload["probabilities"].items(), key=lambda entry: -entry[1])[:3]
    shares = ", ".join(f"{label} {share:.0%}" for label, share in likely)
    typer.echo(f"{payload['file']}: {shares} (valence {payload['valence']:+.2f}, arousal {payload['arousal']:+.2f})")
