"""An SQLite file of ours: opened with care, brought to the newest form, shared by threads."""

from __future__ import annotations

import os
import sqlite3
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from robotd.errors import LibraryError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

    from typing_extensions import Self

BUSY_S = 5.0
#: What to do about what SQLite says.
_REMEDIES = {
    "locked": "it is being written by another robotd: try again when that is done",
    "full": "make room on its disk, then try again",
    "readonly": "you may only read it: see to whom it and its folder belong",
}


class Database:
    """An SQLite file with a schema that grows; `with Subclass(path) as it:`.

    Concurrency: one connection behind a lock, so any thread may call any method and at most one works at a time; from
    the event loop go through `asyncio.to_thread`. Other processes may read and write the same file meanwhile
    (write-ahead log); `version` tells when they did. Opening one that is up to date writes nothing, so it waits for no
    writer, and a file that may only be read can be.

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
                self._connection = self._connected()
            with self.reading() as database:
                self._check(database)
                database.execute("PRAGMA foreign_keys = ON")
                if not self._settled(database):
                    database.execute("PRAGMA journal_mode = WAL")
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

    def _settled(self, database: sqlite3.Connection) -> bool:
        """Return whether nothing is to be done on opening."""
        (version,) = database.execute("PRAGMA user_version").fetchone()
        return bool(version == len(self.MIGRATIONS))

    def _settle(self, database: sqlite3.Connection, version: int) -> None:
        """Do what else is to be done on opening, in the same transaction; the file had `version` before, 0 for none."""

    @property
    def _named(self) -> str:
        return f"{self.NOUN} {self._where}" if self._where else self.NOUN

    def _connected(self) -> sqlite3.Connection:
        path = ":memory:" if self._where is None else str(self._where)
        # SQLite makes files beside a database even to read it; where it can't, there must be no need of them.
        lone = self._where is not None and _lies_alone(self._where)
        if lone:
            path = f"{Path(path).absolute().as_uri()}?immutable=1"
        return sqlite3.connect(path, timeout=BUSY_S, isolation_level=None, check_same_thread=False, uri=lone)

    def _check(self, database: sqlite3.Connection) -> None:
        (state,) = database.execute("PRAGMA quick_check(1)").fetchone()
        if state != "ok":
            raise LibraryError(self._damaged(state))
        (application,) = database.execute("PRAGMA application_id").fetchone()
        (tables,) = database.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if tables and application != self.APPLICATION_ID:
            raise LibraryError(self._damaged("a database of another program"))
        (version,) = database.execute("PRAGMA user_version").fetchone()
        if version > len(self.MIGRATIONS):
            raise LibraryError(f"the {self._named} was written by a newer robotd: update this one")

    def _migrate(self, database: sqlite3.Connection) -> int:
        (version,) = database.execute("PRAGMA user_version").fetchone()
        for step in self.MIGRATIONS[version:]:
            for statement in _statements(step):
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
            remedy = next((f" ({words})" for sign, words in _REMEDIES.items() if sign in str(error)), "")
            raise LibraryError(f"can't use the {self._named}: {error}{remedy}") from error
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


def _statements(script: str) -> Iterator[str]:
    """Give the statements of a script; those of a trigger belong to it."""
    statement = ""
    for part in script.split(";"):
        statement += part + ";"
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def _lies_alone(path: Path) -> bool:
    """Return whether there is a file, nothing can be made beside it, and nobody is writing to it."""
    closed = path.exists() and not os.access(path.parent, os.W_OK, effective_ids=True)
    return closed and not path.with_name(f"{path.name}-wal").exists()


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
