from __future__ import annotations

import os
import sqlite3
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import pytest

from robotd.errors import LibraryError
from robotd.music import database as database_module
from robotd.music.database import Database
from robotd.music.library import Library

if TYPE_CHECKING:
    from collections.abc import Iterator

NOBODY = 65534


class Notes(Database):
    """The smallest database there is."""

    NOUN = "notebook"
    APPLICATION_ID = 42
    MIGRATIONS: ClassVar[tuple[str, ...]] = ("CREATE TABLE notes (text TEXT NOT NULL);",)


class NewerNotes(Notes):
    """The same, a year later."""

    MIGRATIONS: ClassVar[tuple[str, ...]] = (
        *Notes.MIGRATIONS,
        "ALTER TABLE notes ADD COLUMN time REAL; CREATE INDEX by_time ON notes (time);",
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "library.db"


def write(notes: Database, text: str | None) -> None:
    with notes.writing() as database:
        database.execute("INSERT INTO notes (text) VALUES (?)", (text,))


def texts(notes: Database) -> list[str]:
    with notes.reading() as database:
        return [text for (text,) in database.execute("SELECT text FROM notes")]


def test_what_is_written_is_there_when_the_file_is_opened_again(path: Path) -> None:
    with Notes(path) as notes:
        write(notes, "hello")
    with NewerNotes(path) as notes:
        assert texts(notes) == ["hello"]
    with pytest.raises(LibraryError, match=r"notebook .* was written by a newer robotd"), Notes(path):
        pass


def test_a_transaction_is_kept_whole_or_not_at_all(path: Path) -> None:
    def write_and_fail(notes: Database) -> None:
        with notes.writing() as database:
            database.execute("INSERT INTO notes (text) VALUES ('lost')")
            raise ZeroDivisionError

    with Notes(path) as notes:
        before = notes.version
        with pytest.raises(ZeroDivisionError):
            write_and_fail(notes)
        assert notes.version == before
        write(notes, "kept")
        assert texts(notes) == ["kept"]
        with pytest.raises(LibraryError, match="NOT NULL"):
            write(notes, None)


def test_one_that_is_up_to_date_is_opened_while_another_writes(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database_module, "BUSY_S", 0.01)
    with Library(path):
        pass
    with Library(path) as ours, ours.writing(), Library(path) as theirs:
        assert len(theirs.songs()) == 12
        with pytest.raises(LibraryError, match=r"is being written by another robotd: try again when that is done"):
            theirs.remove(1)


def test_a_full_disk_is_told_with_its_remedy(path: Path) -> None:
    with Notes(path) as notes:
        with notes.reading() as database:
            (pages,) = database.execute("PRAGMA page_count").fetchone()
            database.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(LibraryError, match="make room on its disk"):
            write(notes, "a long story" * 1000)
        write(notes, "short")
        assert texts(notes) == ["short"]


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Make a folder one that we may look into, but no more."""
    us = os.geteuid()
    folder.chmod(0o555)
    if us == 0:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(us)
        folder.chmod(0o755)


def test_what_may_only_be_read_can_be_read() -> None:
    with tempfile.TemporaryDirectory() as folder:  # unlike tmp_path, others may look into it
        path = Path(folder) / "100% mine?.db"
        with Notes(path) as notes:
            write(notes, "hello")
        with read_only(path.parent), Notes(path) as notes:
            assert texts(notes) == ["hello"]
            with pytest.raises(LibraryError, match="you may only read it"):
                write(notes, "there")
        with Notes(path) as notes:
            write(notes, "there")
            with read_only(path.parent), Notes(path) as also:
                assert texts(also) == ["hello", "there"]


def test_one_in_memory_is_forgotten() -> None:
    for _ in range(2):
        with Notes(None) as notes:
            assert texts(notes) == []
            write(notes, "hello")
    with pytest.raises(LibraryError, match="the notebook is closed"):
        texts(notes)


@pytest.mark.parametrize("content", [b"this is a diary, not a database\n" * 100, b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_damaged_file_is_named_and_left_alone(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(LibraryError, match=r"library\.db is damaged or no library.*move it away"), Library(path):
        pass
    assert path.read_bytes() == content


def test_a_library_with_a_damaged_page_is_noticed(path: Path) -> None:
    with Library(path) as library:
        assert library.songs()
    content = bytearray(path.read_bytes())
    content[4096 : 4096 + 2000] = b"\xa5" * 2000
    path.write_bytes(content)
    with pytest.raises(LibraryError, match="damaged"), Library(path):
        pass
    assert path.read_bytes() == content


def test_another_program_s_database_is_left_alone(path: Path) -> None:
    database = sqlite3.connect(path)
    database.execute("CREATE TABLE recipes (name TEXT)")
    database.commit()
    database.close()
    content = path.read_bytes()
    with pytest.raises(LibraryError, match="another program"), Library(path):
        pass
    assert path.read_bytes() == content


def test_a_place_that_can_t_be_written_is_told(tmp_path: Path) -> None:
    with (
        pytest.raises(LibraryError, match=r"can't use the library .*unable to open"),
        Library(tmp_path / "no" / "such" / "folder.db"),
    ):
        pass
