"""Where public data sets lie below a folder, in the layouts in which their makers publish them or in ours."""

from __future__ import annotations

import csv
import gzip
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: So deep below the given folder a data set is looked for; archives unpack into folders of their own.
_DEPTH = 7
#: Not asked whether they are folders: there are tens of thousands of them.
_FILES = frozenset({".csv", ".jpg", ".mid", ".mp3", ".npy", ".ogg", ".opus", ".png", ".wav"})
_ACTOR = re.compile(r"Actor_\d\d")
#: Roots of CREMA-D's clips: in its repository and in our layout.
_CREMAD = ("AudioWAV", "speech/cremad")
FER_TABLES = ("fer2013.csv", "icml_face_data.csv")


def folders(root: Path) -> Iterator[Path]:
    """Go through the folder and those in it, level by level, hidden ones left out."""
    level = [root] if root.is_dir() else []
    for _ in range(_DEPTH + 1):
        yield from level
        level = [
            entry
            for folder in level
            for entry in sorted(folder.iterdir())
            if entry.suffix.lower() not in _FILES and entry.is_dir() and not entry.name.startswith((".", "__"))
        ]


def named(root: Path, *names: str) -> Path | None:
    """Return the first file or folder of one of those names, each perhaps a path of several parts."""
    return next((place for folder in folders(root) for name in names if (place := folder / name).exists()), None)


def ravdess(root: Path) -> Path | None:
    """Return the folder that holds RAVDESS's Actor_01, Actor_02 ..."""
    for folder in folders(root):
        if any(_ACTOR.fullmatch(entry.name) and entry.is_dir() for entry in folder.glob("Actor_*")):
            return folder
    return None


def cremad(root: Path) -> tuple[Path, Path] | None:
    """Return the folder of CREMA-D's clips and the table of their votes (`open_table` reads it)."""
    clips = named(root, *_CREMAD)
    if clips is None:
        return None
    beside = [clips, clips.parent / "processedResults"]
    votes = [folder / name for folder in beside for name in ("tabulatedVotes.csv", "tabulatedVotes.csv.gz")]
    found = next((table for table in votes if table.is_file()), None)
    return None if found is None else (clips, found)


def fer(root: Path) -> Path | None:
    """Return FER-2013's table of pixels."""
    return named(root, *FER_TABLES)


def ferplus(root: Path) -> Path | None:
    """Return FER+'s table of votes."""
    return named(root, "fer2013new.csv")


def emopia(root: Path) -> Path | None:
    """Return the folder of EMOPIA with `midis` and `label.csv`."""
    labels = named(root, "label.csv")
    return labels.parent if labels is not None and (labels.parent / "midis").is_dir() else None


def open_table(file: Path) -> list[dict[str, str]]:
    """Read a table, gzipped or not; spaces round the names of its columns go."""
    with (
        gzip.open(file, "rt", encoding="utf-8", newline="")
        if file.suffix == ".gz"
        else file.open(encoding="utf-8-sig", newline="") as lines
    ):
        rows = csv.DictReader(lines)
        if rows.fieldnames is None:
            raise ValueError("it is empty")
        rows.fieldnames = [name.strip() for name in rows.fieldnames]
        return list(rows)
