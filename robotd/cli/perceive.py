"""`robotd perceive`: what the models make of files."""

from __future__ import annotations

import json
import sys
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from robotd.cli.options import ConfigPath, Overrides, configuration

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from robotd.config import Config
    from robotd.perceive.files import Kind, Unread

T = TypeVar("T")


class As(str, Enum):
    """What files are read as."""

    FACE = "face"
    VOICE = "voice"
    WORDS = "words"
    SONG = "song"
    SCORE = "score"
    FUSION = "fusion"


def perceive_command(
    files: Annotated[
        list[Path], typer.Argument(help="Pictures, sounds, texts or MIDI; `-` reads a list from standard input.")
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
    """Read files with the models, without the daemon but on its very path.

    One reading a file; a text file gives one a line.

    Examples:

    - `robotd perceive portrait.jpg voice.wav`
    - `robotd perceive --as face --crop --json crops/*.png`
    - `robotd perceive --as song album/*.flac`
    - `robotd perceive --model judge piece.mid`
    - `find clips -name '*.wav' | robotd perceive --as voice --json -`
    - `fortune > fortune.txt && robotd perceive fortune.txt`
    - `robotd perceive --as fusion --model fusion_mid face.png voice.wav` (pairs; also `average` and `fusion_joint`)
    """
    from robotd.perceive.files import FileReader, Unread, kind_of
    from robotd.perceive.manifest import load_manifest

    manifest = load_manifest()
    kind: Kind | None = read_as.value if read_as else None
    if kind == "fusion" or (model or "").startswith("fusion_"):
        if model is not None:
            overrides = [*(overrides or ()), f"fusion.kind={model.removeprefix('fusion_')}"]
        raise typer.Exit(_read_pairs(list(_listed(files)), configuration(config, overrides), crop, as_json=as_json))
    if model is not None:
        entry = manifest.models.get(model)
        if kind is None and entry is not None and entry.task in [task.value for task in As]:
            kind = As(entry.task).value
        if kind is None:
            raise typer.BadParameter(f"--model: {model} reads no files; see `robotd models`, or say --as")
        overrides = [*(overrides or ()), f"{kind}.model={model}"]
    reader = FileReader(configuration(config, overrides), manifest, crop=crop)
    failed = 0
    for path in _with_progress(list(_listed(files))):
        for reading in reader.read(path, kind or kind_of(path)):
            if isinstance(reading, Unread):
                failed += 1
                _tell(reading, as_json=as_json)
            else:
                _show(reading.payload(), as_json=as_json)
    raise typer.Exit(1 if failed else 0)


def _read_pairs(paths: list[Path], settings: Config, crop: bool, *, as_json: bool) -> int:  # noqa: FBT001
    """Read pictures and sounds in pairs; returns the exit code."""
    from robotd.daemon.pairs import PairReader
    from robotd.errors import MediaError, ModelError
    from robotd.perceive.files import Unread
    from robotd.perceive.manifest import load_manifest

    if not paths or len(paths) % 2:
        raise typer.BadParameter("--as fusion takes pairs: PICTURE SOUND [PICTURE SOUND ...]")
    reader = PairReader(settings, load_manifest(), crop=crop)
    failed = 0
    for shown, said in _with_progress(list(zip(paths[::2], paths[1::2], strict=True))):
        try:
            _show(reader.read(shown, said).payload(), as_json=as_json)
        except (MediaError, ModelError) as error:
            failed += 1
            _tell(Unread(str(shown), "fusion", str(error), {"sound": str(said)}), as_json=as_json)
    return 1 if failed else 0


def _listed(files: Iterable[Path]) -> Iterator[Path]:
    for path in files:
        if str(path) == "-":
            yield from (Path(line.rstrip("\n")) for line in sys.stdin if line.strip())
        else:
            yield path


def _with_progress(paths: list[T]) -> Iterable[T]:
    """Show a progress bar where a person is looking and the readings go elsewhere."""
    if not sys.stderr.isatty() or sys.stdout.isatty():
        return paths
    from rich.console import Console
    from rich.progress import track

    return track(paths, "reading", console=Console(stderr=True))


def _tell(unread: Unread, *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(unread.payload(), ensure_ascii=False))
    line = f"{unread.file}, line {unread.more['line']}: " if "line" in unread.more else ""
    typer.echo(f"robotd: {line}{unread.error}", err=True)


def _show(payload: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(payload, ensure_ascii=False))
        return
    likely = sorted(payload.get("probabilities", {}).items(), key=lambda entry: -entry[1])[:3]
    told = ", ".join(f"{label} {share:.0%}" for label, share in likely) or payload["label"]
    place = f"{payload['file']}:{payload['line']}" if "line" in payload else payload["file"]
    typer.echo(f"{place}: {told} (valence {payload['valence']:+.2f}, arousal {payload['arousal']:+.2f})")
