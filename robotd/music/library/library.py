"""Songs with all that is known of them, and what listeners thought of them, in SQLite."""

from __future__ import annotations

import time
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
    tidy_words,
    unpacked_curve,
)
from robotd.music.library.schema import APPLICATION_ID, MIGRATIONS
from robotd.music.library.search import condition, has_index, make_index, wants_index
from robotd.music.song import Entry

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from robotd.music.song import Song
    from robotd.music.table import SongTable

FeedbackKind = Literal["like", "dislike", "skip", "played", "rating"]

ALBUM = "album"


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

    def put(
        self,
        entries: Iterable[Entry],
        source: str,
        *,
        amend: bool = False,
        sources: Mapping[str, str] | None = None,
    ) -> tuple[int, int]:
        """Add songs, or update those whose `uri` is known, all in one go.

        Others can't write meanwhile and give up after some seconds, so a great many songs are put in pieces.

        Args:
            entries: the songs.
            source: where they come from.
            amend: what an entry doesn't know stays as it was, and so does the source.
            sources: where some of them come from instead, by their uris.

        Returns:
            how many songs are new and how many were updated.

        Raises:
            LibraryError: the library can't be written; then it is as it was.
        """
        entries, sources = list(entries), sources or {}
        now = time.time()
        rows = [row_of(entry, sources.get(entry.uri, source), now) for entry in entries]
        with self.writing() as database:
            before = _count(database)
            database.executemany(AMEND if amend else REPLACE, rows)
            put_keywords(database, entries, amend=amend)
            added = _count(database) - before
        return added, len({entry.uri for entry in entries}) - added

    def remove(self, song_id: int) -> None:
        """Take a song out of the library; its file stays.

        Raises:
            LibraryError: there is none of that id.
        """
        self.song(song_id)
        self._delete("id = ?", song_id)

    def remove_source(self, source: str) -> int:
        """Take out all songs of a source, and return how many.

        Raises:
            LibraryError: there is none of that source.
        """
        removed = self._delete("source = ?", source)
        if not removed:
            with self.reading() as database:
                there = [name for (name,) in database.execute("SELECT DISTINCT source FROM songs ORDER BY source")]
            raise LibraryError(f"no songs of the source {source!r}; there are: {', '.join(there) or 'none'}")
        return removed

    def _select(self, clause: str, values: list[Any]) -> tuple[Song, ...]:
        with self.reading() as database:
            rows = database.execute(f"SELECT {SELECTED} FROM songs {clause}", values).fetchall()  # noqa: S608 - ours
            words = keywords_of(database, [row[0] for row in rows])
        return tuple(song_of(row, words.get(row[0], ())) for row in rows)

    def _delete(self, where: str, value: Any) -> int:
        with self.writing() as database:
            removed = database.execute(f"DELETE FROM songs WHERE {where}", (value,)).rowcount  # noqa: S608 - ours
            tidy_words(database)
        return removed

    def _settled(self, database: sqlite3.Connection) -> bool:
        self._indexed = has_index(database)
        return super()._settled(database) and not wants_index(database) and not _strays(database)

    def _settle(self, database: sqlite3.Connection, version: int) -> None:
        if wants_index(database):
            make_index(database)
        self._indexed = has_index(database)
        if version == 0:
            _put_album(database)
        database.executemany("UPDATE songs SET uri = ? WHERE id = ?", _strays(database))


def _count(database: sqlite3.Connection) -> int:
    (count,) = database.execute("SELECT count(*) FROM songs").fetchone()
    return int(count)


def _put_album(database: sqlite3.Connection) -> None:
    entries = (
        Entry(title=p.title, artist=album.ARTIST, uri=p.uri, valence=p.valence, arousal=p.arousal)
        for p in album.pieces()
    )
    database.executemany(REPLACE, (row_of(entry, ALBUM, time.time()) for entry in entries))


def _strays(database: sqlite3.Connection) -> list[tuple[str, int]]:
    """Return where the files of pieces of the album are now, with the ids of those that the library has elsewhere."""
    strays = []
    for piece in album.pieces():
        (known,) = database.execute("SELECT count(*) FROM songs WHERE uri = ?", (piece.uri,)).fetchone()
        row = database.execute("SELECT id FROM songs WHERE source = ? AND title = ?", (ALBUM, piece.title)).fetchone()
        if row is not None and not known:
            strays.append((piece.uri, int(row[0])))
    return strays
