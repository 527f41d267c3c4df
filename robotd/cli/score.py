"""`robotd score`: music for a film."""

from __future__ import annotations

import json
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from robotd.cli.options import ConfigPath, Overrides, configuration

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress
    from typing_extensions import Self

    from robotd.film.score import Scored

#: The exit code where some of it could not be made.
PARTLY = 3


class Style(str, Enum):
    """What the music is played by."""

    BAND = "band"
    PIANO = "piano"


def score_command(
    file: Annotated[Path, typer.Argument(help="A video, or sound alone, in which people speak.", metavar="FILE")],
    folder: Annotated[Path, typer.Option("-o", "--output", help="Where the files go.", metavar="DIR")],
    *,
    soundfont: Annotated[
        Path | None,
        typer.Option(help="A .sf2 or .sf3 file.", metavar="FILE", show_default="as configured, else the system's"),
    ] = None,
    gain: Annotated[
        float | None,
        typer.Option(help="How loud FluidSynth plays.", min=0.01, max=5, show_default="as configured"),
    ] = None,
    style: Annotated[
        Style | None, typer.Option(help="Who plays: a band, or a piano alone.", show_default="as configured")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="Another number, another music.", min=0, show_default="as configured, else 0")
    ] = None,
    config: ConfigPath = None,
    overrides: Overrides = None,
    synth: Annotated[bool, typer.Option("--synth/--no-wav", help="Also render score.wav.")] = True,
    mux: Annotated[
        bool, typer.Option("--mux", help="Also a copy of the film, with the music under the speech.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="What was made, as one JSON object.")] = False,
) -> None:
    """Write music for a film: it follows what the people in it feel, and is exactly as long.

    Made are `timeline.json` (the feeling every half second, and the segments), `timeline.png`, `score.mid`, `score.wav`
    and, with `--mux`, `scored.mp4` or the like: pictures are copied, not encoded again; what neither MP4, MOV, WebM nor
    Matroska holds comes in Matroska. Only files of these names are written over. Nothing else of the film is kept.

    The exit code is 0 if all of it was made, 3 if some of it could not be (the rest is there, and why is said), 1 if
    nothing was.

    Examples:

    - `robotd score talk.mp4 -o talk-score`
    - `robotd score talk.mp4 -o talk-score --mux --soundfont FluidR3_GM.sf2`
    - `robotd score interview.webm -o out --style piano --seed 7 --no-wav`
    - `robotd score talk.mp4 -o out --json | jq '.segments[] | {start_s, label, quadrant}'`
    """
    if mux and not synth:
        raise typer.BadParameter("--mux needs the music rendered; leave out --no-wav")
    given = {
        "compose.style": style.value if style else None,
        "compose.seed": seed,
        "midi.soundfont": str(soundfont) if soundfont else None,
        "midi.gain": gain,
    }
    # JSON's quotes are YAML's too, and keep what a file name may hold.
    told = [f"{key}={json.dumps(value)}" for key, value in given.items() if value is not None]
    settings = configuration(config, [*(overrides or ()), *told])

    from rich.console import Console

    from robotd.film.score import Wanted, score
    from robotd.music.compose.opening import open_composer

    console = Console(stderr=True, highlight=False)
    wanted = Wanted(folder, sound=synth, mux=mux, seed=settings.compose.seed or 0)
    with _Bar(console) as bar:
        scored = score(file, settings, wanted, lambda number: open_composer(settings, number, ahead=False), bar)
    if as_json:
        typer.echo(json.dumps(scored.payload(), ensure_ascii=False))
    else:
        _show(scored)
    raise typer.Exit(PARTLY if scored.failed else 0)


class _Bar:
    """A progress bar over the film's time, where a person is looking; what there is to say comes above it."""

    def __init__(self, console: Console) -> None:
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

        self._console = console
        self._progress: Progress = Progress(
            TextColumn("{task.description:<10}"),
            BarColumn(),
            TextColumn("{task.fields[at]} of {task.fields[length]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=console,
            disable=not console.is_terminal,
            transient=True,
        )

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def begin(self, stage: str, length_s: float) -> None:
        """Go through the film once more."""
        for task in self._progress.task_ids:
            self._progress.remove_task(task)
        self._progress.add_task(stage, total=length_s, at=_clock(0), length=_clock(length_s))

    def progress(self, time_s: float) -> None:
        """Move to a time in the film."""
        for task in self._progress.task_ids:
            self._progress.update(task, completed=time_s, at=_clock(time_s))

    def note(self, text: str) -> None:
        """Say something."""
        self._console.print(f"robotd: {text}", markup=False, soft_wrap=True)


def _show(scored: Scored) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, padding=(0, 1, 0, 0))
    for name in ("from", "to", "feeling", "", "valence", "arousal", "joint", "bars", "bpm", "key"):
        table.add_column(name)
    for number, segment in enumerate(scored.segments):
        row = [_clock(segment.start_s), _clock(segment.end_s), segment.label.value, segment.quadrant.value]
        row += [f"{segment.valence:+.2f}", f"{segment.arousal:+.2f}"]
        if scored.passages:
            passage = scored.passages[number]
            key = passage.bars[len(passage.bars) // 2].bar.key
            row += [_clock(passage.start_s), str(len(passage.bars)), f"{passage.tempo_bpm:.0f}", key]
        table.add_row(*row)
    console = Console(highlight=False)
    console.print(table)
    for path in scored.files:
        console.print(str(path), markup=False, soft_wrap=True)


def _clock(time_s: float) -> str:
    """Return a time as minutes, seconds and tenths."""
    tenths = round(time_s * 10)
    return f"{tenths // 600}:{tenths % 600 / 10:04.1f}"
