"""The files behind songs: what was scanned, from which content, and whether it is still there."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

import numpy as np

from robotd.music.library.rows import REPLACE, put_keywords, row_of, tidy_words

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from robotd.music.library.library import Library
    from robotd.music.song import Entry

#: The source of scanned songs.
SCAN = "scan"
_FILE = "file://"
#: Seven features and a constant; eight ratings.
_EXPLAINED = (8, 8)


@dataclass(frozen=True, slots=True)
class State:
    """A file as it was when it was scanned last.

    Attributes:
        size: bytes, with those of the lyrics beside it.
        mtime_ns: when it or they were changed last.
        digest: of its content, and of the lyrics beside it.
        made_by: which models and methods heard it.
    """

    size: int
    mtime_ns: int
    digest: bytes
    made_by: str


@dataclass(frozen=True, slots=True)
class Known:
    """A file behind a song.

    Attributes:
        song_id: its song.
        state: as it was scanned.
        missing: it was not there at the last scan.
    """

    song_id: int
    state: State
    missing: bool


class Files:
    """The files of a library."""

    def __init__(self, library: Library) -> None:
        self._library = library

    def known(self) -> dict[str, Known]:
        """Return all files by the uri of their songs."""
        with self._library.reading() as database:
            rows = database.execute(
                "SELECT uri, song_id, size, mtime_ns, digest, made_by, missing FROM files JOIN songs ON id = song_id"
            )
            return {row[0]: Known(row[1], State(*row[2:6]), bool(row[6])) for row in rows}

    def put(self, entry: Entry, state: State, instead_of: int | None = None) -> int:
        """Keep what a scan found out about a file, at once and whole, and return its song's id.

        Args:
            entry: the song.
            state: of the file.
            instead_of: a song whose file was moved here; it stays the same song.
        """
        with self._library.writing() as database:
            if instead_of is not None:
                _rename(database, instead_of, entry.uri)
            database.execute(REPLACE, row_of(entry, SCAN, time.time()))
            put_keywords(database, [entry], amend=False)
            (song_id,) = database.execute("SELECT id FROM songs WHERE uri = ?", (entry.uri,)).fetchone()
            database.execute(
                "INSERT OR REPLACE INTO files (song_id, size, mtime_ns, digest, made_by) VALUES (?, ?, ?, ?, ?)",
                (song_id, state.size, state.mtime_ns, state.digest, state.made_by),
            )
        return int(song_id)

    def move(self, song_id: int, uri: str, size: int, mtime_ns: int) -> None:
        """Tell where a song's file lies now, its content being what it was."""
        with self._library.writing() as database:
            _rename(database, song_id, uri)
            database.execute("UPDATE files SET size = ?, mtime_ns = ? WHERE song_id = ?", (size, mtime_ns, song_id))

    def set_missing(self, song_ids: Iterable[int], *, missing: bool) -> None:
        """Tell which songs' files have vanished, or are there again."""
        values = [(missing, song_id) for song_id in song_ids]
        if values:
            with self._library.writing() as database:
                database.executemany("UPDATE songs SET missing = ? WHERE id = ?", values)

    def remove(self, song_ids: Iterable[int]) -> None:
        """Take songs out."""
        values = [(song_id,) for song_id in song_ids]
        if values:
            with self._library.writing() as database:
                database.executemany("DELETE FROM songs WHERE id = ?", values)
                tidy_words(database)

    def explanation(self, made_by: str) -> NDArray[np.float64] | None:
        """Return how a model derives ratings from features, [features + 1, ratings], the last row being constants."""
        with self._library.reading() as database:
            row = database.execute("SELECT weights FROM explanations WHERE made_by = ?", (made_by,)).fetchone()
        return None if row is None else np.frombuffer(row[0], "<f8").reshape(_EXPLAINED)

    def made_by(self, song_id: int) -> str | None:
        """Return which models and methods heard a song, None for one without a file."""
        with self._library.reading() as database:
            row = database.execute("SELECT made_by FROM files WHERE song_id = ?", (song_id,)).fetchone()
        return None if row is None else str(row[0])

    def put_explanation(self, made_by: str, weights: NDArray[np.float64]) -> None:
        """Keep how a model derives ratings from features."""
        with self._library.writing() as database:
            database.execute(
                "INSERT OR REPLACE INTO explanations (made_by, weights) VALUES (?, ?)",
                (made_by, weights.astype("<f8").tobytes()),
            )


def path_of(uri: str) -> Path | None:
    """Return the path of a `file:` uri, None for another one."""
    return Path(os.fsdecode(unquote_to_bytes(uri.removeprefix(_FILE)))) if uri.startswith(_FILE) else None


def _rename(database: sqlite3.Connection, song_id: int, uri: str) -> None:
    """Give a song the place of its file; a song that had that place already, such as an imported one, makes way."""
    if database.execute("DELETE FROM songs WHERE uri = ? AND id != ?", (uri, song_id)).rowcount > 0:
        tidy_words(database)
    database.execute("UPDATE songs SET uri = ?, missing = 0 WHERE id = ?", (uri, song_id))
