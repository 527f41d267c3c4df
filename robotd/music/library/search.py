"""Full-text search on title and artist, by SQLite's FTS5 where it has that, else word by word."""

from __future__ import annotations

import logging
import sqlite3

log = logging.getLogger(__name__)

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


def ensure_index(database: sqlite3.Connection) -> bool:
    """Make the index if there is none, within the transaction of the caller; return whether there is one now.

    Raises:
        sqlite3.OperationalError: the library has an index that this SQLite, without FTS5, can't keep.
    """
    there = database.execute("SELECT 1 FROM sqlite_master WHERE name = 'songs_text'").fetchone() is not None
    if not has_fts5(database):
        if there:
            raise sqlite3.OperationalError(
                "its search index needs an SQLite with FTS5, which this Python's is not: use another Python, or "
                "export the songs with one and import them here"
            )
        log.info("this SQLite has no FTS5: songs are searched one by one")
        return False
    if not there:
        for statement in _INDEX:
            database.execute(statement)
    return True


def condition(text: str, *, indexed: bool) -> tuple[str, list[str]]:
    """Return what SQL may say WHERE to find the songs whose title or artist have words that begin as those of a text.

    Without the index they may also stand inside of a word, and accents matter.
    """
    words = text.split()
    if not words:
        return "1", []
    if indexed:
        query = " ".join('"' + word.replace('"', '""') + '"*' for word in words)
        return "id IN (SELECT rowid FROM songs_text WHERE songs_text MATCH ?)", [query]
    escaped = ["%" + word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%" for word in words]
    return " AND ".join(["(title || ' ' || artist) LIKE ? ESCAPE '\\'"] * len(words)), escaped
