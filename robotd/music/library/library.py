"""Songs with all that is known of them, and what listeners thought of them, in SQLite."""

from __future__ import annotations

import sqlite3
import time
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal

from robotd.errors import LibraryError
from robotd.music import album
from robotd.music.database import Database
from robotd.music.library.columns import read_table
from robotd.music.library.rows import (
    AMEND,
    REPLACE,
    SELECTED,
    keywords_of,
    put_keywords,
    row_of,
    song_of,
    unpacked_curve,
)
from robotd.music.library.schema import APPLICATION_ID, MIGRATIONS
from robotd.music.library.search import condition, ensure_index
from robotd.music.song import Entry

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from robotd.music.song import Song
    from robotd.music.table import SongTable

FeedbackKind = Literal["like", "dislike", "skip", "played", "rating"]

ALBUM = "album"
_PIECE = 5000


class Library(Database):
    """The songs that can be recommended; `with Library(path) as library:`.

    A new library is given the default album. `version` is another one whenever songs have changed.
    """

    NOUN = "library"
    APPLICATION_ID = APPLICATION_ID
    MIGRATIONS = MIGRATIONS

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._path = path
        self._indexed = False

    @property
    def path(self) -> Path:
        """The file."""
        return self._path

    def count(self) -> int:
        """Return how many songs are there."""
        with self.reading() as database:
            (count,) = database.execute("SELECT count(*) FROM songs WHERE NOT missing").fetchone()
        return int(count)

    def songs(self) -> tuple[Song, ...]:
        """Return all songs that are there in the order of their ids."""
        return self.search()

    def song(self, song_id: int) -> Song:
        """Return a song, missing or not.

        Raises:
            LibraryError: there is none of that id.
        """
        (song,) = self._select("WHERE id = ?", [song_id]) or [None]
        if song is None:
            raise LibraryError(f"no song {song_id} in the library {self._path}: see `robotd library list`")
        return song

    def table(self) -> SongTable:
        """Return the songs that are there as columns; worth keeping until `version` is another one."""
        with self.reading() as database:
            return read_table(database)

    def search(
        self,
        text: str = "",
        *,
        near: tuple[float, float] | None = None,
        limit: int | None = None,
        missing: bool = False,
    ) -> tuple[Song, ...]:
        """Return songs, by their ids.

        Args:
            text: only those whose title or artist have words that begin so.
            near: instead ordered by their distance from this valence and arousal.
            limit: at most so many.
            missing: also those whose file has vanished.
        """
        where, values = condition(text, indexed=self._indexed)
        order = "id"
        arguments: list[Any] = list(values)
        if near is not None:
            order = "(valence - ?) * (valence - ?) + (arousal - ?) * (arousal - ?), id"
            arguments += [near[0], near[0], near[1], near[1]]
        here = "1" if missing else "NOT missing"
        return self._select(
            f"WHERE {where} AND {here} ORDER BY {order} LIMIT ?", [*arguments, -1 if limit is None else limit]
        )

    def curve(self, song_id: int) -> NDArray[np.float32] | None:
        """Return valence and arousal of each second of a song, [seconds, 2] in -1..1, None where not known."""
        with self.reading() as database:
            row = database.execute("SELECT curve FROM songs WHERE id = ?", (song_id,)).fetchone()
        return unpacked_curve(row[0]) if row else None

    def put(self, entries: Iterable[Entry], source: str, *, amend: bool = False) -> tuple[int, int]:
        """Add songs, or update those whose `uri` is known, all in one go.

        Args:
            entries: the songs.
            source: where they come from.
            amend: what an entry doesn't know stays as it was.

        Returns:
            how many songs are new and how many were updated.

        Raises:
            LibraryError: the library can't be written; then it is as it was.
        """
        seen: set[str] = set()
        remaining = iter(entries)
        with self.writing() as database:
            before = _count(database)
            now = time.time()
            while some := list(islice(remaining, _PIECE)):
                database.executemany(AMEND if amend else REPLACE, (row_of(entry, source, now) for entry in some))
                put_keywords(database, some, amend=amend)
                seen.update(entry.uri for entry in some)
            added = _count(database) - before
        return added, len(seen) - added

    def remove(self, song_id: int) -> None:
        """Take a song out of the library, with its feedback; its file stays.

        Raises:
            LibraryError: there is none of that id.
        """
        self.song(song_id)
        self._delete("id = ?", song_id)

    def remove_source(self, source: str) -> int:
        """Take out all songs of a source, with their feedback, and return how many.

        Raises:
            LibraryError: there is none of that source.
        """
        removed = self._delete("source = ?", source)
        if not removed:
            with self.reading() as database:
                there = [name for (name,) in database.execute("SELECT DISTINCT source FROM songs ORDER BY source")]
            raise LibraryError(f"no songs of the source {source!r}; there are: {', '.join(there) or 'none'}")
        return removed

    def add_feedback(
        self, song_id: int, kind: FeedbackKind, *, value: float | None = None, recommendation_id: str | None = None
    ) -> None:
        """Store what a listener did with a song.

        Args:
            song_id: the song.
            kind: what happened.
            value: how much, for a `rating` or the part that was `played`, 0..1.
            recommendation_id: the recommendation that brought it, if any.

        Raises:
            LibraryError: there is no such song, or the library can't be written.
        """
        with self.reading() as database:
            try:
                database.execute(
                    "INSERT INTO feedback (recommendation_id, song_id, kind, value, time) VALUES (?, ?, ?, ?, ?)",
                    (recommendation_id, song_id, kind, value, time.time()),
                )
            except sqlite3.IntegrityError as error:
                raise LibraryError(f"no song {song_id} in the library {self._path}") from error

    def _select(self, clause: str, values: list[Any]) -> tuple[Song, ...]:
        with self.reading() as database:
            rows = database.execute(f"SELECT {SELECTED} FROM songs {clause}", values).fetchall()  # noqa: S608 - ours
            words = keywords_of(database, [row[0] for row in rows])
        return tuple(song_of(row, words.get(row[0], ())) for row in rows)

    def _delete(self, where: str, value: Any) -> int:
        with self.writing() as database:
            removed = database.execute(f"DELETE FROM songs WHERE {where}", (value,)).rowcount  # noqa: S608 - ours
            database.execute("DELETE FROM words WHERE id NOT IN (SELECT word_id FROM keywords)")
        return removed

    def _settle(self, database: sqlite3.Connection, version: int) -> None:
        self._indexed = ensure_index(database)
        _settle_album(database, new=version == 0)


def _count(database: sqlite3.Connection) -> int:
    (count,) = database.execute("SELECT count(*) FROM songs").fetchone()
    return int(count)


def _settle_album(database: sqlite3.Connection, *, new: bool) -> None:
    """Put the album into a new library; tell one that has it where the files are now."""
    pieces = album.pieces()
    if new:
        entries = (
            Entry(title=p.title, artist=album.ARTIST, uri=p.uri, valence=p.valence, arousal=p.arousal) for p in pieces
        )
        database.executemany(REPLACE, (row_of(entry, ALBUM, time.time()) for entry in entries))
    database.executemany(
        "UPDATE OR IGNORE songs SET uri = ? WHERE source = ? AND title = ? AND uri != ?",
        ((piece.uri, ALBUM, piece.title, piece.uri) for piece in pieces),
    )
