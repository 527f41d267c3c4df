"""Reading songs from a CSV file, row by row, with a reason for every row that is not taken."""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

from robotd.errors import LibraryError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

#: Ranges in which data sets and services give valence and arousal.
Scale = Literal["-1..1", "0..1", "0..10", "1..9", "1..5"]
SCALES: tuple[Scale, ...] = get_args(Scale)

COLUMNS = ("title", "artist", "uri", "valence", "arousal")


@dataclass(frozen=True, slots=True)
class Entry:
    """A song that is to be put into the library; valence and arousal in -1..1."""

    title: str
    artist: str
    uri: str
    valence: float
    arousal: float


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that could not be used.

    Attributes:
        line: where it ends in the file, counted from 1.
        reason: what is wrong with it.
    """

    line: int
    reason: str


def read_csv(path: Path, scale: Scale = "-1..1") -> tuple[tuple[Entry, ...], tuple[Rejected, ...]]:
    """Return the songs of a CSV file, and the rows that are none.

    Raises:
        LibraryError: the file can't be read, is no UTF-8 text, or lacks a column; or there is no such scale.
    """
    if scale not in SCALES:
        raise LibraryError(f"no scale {scale!r}: use one of {', '.join(SCALES)}")
    entries: list[Entry] = []
    rejected: list[Rejected] = []
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file, restval="")
            rows.fieldnames = [name.strip().lower() for name in rows.fieldnames or ()]
            missing = [name for name in COLUMNS if name not in rows.fieldnames]
            if missing:
                raise LibraryError(
                    f"{path} has no column {', '.join(missing)}: the first line must name {', '.join(COLUMNS)}"
                )
            for row in rows:
                found = _read(row, scale, rows.line_num)
                if isinstance(found, Entry):
                    entries.append(found)
                else:
                    rejected.append(found)
    except OSError as error:
        raise LibraryError(f"can't read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise LibraryError(f"{path} is not UTF-8 text: save it as CSV in UTF-8") from error
    except csv.Error as error:
        raise LibraryError(f"{path} is no CSV file: {error}") from error
    return tuple(entries), tuple(rejected)


def _read(row: Mapping[str, str], scale: Scale, line: int) -> Entry | Rejected:
    try:
        return _entry(row, scale)
    except ValueError as error:
        return Rejected(line, str(error))


def _entry(row: Mapping[str, str], scale: Scale) -> Entry:
    title, artist, uri = (row[name].strip() for name in ("title", "artist", "uri"))
    for name, text in (("title", title), ("uri", uri)):
        if not text:
            raise ValueError(f"{name} is empty")
    return Entry(title, artist, uri, _value(row, "valence", scale), _value(row, "arousal", scale))


def _value(row: Mapping[str, str], name: str, scale: Scale) -> float:
    """Return a number of the scale as one of -1..1."""
    low, high = map(float, scale.split(".."))
    try:
        value = float(row[name])
    except ValueError:
        raise ValueError(f"{name} {row[name]!r} is no number") from None
    if not math.isfinite(value) or not low <= value <= high:
        raise ValueError(f"{name} {row[name].strip()} is outside of {scale}")
    return (2 * value - (low + high)) / (high - low)
