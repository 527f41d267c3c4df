"""Full-text search on title and artist, by SQLite's FTS5 where it has that, else word by word."""

from __future__ import annotations

import sqlite3
import unicodedata

# The index keeps no text of its own: it reads the songs, and triggers tell it of changes
# (https://www.sqlite.org/fts5.html, section 4.4.3).
_INDEX = (
    """CREATE VIRTUAL TABLE songs_text USING fts5(
        title, artist, content = 'songs', content_rowid = 'id', tokenize = 'unicode61 remove_diacritics 2')""",
    """CREATE TRIGGER songs_text_insert AFTER INSERT ON songs BEGIN
        INSERT INTO songs_text (rowid, title, artist) VALUES (new.id, new.title, new.artist);
    END""",
    """CREATE TRIGGER songs_text_delete AFTER DELETE ON songs BEGIN
        INSERT INTO songs_text (songs_text, rowid, title, artist) VALUES ('delete', old.id, old.title, old.artist);
    END""",
    """CREATE TRIGGER songs_text_update AFTER UPDATE OF title, artist ON songs BEGIN
        INSERT INTO songs_text (songs_text, rowid, title, artist) VALUES ('delete', old.id, old.title, old.artist);
        INSERT INTO songs_text (rowid, title, artist) VALUES (new.id, new.title, new.artist);
    END""",
    "INSERT INTO songs_text (songs_text) VALUES ('rebuild')",
)


def has_fts5(database: sqlite3.Connection) -> bool:
    """Return whether this SQLite was built with FTS5."""
    return database.execute("SELECT 1 FROM pragma_module_list WHERE name = 'fts5'").fetchone() is not None


def has_index(database: sqlite3.Connection) -> bool:
    """Return whether there is an index.

    Raises:
        sqlite3.OperationalError: there is one, which this SQLite, without FTS5, can't keep.
    """
    there = database.execute("SELECT 1 FROM sqlite_master WHERE name = 'songs_text'").fetchone() is not None
    if there and not has_fts5(database):
        raise sqlite3.OperationalError(
            "its search index needs an SQLite with FTS5, which this Python's is not: use another Python, or "
            "export the songs with one and import them here"
        )
    return there


def wants_index(database: sqlite3.Connection) -> bool:
    """Return whether there is no index, though there could be one."""
    return has_fts5(database) and not has_index(database)


def make_index(database: sqlite3.Connection) -> None:
    """Make the index, within the transaction of the caller."""
    for statement in _INDEX:
        database.execute(statement)


def condition(text: str, *, indexed: bool) -> tuple[str, list[str]]:
    """Return what SQL may say WHERE to find the songs whose title or artist have words that begin as those of a text.

    Without the index they may also stand inside of a word, and accents matter. So it is for a text of signs alone (an
    emoji, an ampersand), as signs are not in the index.
    """
    words = text.split()
    if not words:
        return "1", []
    if indexed and any(map(_is_indexed, text)):
        query = " ".join('"' + word.replace('"', '""') + '"*' for word in words)
        return "id IN (SELECT rowid FROM songs_text WHERE songs_text MATCH ?)", [query]
    escaped = ["%" + word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%" for word in words]
    return " AND ".join(["(title || ' ' || artist) LIKE ? ESCAPE '\\'"] * len(words)), escaped


def _is_indexed(letter: str) -> bool:
    """Return whether FTS5's unicode61 takes this for a part of a word."""
    return unicodedata.category(letter) == "Co" or unicodedata.category(letter)[0] in "LN"
