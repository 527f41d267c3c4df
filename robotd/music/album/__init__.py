"""The default album: twelve short pieces, three for each quadrant, that a fresh installation can recommend.

`python -m robotd.music.album` composes them anew; the same code gives the same files.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
INDEX = FOLDER / "album.csv"
ARTIST = "robotd"


@dataclass(frozen=True, slots=True)
class Piece:
    """One piece of the album.

    Attributes:
        title: its name.
        file: its MIDI file, in the folder of the album.
        valence: of the feeling that it was composed for, -1..1.
        arousal: likewise.
    """

    title: str
    file: str
    valence: float
    arousal: float

    @property
    def uri(self) -> str:
        """Where it lies in this installation."""
        return (FOLDER / self.file).as_uri()


def pieces() -> tuple[Piece, ...]:
    """Return the pieces of the album."""
    with INDEX.open(encoding="utf-8", newline="") as file:
        return tuple(
            Piece(row["title"], row["file"], float(row["valence"]), float(row["arousal"]))
            for row in csv.DictReader(file)
        )
