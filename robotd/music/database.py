"""An SQLite file of ours: opened with care, brought to the newest form, shared by threads."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, ClassVar

from robotd.errors import LibraryError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import TracebackType

    from typing_extensions import Self

BUSY_S = 5.0


class Database:
    """An SQLite file with a schema that grows; `with Subclass(path) as it:`.

    Concurrency: one connection behind a lock, so any thread may call any method and at most one works at a time; from
    the event loop go through `asyncio.to_thread`. Other processes may read and write the same file meanwhile
    (write-ahead log); `version` tells when they did.

    Attributes:
        NOUN: what the file is called in messages.
        APPLICATION_ID: marks the file as ours (PRAGMA application_id).
        MIGRATIONS: step i brings a file from schema version i to i + 1 (PRAGMA user_version). Steps are only ever
            added. Their statements end with a semicolon, which stands nowhere else.

    Args:
        path: the file; None: in memory, forgotten in the end.

    Raises:
        LibraryError: on opening, if the file is damaged, is none of these, or can't be used. It is left as it is.
    """

    NOUN: ClassVar[str]
    APPLICATION_ID: ClassVar[int]
    MIGRATIONS: ClassVar[tuple[str, ...]]

    def __init__(self, path: Path | None) -> None:
        self._where = path
        self._lock = threading.RLock()
        self._edits = 0
        self._connection: sqlite3.Connection | None = None

    def __enter__(self) -> Self:
        try:
            with self._explained():
                self._connection = sqlite3.connect(
                    ":memory:" if self._where is None else self._where,
                    timeout=BUSY_S,
                    isolation_level=None,
                    check_same_thread=False,
                )
            with self.reading() as database:
                self._check(database)
                database.execute("PRAGMA journal_mode = WAL")
                database.execute("PRAGMA foreign_keys = ON")
                with _transaction(database):
                    self._settle(database, self._migrate(database))
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
        """A value that is another one whenever something was written by `writing` or by another process."""
        with self.reading() as database:
            (foreign,) = database.execute("PRAGMA data_version").fetchone()
            return foreign, self._edits

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Hold the connection alone; what SQLite finds wrong is raised as `LibraryError`."""
        with self._lock, self._explained():
            if self._connection is None:
                raise LibraryError(f"the {self._named} is closed")
            yield self._connection

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Hold the connection in a transaction: all of it is kept, or nothing. Transactions don't nest."""
        with self.reading() as database:
            with _transaction(database):
                yield database
            self._edits += 1

    def _settle(self, database: sqlite3.Connection, version: int) -> None:
        """Do what else is to be done on opening, in the same transaction; the file had `version` before, 0 for none."""

    @property
    def _named(self) -> str:
        return f"{self.NOUN} {self._where}" if self._where else self.NOUN

    def _check(self, database: sqlite3.Connection) -> None:
        (state,) = database.execute("PRAGMA quick_check(1)").fetchone()
        if state != "ok":
            raise LibraryError(self._damaged(state))
        (application,) = database.execute("PRAGMA application_id").fetchone()
        (tables,) = database.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if tables and application != self.APPLICATION_ID:
            raise LibraryError(self._damaged("a database of another program"))

    def _migrate(self, database: sqlite3.Connection) -> int:
        (version,) = database.execute("PRAGMA user_version").fetchone()
        if version > len(self.MIGRATIONS):
            raise LibraryError(f"the {self._named} was written by a newer robotd: update this one")
        for step in self.MIGRATIONS[version:]:
            for statement in step.split(";"):
                database.execute(statement)
        if version < len(self.MIGRATIONS):
            database.execute(f"PRAGMA application_id = {self.APPLICATION_ID}")
            database.execute(f"PRAGMA user_version = {len(self.MIGRATIONS)}")
        return int(version)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Say in our words what SQLite finds wrong."""
        try:
            yield
        except sqlite3.OperationalError as error:
            raise LibraryError(f"can't use the {self._named}: {error}") from error
        except sqlite3.DatabaseError as error:
            raise LibraryError(self._damaged(str(error))) from error

    def _damaged(self, reason: str) -> str:
        return (
            f"the {self._named} is damaged or no {self.NOUN} ({reason}): put a copy of it back, or move it away "
            "and a new one is made"
        )

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
        # SQLite itself rolls back when, for instance, the disk is full.
        if database.in_transaction:
            database.execute("ROLLBACK")
        raise
    database.execute("COMMIT")
