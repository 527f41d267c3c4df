from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, ClassVar

import pytest

from robotd.errors import LibraryError
from robotd.music.database import Database
from robotd.music.library import Library

if TYPE_CHECKING:
    from pathlib import Path


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
