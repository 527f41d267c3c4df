"""Writing the library as a catalogue that can be imported again."""

from __future__ import annotations

import csv
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from robotd.errors import LibraryError
from robotd.music.catalogue.reading import GROUPS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from robotd.music.song import Song

_PLAIN = (
    *("title", "artist", "album", "uri", "valence", "arousal", "year", "genre"),
    *("language", "explicit", "duration_s", "tempo_bpm", "key"),
)
COLUMNS = (*_PLAIN, "keywords", *(column for columns in GROUPS.values() for column in columns), "from")


def write_catalogue(to: Path | TextIO, songs: Iterable[Song]) -> int:
    """Write songs as CSV in UTF-8, valence and arousal on -1..1, and return how many.

    Raises:
        LibraryError: the file can't be written.
        BrokenPipeError: nobody reads the stream any more.
    """
    count = 0
    try:
        with to.open("w", encoding="utf-8", newline="") if isinstance(to, Path) else nullcontext(to) as file:
            writer = csv.writer(file)
            writer.writerow(COLUMNS)
            for song in songs:
                writer.writerow(_row(song))
                count += 1
            file.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise LibraryError(f"can't write {to if isinstance(to, Path) else 'the table'}: {error.strerror}") from error
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
