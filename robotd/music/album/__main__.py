"""Composes the default album: `python -m robotd.music.album [FOLDER]`."""

from __future__ import annotations

import csv
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from rich.progress import track

from robotd.config import Config
from robotd.emotion import quadrant_at
from robotd.errors import ModelError
from robotd.music.album import ARTIST, FOLDER, INDEX, Piece
from robotd.music.compose.expression import express
from robotd.music.compose.grid import BEATS_PER_BAR, STRETCH_BARS
from robotd.music.compose.opening import load_judge, open_composer
from robotd.music.smf import bars_to_ticks, write_smf

if TYPE_CHECKING:
    from robotd.music.bar import Bar
    from robotd.music.compose.judge import Judge

LENGTH_S = 53.0
#: So many pieces are composed at most until one is heard as wanted.
ATTEMPTS = 10
#: How much the arousal swells towards the middle of a piece.
SWELL = 0.08

#: Title, valence and arousal of every piece, by quadrant.
PIECES = (
    ("Open Windows", 0.65, 0.30),
    ("Market Day", 0.80, 0.50),
    ("Running Downhill", 0.50, 0.80),
    ("Footsteps Behind", -0.35, 0.30),
    ("Storm Warning", -0.60, 0.50),
    ("Short Fuse", -0.75, 0.80),
    ("Empty Platform", -0.40, -0.25),
    ("Letters Unsent", -0.65, -0.35),
    ("Last Light", -0.75, -0.55),
    ("Slow River", 0.40, -0.25),
    ("Tea at Four", 0.60, -0.40),
    ("Under the Lime Tree", 0.75, -0.55),
)


def compose(seed: int, valence: float, arousal: float) -> list[Bar]:
    """Return a whole piece of about 53 s: stretches that swell and subside, and an ending."""
    composer = open_composer(Config(), seed, ahead=False)
    quadrant = quadrant_at(valence, arousal)
    bar_s = BEATS_PER_BAR * 60 / express(valence, arousal).tempo_bpm
    count = max(round(LENGTH_S / bar_s / STRETCH_BARS), 1) * STRETCH_BARS
    bars = []
    for index in range(count):
        swell = SWELL * math.sin(math.pi * index / count)
        bars.append(composer.bar(valence, arousal + swell, index, quadrant))
    return [*bars, composer.ending(valence, arousal, count, quadrant)]


def chosen(number: int, valence: float, arousal: float, judge: Judge) -> list[Bar]:
    """Return the first piece, from one seed after the other, that a judge hears as a whole in its quadrant."""
    for attempt in range(ATTEMPTS):
        bars = compose(number + len(PIECES) * attempt, valence, arousal)
        heard = judge.hear(bars)
        if heard is not None and heard.quadrant == quadrant_at(valence, arousal):
            return bars
    raise ModelError(f"none of {ATTEMPTS} pieces for ({valence}, {arousal}) was heard in its quadrant by {judge.model}")


def main(folder: Path) -> None:
    """Write the pieces and their index into a folder."""
    config = Config()
    judge = load_judge(config)
    channels, programs = config.midi.channels.from_zero, config.midi.programs.by_quadrant
    pieces = []
    for number, (title, valence, arousal) in enumerate(track(PIECES, "composing", transient=True), start=1):
        piece = Piece(title, f"{title.lower().replace(' ', '-')}.mid", valence, arousal)
        events = bars_to_ticks(chosen(number, valence, arousal, judge), channels=channels, programs=programs)
        write_smf(folder / piece.file, events, name=title)
        pieces.append(piece)
    with (folder / INDEX.name).open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(("title", "artist", "file", "valence", "arousal"))
        table.writerows((p.title, ARTIST, p.file, p.valence, p.arousal) for p in pieces)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
