"""Writing the library as a catalogue that can be imported again."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Any

from robotd.errors import LibraryError
from robotd.music.catalogue.reading import GROUPS

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from robotd.music.song import Song

_PLAIN = (
    *("title", "artist", "album", "uri", "valence", "arousal", "year", "genre"),
    *("language", "explicit", "duration_s", "tempo_bpm", "key"),
)
COLUMNS = (*_PLAIN, "keywords", *(column for columns in GROUPS.values() for column in columns), "from")


def write_catalogue(path: Path, songs: Iterable[Song]) -> int:
    """Write songs as CSV in UTF-8, valence and arousal on -1..1, and return how many.

    Raises:
        LibraryError: the file can't be written.
    """
    count = 0
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(COLUMNS)
            for song in songs:
                writer.writerow(_row(song))
                count += 1
    except OSError as error:
        raise LibraryError(f"can't write {path}: {error.strerror}") from error
    return count


def _row(song: Song) -> list[Any]:
    plain = [getattr(song, name) for name in _PLAIN]
    words = ";".join(f"{word}:{weight:.4g}" for word, weight in song.keywords)
    groups = [value for name, columns in GROUPS.items() for value in getattr(song, name) or [None] * len(columns)]
    return [_cell(value) for value in (*plain, words, *groups, song.source)]


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return int(value)
    return f"{value:.6g}" if isinstance(value, float) else value
