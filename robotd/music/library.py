"""The song library: songs with their valence and arousal, and what listeners thought of them, in SQLite.

Concurrency: a `Library` holds one connection behind a lock, so any thread may call any method and at most one
works at a time; from the event loop go through `asyncio.to_thread`. Other processes may read and write the
same file meanwhile (write-ahead log); `version` tells when they did.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from robotd.errors import LibraryError
from robotd.music import album
from robotd.music.songlist import Entry, Rejected, read_csv

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path
    from types import TracebackType

    from typing_extensions import Self

    from robotd.music.songlist import Scale

FeedbackKind = Literal["like", "dislike", "skip", "played", "rating"]

#: Marks the file as ours (PRAGMA application_id): "rbtd".
APPLICATION_ID = 0x72627464
BUSY_S = 5.0
ALBUM = "album"

#: Step i brings a file from schema version i to i + 1 (PRAGMA user_version). Steps are only ever added.
MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE songs (
        id INTEGER PRIMARY KEY,
        title TEXT NOT NULL,
        artist TEXT NOT NULL,
        uri TEXT NOT NULL UNIQUE,
        valence REAL NOT NULL CHECK (valence BETWEEN -1 AND 1),
        arousal REAL NOT NULL CHECK (arousal BETWEEN -1 AND 1),
        source TEXT NOT NULL,
        added_at REAL NOT NULL
    );
    CREATE TABLE feedback (
        id INTEGER PRIMARY KEY,
        recommendation_id TEXT,
        song_id INTEGER NOT NULL REFERENCES songs (id) ON DELETE CASCADE,
        kind TEXT NOT NULL,
        value REAL,
        time REAL NOT NULL
    );
    CREATE INDEX feedback_by_song ON feedback (song_id);
    """,
)

#: A song that is there already keeps its id, and with it its feedback.
UPSERT = """
    INSERT INTO songs (title, artist, uri, valence, arousal, source, added_at) VALUES (?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (uri) DO UPDATE SET title = excluded.title, artist = excluded.artist,
        valence = excluded.valence, arousal = excluded.arousal, source = excluded.source
"""


@dataclass(frozen=True, slots=True)
class Song:
    """A song of the library.

    Attributes:
        id: its number in the library.
        title: its name.
        artist: who made it; may be empty.
        uri: where a player finds it.
        valence: -1..1.
        arousal: -1..1.
        source: where the entry comes from: `album`, or the name of the imported file.
    """

    id: int
    title: str
    artist: str
    uri: str
    valence: float
    arousal: float
    source: str


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of the rows of a CSV file."""

    added: int
    updated: int
    rejected: tuple[Rejected, ...]


class Library:
    """The songs that can be recommended; `with Library(path) as library:`.

    A new library, or one without songs, is given the default album.

    Raises:
        LibraryError: on opening, if the file is damaged, is not a library, or can't be used. The file is left
            as it is.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.RLock()
        self._edits = 0
        self._connection: sqlite3.Connection | None = None

    def __enter__(self) -> Self:
        try:
            with self._explained():
                self._connection = sqlite3.connect(
                    self._path, timeout=BUSY_S, isolation_level=None, check_same_thread=False
                )
            with self._query() as database:
                self._check_and_migrate(database)
                _settle_album(database)
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    @property
    def version(self) -> tuple[int, int]:
        """A value that is another one whenever songs have changed, by us or by another process."""
        with self._query() as database:
            (foreign,) = database.execute("PRAGMA data_version").fetchone()
            return foreign, self._edits

    def songs(self) -> tuple[Song, ...]:
        """Return all songs in the order of their ids."""
        with self._query() as database:
            rows = database.execute("SELECT id, title, artist, uri, valence, arousal, source FROM songs ORDER BY id")
            return tuple(Song(*row) for row in rows)

    def import_csv(self, path: Path, scale: Scale = "-1..1") -> Imported:
        """Add the songs of a CSV file, or update those whose `uri` is known, all in one go.

        Args:
            path: UTF-8, with the columns title, artist, uri, valence and arousal in any order and case.
            scale: the range in which its valence and arousal are given.

        Returns:
            how many songs are new and changed, and the rows that could not be used, with reasons.

        Raises:
            LibraryError: the file can't be read, a column is missing, or the library can't be written.
        """
        entries, rejected = read_csv(path, scale)
        with self._query() as database, _transaction(database):
            before = _count(database)
            _insert(database, entries, source=path.name)
            added = _count(database) - before
            self._edits += 1
        return Imported(added, len({entry.uri for entry in entries}) - added, rejected)

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
        with self._query() as database:
            try:
                database.execute(
                    "INSERT INTO feedback (recommendation_id, song_id, kind, value, time) VALUES (?, ?, ?, ?, ?)",
                    (recommendation_id, song_id, kind, value, time.time()),
                )
            except sqlite3.IntegrityError as error:
                raise LibraryError(f"no song {song_id} in the library {self._path}") from error

    @contextmanager
    def _query(self) -> Iterator[sqlite3.Connection]:
        """Hold the connection alone."""
        with self._lock, self._explained():
            if self._connection is None:
                raise LibraryError(f"the library {self._path} is closed")
            yield self._connection

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Say in our words what SQLite finds wrong."""
        try:
            yield
        except sqlite3.OperationalError as error:
            raise LibraryError(f"can't use the library {self._path}: {error}") from error
        except sqlite3.DatabaseError as error:
            raise LibraryError(self._damaged(str(error))) from error

    def _damaged(self, reason: str) -> str:
        return (
            f"the library {self._path} is damaged or no library ({reason}): put a copy of it back, or move it away "
            "and a new one is made"
        )

    def _check_and_migrate(self, database: sqlite3.Connection) -> None:
        (state,) = database.execute("PRAGMA quick_check(1)").fetchone()
        if state != "ok":
            raise LibraryError(self._damaged(state))
        (application,) = database.execute("PRAGMA application_id").fetchone()
        (tables,) = database.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if tables and application != APPLICATION_ID:
            raise LibraryError(self._damaged("a database of another program"))
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA foreign_keys = ON")
        with _transaction(database):
            (version,) = database.execute("PRAGMA user_version").fetchone()
            if version > len(MIGRATIONS):
                raise LibraryError(f"the library {self._path} was written by a newer robotd: update this one")
            for step in MIGRATIONS[version:]:
                for statement in step.split(";"):
                    database.execute(statement)
            database.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            database.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")

    def _close(self) -> None:
        with self._lock:
            if self._connection is not None:
                self._connection.close()
            self._connection = None


@contextmanager
def _transaction(database: sqlite3.Connection) -> Iterator[None]:
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        database.execute("ROLLBACK")
        raise
    database.execute("COMMIT")


def _count(database: sqlite3.Connection) -> int:
    (count,) = database.execute("SELECT count(*) FROM songs").fetchone()
    return int(count)


def _insert(database: sqlite3.Connection, entries: Iterable[Entry], *, source: str) -> None:
    now = time.time()
    database.executemany(UPSERT, ((e.title, e.artist, e.uri, e.valence, e.arousal, source, now) for e in entries))


def _settle_album(database: sqlite3.Connection) -> None:
    """Put the album into an empty library; tell one that has it where the files are now."""
    pieces = album.pieces()
    with _transaction(database):
        if _count(database) == 0:
            entries = (Entry(p.title, album.ARTIST, p.uri, p.valence, p.arousal) for p in pieces)
            _insert(database, entries, source=ALBUM)
        database.executemany(
            "UPDATE OR IGNORE songs SET uri = ? WHERE source = ? AND title = ? AND uri != ?",
            ((piece.uri, ALBUM, piece.title, piece.uri) for piece in pieces),
        )
