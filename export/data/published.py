"""Public data sets in the layouts of their makers, as the readers beside this file give them; None if not there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from . import places
from .emopia import QUADRANTS
from .fer import CLASSES, VOTE_COLUMNS, FerImages

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from .fer import Usage

_USAGES: dict[Usage, str] = {"train": "Training", "publictest": "PublicTest"}
_SIDE = 48


def fer_images(root: Path, usage: Usage) -> FerImages | None:
    """Read FER-2013's `fer2013.csv` (or `icml_face_data.csv`) with FER+'s `fer2013new.csv`.

    Rows have no names there; an image is called `<class>/<Usage>_<row>`, counted from 0.

    Raises:
        ValueError: the two tables have different rows, or a row has no 48 x 48 pixels.
    """
    table, votes_table = places.fer(root), places.ferplus(root)
    if table is None or votes_table is None:
        return None
    rows, votes = places.open_table(table), places.open_table(votes_table)
    if [row["Usage"] for row in rows] != [row["Usage"] for row in votes]:
        raise ValueError(f"{votes_table} doesn't belong to {table}: their rows are of different usages")
    chosen = [n for n, row in enumerate(rows) if row["Usage"] == _USAGES[usage]]
    labels = [int(rows[n]["emotion"]) for n in chosen]
    return FerImages(
        tuple(f"{CLASSES[label]}/{_USAGES[usage]}_{n}" for n, label in zip(chosen, labels, strict=True)),
        np.stack([pixels(rows[n]["pixels"]) for n in chosen]),
        np.array(labels),
        np.array([[float(votes[n][name]) for name in VOTE_COLUMNS] for n in chosen], np.float32),
    )


def pixels(text: str) -> NDArray[np.uint8]:
    """Return the [48, 48] picture of a row of FER-2013's table.

    Raises:
        ValueError: it isn't one.
    """
    try:
        values = np.array(text.split(), np.int64)
    except ValueError as error:
        raise ValueError("its pixels are no whole numbers") from error
    if values.shape != (_SIDE * _SIDE,) or values.min() < 0 or values.max() > np.iinfo(np.uint8).max:
        raise ValueError(f"it has {values.size} pixels of 0..255, not {_SIDE * _SIDE}")
    return values.astype(np.uint8).reshape(_SIDE, _SIDE)


def emopia_clips(root: Path, split: Literal["train", "val"]) -> list[tuple[Path, str, int]] | None:
    """Return the MIDI file, song and quadrant (index of Q1..Q4) of EMOPIA's clips, by the authors' lists of songs.

    A clip is `midis/<quadrant>_<song>_<number>.mid`; `split/<split>_SL.csv` lists the songs.

    Raises:
        FileNotFoundError: the list of songs, or a labelled clip, is missing.
    """
    folder = places.emopia(root)
    if folder is None:
        return None
    listed = folder / "split" / f"{split}_SL.csv"
    if not listed.is_file():
        raise FileNotFoundError(f"{listed} is missing: it lists the songs of the {split} split")
    songs = {row["songID"] for row in places.open_table(listed)}
    clips = []
    for row in sorted(places.open_table(folder / "label.csv"), key=lambda row: row["ID"]):
        song = row["ID"].split("_", 1)[1].rsplit("_", 1)[0]
        if song in songs:
            file = folder / "midis" / f"{row['ID']}.mid"
            if not file.is_file():
                raise FileNotFoundError(f"{file} is missing")
            clips.append((file, song, QUADRANTS.index(row["ID"][:2])))
    return clips
