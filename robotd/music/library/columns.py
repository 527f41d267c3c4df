"""The library as a `SongTable`: a pass over the rows, in pieces, so that a million songs need no million objects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from robotd.emotion import EMOTIONS
from robotd.music.table import GEMS, MID_LEVEL, MOODS, UNKNOWN, UNKNOWN_YEAR, song_features, song_table

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from robotd.music.table import SongTable

_PIECE = 20_000
_SELECT = """
    SELECT id, valence, arousal, artist, genre, year, language, explicit, tempo_bpm, moods, mid_level, gems,
        lyrics_emotions
    FROM songs WHERE NOT missing ORDER BY id
"""
_KEYWORDS = """
    SELECT song_id, word_id, weight FROM keywords
    WHERE song_id IN (SELECT id FROM songs WHERE NOT missing) ORDER BY song_id, weight DESC, word_id
"""


def read_table(database: sqlite3.Connection) -> SongTable:
    """Return the songs that are there as columns."""
    artists, genres, languages = _Codes(), _Codes(), _Codes()
    pieces = [_piece(rows, artists, genres, languages) for rows in _pieces(database, _SELECT)]
    empty = _piece([], artists, genres, languages)
    columns = {name: np.concatenate([piece[name] for piece in pieces or [empty]]) for name in empty}
    ids = columns.pop("ids")
    return song_table(
        ids,
        columns.pop("points"),
        genres=tuple(genres.names),
        languages=tuple(languages.names),
        **columns,
        **_keyword_columns(database, ids),
    )


class _Codes:
    """Numbers for names; capitals make no difference, and no name is -1."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self._numbers = {"": UNKNOWN}

    def __call__(self, name: str) -> int:
        folded = name.casefold().strip()
        if folded not in self._numbers:
            self._numbers[folded] = len(self.names)
            self.names.append(name)
        return self._numbers[folded]


def _pieces(database: sqlite3.Connection, select: str) -> Iterator[list[tuple[Any, ...]]]:
    cursor = database.execute(select)
    while rows := cursor.fetchmany(_PIECE):
        yield rows


def _piece(rows: list[tuple[Any, ...]], artists: _Codes, genres: _Codes, languages: _Codes) -> dict[str, NDArray[Any]]:
    columns: list[Sequence[Any]] = list(zip(*rows, strict=True)) or [()] * 13
    ids, valence, arousal, artist, genre, year, language, explicit, tempo, moods, mid_level, gems, lyrics = columns
    points = np.array([valence, arousal], np.float32).T
    known = np.concatenate(
        [
            np.array([np.nan if one is None else one for one in tempo], np.float32)[:, None],
            _rows_of(moods, len(MOODS)),
            _rows_of(mid_level, len(MID_LEVEL)),
            _rows_of(gems, len(GEMS)),
        ],
        axis=1,
    )
    return {
        "ids": np.array(ids, np.int64),
        "points": points,
        "lyrics": _rows_of(lyrics, len(EMOTIONS)),
        "artist": np.array([artists(name) for name in artist], np.int32),
        "genre": np.array([genres(name) for name in genre], np.int32),
        "year": np.array([UNKNOWN_YEAR if one is None else one for one in year], np.int16),
        "language": np.array([languages(name) for name in language], np.int16),
        "explicit": np.array([UNKNOWN if one is None else one for one in explicit], np.int8),
        "features": song_features(points, known),
    }


def _rows_of(blobs: Sequence[bytes | None], width: int) -> NDArray[np.float32]:
    """Return blobs of float32 as rows, NaN where there is none."""
    unknown = np.full(width, np.nan, "<f4").tobytes()
    return np.frombuffer(b"".join(unknown if blob is None else blob for blob in blobs), "<f4").reshape(-1, width)


def _keyword_columns(database: sqlite3.Connection, ids: NDArray[np.int64]) -> dict[str, Any]:
    words = database.execute("SELECT id, word FROM words ORDER BY id").fetchall()
    known = np.array([number for number, _ in words], np.int64)
    pieces = [
        (np.array(songs, np.int64), np.array(numbers, np.int64), np.array(weights, np.float32))
        for songs, numbers, weights in (zip(*rows, strict=True) for rows in _pieces(database, _KEYWORDS))
    ]
    empty = (np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float32))
    songs, numbers, weights = (np.concatenate(parts) for parts in zip(*(pieces or [empty]), strict=True))
    return {
        "words": tuple(word for _, word in words),
        "keyword_offsets": np.append(np.searchsorted(songs, ids), len(songs)),
        "keyword_ids": np.searchsorted(known, numbers),
        "keyword_weights": weights,
    }
