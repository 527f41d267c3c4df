"""`robotd compose`: one piece, as a MIDI file."""

from __future__ import annotations

import json
import secrets
import time
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from robotd.cli.options import ConfigPath, Overrides, configuration
from robotd.config import PARTS

if TYPE_CHECKING:
    from robotd.music.compose.piece import Piece


class QuadrantName(str, Enum):
    """A quadrant of the circumplex."""

    Q1 = "Q1"
    Q2 = "Q2"
    Q3 = "Q3"
    Q4 = "Q4"


class Style(str, Enum):
    """Who plays."""

    BAND = "band"
    PIANO = "piano"


def compose_command(
    output: Annotated[Path, typer.Option("--output", "-o", help="The MIDI file to write.", metavar="FILE.mid")],
    *,
    quadrant: Annotated[
        QuadrantName | None,
        typer.Option(help="Q1 happy, Q2 tense, Q3 sad, Q4 calm.", show_default="the one at the point"),
    ] = None,
    valence: Annotated[
        float | None, typer.Option(help="-1 (unpleasant) to 1 (pleasant).", min=-1, max=1, show_default=False)
    ] = None,
    arousal: Annotated[
        float | None, typer.Option(help="-1 (sleepy) to 1 (excited).", min=-1, max=1, show_default=False)
    ] = None,
    bars: Annotated[int, typer.Option(help="How long, in bars of 4/4, the ending included.", min=1, max=10_000)] = 32,
    seed: Annotated[
        int | None, typer.Option(help="The same seed, the same piece.", min=0, show_default="another one each time")
    ] = None,
    parts: Annotated[
        str | None,
        typer.Option(help=f"Who plays, for instance `melody` alone: {', '.join(PARTS)}.", show_default="as configured"),
    ] = None,
    style: Annotated[
        Style | None,
        typer.Option(help="A band, or two hands on one piano.", show_default="as configured"),
    ] = None,
    config: ConfigPath = None,
    overrides: Overrides = None,
    judge: Annotated[
        bool, typer.Option("--judge/--no-judge", help="Have every four bars heard, and composed again if need be.")
    ] = True,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Compose a piece of music for a feeling.

    Examples:

    - `robotd compose --quadrant Q1 -o happy.mid`
    - `robotd compose --valence -0.6 --arousal -0.4 --bars 16 --seed 7 -o sad.mid`
    - `robotd compose --quadrant Q4 --parts melody -o tune.mid`
    - `robotd compose --quadrant Q2 --style piano -o storm.mid`
    """
    changed = list(overrides or ())
    if parts is not None:
        changed.append(f"compose.parts=[{parts}]")
    if style is not None:
        changed.append(f"compose.style={style.value}")
    if not judge:
        changed.append("compose.judge=null")
    settings = configuration(config, changed)
    if quadrant is None and (valence is None or arousal is None):
        raise typer.BadParameter("say what to compose for: --quadrant Q1, or --valence and --arousal")
    if (valence is None) != (arousal is None):
        raise typer.BadParameter("--valence and --arousal go together")
    if not output.parent.is_dir():
        raise typer.BadParameter(f"--output {output}: there is no folder {output.parent}")
    from robotd.emotion import MOODS, Quadrant, quadrant_at
    from robotd.music.compose.piece import compose_piece, write_piece

    if valence is None or arousal is None:
        wanted = Quadrant(quadrant.value if quadrant else "Q1")
        point = MOODS[wanted]
    else:
        point = (valence, arousal)
        wanted = Quadrant(quadrant.value) if quadrant else quadrant_at(*point)
    number = secrets.randbelow(2**31) if seed is None else seed
    began_s = time.perf_counter()
    piece = compose_piece(settings, wanted, point, bars, number)
    took_s = time.perf_counter() - began_s
    write_piece(piece, settings, output)
    _tell(piece, took_s, output, as_json=as_json)


def _tell(piece: Piece, took_s: float, output: Path, *, as_json: bool) -> None:
    told: dict[str, Any] = {
        "file": str(output),
        "quadrant": piece.quadrant.value,
        "valence": piece.point[0],
        "arousal": piece.point[1],
        "seed": piece.seed,
        "bars": len(piece.bars),
        "notes": sum(len(bar.notes) for bar in piece.bars),
        "duration_s": round(piece.duration_s, 1),
        "key": piece.bars[0].key,
        "tempo_bpm": round(piece.bars[0].tempo_bpm, 1),
        "composed_in_s": round(took_s, 2),
        "judge": piece.judge,
        "heard": piece.heard.quadrant.value if piece.heard else None,
        "probabilities": {q: round(p, 3) for q, p in piece.heard.by_name.items()} if piece.heard else None,
        "stretches": piece.stretches,
        "accepted": piece.accepted,
        "tries": piece.tries,
        "problems": list(piece.problems),
    }
    if as_json:
        typer.echo(json.dumps(told))
        return
    typer.echo(
        f"{told['file']}: {told['bars']} bars in {told['key']}, {told['tempo_bpm']:g} beats a minute, "
        f"{told['notes']} notes, {told['duration_s']:g} s; composed in {took_s:.2g} s with seed {piece.seed}"
    )
    if piece.heard is None:
        typer.echo(f"for {piece.quadrant.value}; nobody has judged it")
    else:
        shares = ", ".join(f"{name} {share:.0%}" for name, share in piece.heard.by_name.items())
        word = "as wanted" if piece.heard.quadrant == piece.quadrant else f"though {piece.quadrant.value} was wanted"
        typer.echo(f"{piece.judge} hears {piece.heard.quadrant.value}, {word} ({shares})")
        if piece.stretches:
            typer.echo(
                f"of {piece.stretches} stretches of four bars {piece.accepted} were heard as wanted, "
                f"after {piece.tries} tries in all"
            )
    for problem in piece.problems:
        typer.echo(f"note: {problem}")
