"""Songs as rows of the tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from robotd.music.song import Song

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from robotd.music.song import Entry, Facts

#: The columns of `songs` that hold facts.
TEXTS = ("title", "artist", "uri", "album", "genre", "language", "key")
NUMBERS = ("valence", "arousal", "year", "explicit", "duration_s", "tempo_bpm")
ARRAYS = ("moods", "mid_level", "gems", "lyrics_emotions")
FACTS = (*TEXTS, *NUMBERS, *ARRAYS)
#: As `song_of` wants them.
SELECTED = ", ".join(("id", "source", "missing", *FACTS))

_HUNDREDTHS = 100.0
#: So many songs' keywords are fetched at once: SQLite's least limit of variables is 999.
_BATCH = 500

_COLUMNS = (*FACTS, "curve", "source", "added_at")
_NEXT_ID = "(SELECT 1 + max(last, coalesce((SELECT max(id) FROM songs), 0)) FROM song_numbers)"
_INSERT = (
    f"INSERT INTO songs (id, {', '.join(_COLUMNS)}) "  # noqa: S608 - our own names
    f"VALUES ({_NEXT_ID}, {', '.join('?' * len(_COLUMNS))})"
)
_ANEW = ", ".join(f"{name} = excluded.{name}" for name in (*FACTS, "curve", "source"))
_AS_KNOWN = ", ".join(f"{name} = coalesce(nullif(excluded.{name}, ''), {name})" for name in (*FACTS, "curve"))
#: A song that is there already keeps its id, and with it what is thought of it.
REPLACE = f"{_INSERT} ON CONFLICT (uri) DO UPDATE SET {_ANEW}, missing = 0"
#: As REPLACE, but what is not known keeps what was: a catalogue knows less than the sound tells. So does the source.
AMEND = f"{_INSERT} ON CONFLICT (uri) DO UPDATE SET {_AS_KNOWN}"


def row_of(entry: Entry, source: str, time_s: float) -> tuple[Any, ...]:
    """Return the values for REPLACE or AMEND."""
    texts = [getattr(entry, name) for name in TEXTS]
    numbers = [getattr(entry, name) for name in NUMBERS]
    arrays = [_packed(getattr(entry, name)) for name in ARRAYS]
    return (*texts, *numbers, *arrays, _packed_curve(entry.curve), source, time_s)


def song_of(row: Sequence[Any], keywords: tuple[tuple[str, float], ...] = ()) -> Song:
    """Return the song of a row of the columns SELECTED."""
    song_id, source, missing, *facts = row
    values = dict(zip(FACTS, facts, strict=True))
    values |= {name: _unpacked(values[name]) for name in ARRAYS}
    if values["explicit"] is not None:
        values["explicit"] = bool(values["explicit"])
    return Song(id=song_id, source=source, missing=bool(missing), keywords=keywords, **values)


def put_keywords(database: sqlite3.Connection, entries: Iterable[Facts], *, amend: bool) -> None:
    """Store the keywords of songs that are there; those of before go, but to amend only where there are new ones."""
    entries = [entry for entry in entries if entry.keywords or not amend]
    dropped = database.executemany(
        "DELETE FROM keywords WHERE song_id = (SELECT id FROM songs WHERE uri = ?)", ((e.uri,) for e in entries)
    ).rowcount
    database.executemany(
        "INSERT OR IGNORE INTO words (word) VALUES (?)", ((w,) for e in entries for w, _ in e.keywords)
    )
    database.executemany(
        "INSERT OR REPLACE INTO keywords SELECT songs.id, words.id, ? FROM songs, words WHERE uri = ? AND word = ?",
        ((weight, e.uri, word) for e in entries for word, weight in e.keywords),
    )
    if dropped > 0:
        tidy_words(database)


def tidy_words(database: sqlite3.Connection) -> None:
    """Forget the words that no song has any more."""
    database.execute("DELETE FROM words WHERE NOT EXISTS (SELECT 1 FROM keywords WHERE word_id = words.id)")


def keywords_of(database: sqlite3.Connection, ids: Sequence[int]) -> dict[int, tuple[tuple[str, float], ...]]:
    """Return the keywords of songs, weightiest first."""
    found: dict[int, list[tuple[str, float]]] = {}
    for start in range(0, len(ids), _BATCH):
        some = ids[start : start + _BATCH]
        rows = database.execute(
            "SELECT song_id, word, weight FROM keywords JOIN words ON words.id = word_id "  # noqa: S608 - question marks
            f"WHERE song_id IN ({', '.join('?' * len(some))}) ORDER BY weight DESC, word",
            list(some),
        )
        for song_id, word, weight in rows:
            found.setdefault(song_id, []).append((word, weight))
    return {song_id: tuple(words) for song_id, words in found.items()}


def unpacked_curve(blob: bytes | None) -> NDArray[np.float32] | None:
    """Return the curve, [seconds, 2] float32, -1..1."""
    return None if blob is None else np.frombuffer(blob, np.int8).reshape(-1, 2) / np.float32(_HUNDREDTHS)


def _packed_curve(curve: NDArray[np.float32] | None) -> bytes | None:
    return None if curve is None else np.round(curve * _HUNDREDTHS).astype(np.int8).tobytes()


def _packed(values: Sequence[float] | None) -> bytes | None:
    return None if values is None else np.asarray(values, "<f4").tobytes()


def _unpacked(blob: bytes | None) -> tuple[float, ...] | None:
    return None if blob is None else tuple(np.frombuffer(blob, "<f4").tolist())
