"""VGMIDI's phrases of game music arranged for piano, each with the quadrant of its mood (Ferreira & Whitehead 2019).

"Learning to generate music with sentiment", ISMIR. The layout: `music/midi/vgmidi/labels.csv` (columns file, game,
quadrant) and beside it `phrases.tar` with those files.
"""

from __future__ import annotations

import csv
from pathlib import Path

from .emopia import Clip, clips_in


def read_vgmidi(data: Path) -> list[Clip]:
    """Read the phrases in the order of their names, each game for a song.

    Raises:
        FileNotFoundError: they are not there, or a labelled one is missing.
    """
    folder = data / "music" / "midi" / "vgmidi"
    with (folder / "labels.csv").open(encoding="utf-8", newline="") as file:
        rows = {Path(row["file"]).stem: (row["game"], row["quadrant"]) for row in csv.DictReader(file)}
    return clips_in(folder / "phrases.tar", rows)
