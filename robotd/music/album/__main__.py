"""Composes the default album: `python -m robotd.music.album [FOLDER]`."""

from __future__ import annotations

import csv
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from robotd.config import Midi
from robotd.music.album import ARTIST, FOLDER, INDEX, Piece
from robotd.music.compose.expression import express
from robotd.music.compose.pattern import PERIOD_BARS, PatternComposer
from robotd.music.smf import bars_to_ticks, write_smf

if TYPE_CHECKING:
    from robotd.music.bar import Bar

LENGTH_S = 53.0
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
    """Return a whole piece of about 53 s: periods that swell and subside, and an ending."""
    composer = PatternComposer(seed)
    bar_s = 4 * 60 / express(valence, arousal).tempo_bpm
    count = max(round(LENGTH_S / bar_s / PERIOD_BARS), 1) * PERIOD_BARS
    bars = []
    for index in range(count):
        swell = SWELL * math.sin(math.pi * index / count)
        bars.append(composer.bar(valence, arousal + swell, index))
    return [*bars, composer.ending(valence, arousal, count)]


def main(folder: Path) -> None:
    """Write the pieces and their index into a folder."""
    midi = Midi()
    channels, programs = midi.channels.from_zero, midi.programs.by_quadrant
    pieces = []
    for seed, (title, valence, arousal) in enumerate(PIECES, start=1):
        piece = Piece(title, f"{title.lower().replace(' ', '-')}.mid", valence, arousal)
        events = bars_to_ticks(compose(seed, valence, arousal), channels=channels, programs=programs)
        write_smf(folder / piece.file, events, name=title)
        pieces.append(piece)
    with (folder / INDEX.name).open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(("title", "artist", "file", "valence", "arousal"))
        table.writerows((p.title, ARTIST, p.file, p.valence, p.arousal) for p in pieces)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
