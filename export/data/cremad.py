"""CREMA-D (Cao et al. 2014, doi:10.1109/TAFFC.2014.2336244) with what people heard in each clip.

The layout: `speech/cremad/<actor>_<sentence>_<emotion>_<level>.<ending>` and, beside the clips,
`tabulatedVotes.csv.gz` with the votes by voice (rows that begin with 1), by face and by both; or as published,
`AudioWAV/` and `processedResults/tabulatedVotes.csv`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from robotd.emotion import EMOTIONS, Emotion

from . import places
from .ravdess import Clip, read_sound

if TYPE_CHECKING:
    from pathlib import Path

#: The columns of the votes.
_VOTES = {
    "A": Emotion.ANGRY,
    "D": Emotion.DISGUST,
    "F": Emotion.FEARFUL,
    "H": Emotion.HAPPY,
    "N": Emotion.NEUTRAL,
    "S": Emotion.SAD,
}


def read_cremad(data: Path) -> list[Clip]:
    """Read all clips that people have judged by voice alone; the target is the share of their votes.

    What an actor was asked to show is left aside: listeners name it in 30 % of the clips.
    """
    default = data / "speech" / "cremad"
    folder, table = places.cremad(data) or (default, default / "tabulatedVotes.csv.gz")
    targets = {}
    for row in places.open_table(table):
        votes = np.zeros(len(EMOTIONS), np.float32)
        for column, emotion in _VOTES.items():
            votes[EMOTIONS.index(emotion)] = float(row[column])
        if row[""].startswith("1") and votes.sum() > 0.0:
            targets[row["fileName"]] = votes / votes.sum()
    return [
        Clip(f"cremad-{file.stem[:4]}", read_sound(file), targets[file.stem])
        for file in sorted(folder.glob("1*_*_*_*"))
        if file.stem in targets
    ]
