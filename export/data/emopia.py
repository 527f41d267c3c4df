"""EMOPIA's pop piano clips, each with the quadrant of its mood (Hung et al. 2021, ISMIR).

The layout: `music/midi/emopia/labels.csv` (columns id, song, quadrant, split) and beside it `emopia_<split>.tar` with
a file `<id>.mid` for each clip. The splits are the authors' own, by song. Or as published: see
`published.emopia_clips`.
"""

from __future__ import annotations

import csv
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from robotd.emotion import Quadrant
from robotd.perceive.features.score import Notes, read_notes

if TYPE_CHECKING:
    from collections.abc import Mapping

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
    from .published import emopia_clips

    if (listed := emopia_clips(data, split)) is not None:
        return [Clip(song, read_notes(file), quadrant) for file, song, quadrant in listed]
    folder = data / "music" / "midi" / "emopia"
    with (folder / "labels.csv").open(encoding="utf-8", newline="") as file:
        rows = {row["id"]: (row["song"], row["quadrant"]) for row in csv.DictReader(file) if row["split"] == split}
    return clips_in(folder / f"emopia_{split}.tar", rows)


def clips_in(archive: Path, labels: Mapping[str, tuple[str, str]]) -> list[Clip]:
    """Read MIDI files of an archive in the order of their names.

    Args:
        archive: a tar of files `<name>.mid`.
        labels: song and quadrant by name.

    Raises:
        FileNotFoundError: it is not there, or a labelled file is missing.
    """
    clips = []
    with tarfile.open(archive) as tar, tempfile.TemporaryDirectory() as temporary:
        present = {Path(name).stem: name for name in tar.getnames()}
        for name, (song, quadrant) in sorted(labels.items()):
            if name not in present:
                raise FileNotFoundError(f"{archive.parent}: {archive.name} has no {name}.mid")
            content = tar.extractfile(present[name])
            assert content is not None
            path = Path(temporary) / "clip.mid"
            path.write_bytes(content.read())
            clips.append(Clip(song, read_notes(path), QUADRANTS.index(quadrant)))
    return clips
