"""EMOPIA's pop piano clips, each with the quadrant of its mood (Hung et al. 2021, ISMIR).

The layout: `music/midi/emopia/labels.csv` (columns id, song, quadrant, split) and beside it `emopia_<split>.tar` with
a file `<id>.mid` for each clip. The splits are the authors' own, by song.
"""

from __future__ import annotations

import csv
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from robotd.emotion import Quadrant
from robotd.perceive.features.score import Notes, read_notes

QUADRANTS = tuple(quadrant.value for quadrant in Quadrant)


@dataclass(frozen=True, slots=True, eq=False)
class Clip:
    """A part of a performance.

    Attributes:
        song: which performance it is a part of.
        notes: as transcribed from the recording.
        quadrant: index of its label in Q1..Q4.
    """

    song: str
    notes: Notes
    quadrant: int


def read_emopia(data: Path, split: Literal["train", "val"]) -> list[Clip]:
    """Read a split in the order of the clips' ids.

    Raises:
        FileNotFoundError: it is not there, or a labelled clip is missing.
    """
    folder = data / "music" / "midi" / "emopia"
    with (folder / "labels.csv").open(encoding="utf-8", newline="") as file:
        rows = {row["id"]: row for row in csv.DictReader(file) if row["split"] == split}
    clips = []
    with tarfile.open(folder / f"emopia_{split}.tar") as tar, tempfile.TemporaryDirectory() as temporary:
        present = {Path(name).stem: name for name in tar.getnames()}
        for name, row in sorted(rows.items()):
            if name not in present:
                raise FileNotFoundError(f"{folder}: emopia_{split}.tar has no {name}.mid")
            content = tar.extractfile(present[name])
            assert content is not None
            path = Path(temporary) / "clip.mid"
            path.write_bytes(content.read())
            clips.append(Clip(row["song"], read_notes(path), QUADRANTS.index(row["quadrant"])))
    return clips
