"""The whole library as columns of numbers, for whatever looks at every song at once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from robotd.emotion import EMOTIONS

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: What the song models tell: film-music ratings (1..9), mid-level features (1..9), GEMS shares (0..1).
MOODS = ("valence", "energy", "tension", "anger", "fear", "happy", "sad", "tender")
MID_LEVEL = (
    *("articulation", "brightness", "density", "harmonic_complexity"),
    *("key_clarity", "mode", "repetitiveness"),
)
GEMS = (
    *("amazement", "solemnity", "tenderness", "nostalgia", "calmness"),
    *("power", "joyful_activation", "tension", "sadness"),
)

#: Columns of `SongTable.features`; the last says whether a song's sound has been analysed (1) or not (0).
FEATURES: tuple[str, ...] = (
    *("valence", "arousal", "tempo"),
    *(f"mood_{name}" for name in MOODS),
    *(f"mid_{name}" for name in MID_LEVEL),
    *(f"gems_{name}" for name in GEMS),
    "analysed",
)
UNKNOWN = -1
UNKNOWN_YEAR = 0

# (value - middle) / spread, fixed figures instead of this library's own, so that what was learnt of a listener still
# holds after an import. Round means and deviations of the shipped models' outputs on film music and pop.
_MIDDLE = np.array([0.0, 0.0, 0.0, *[4.5] * len(MOODS), *[5.0] * len(MID_LEVEL), *[0.25] * len(GEMS)], np.float32)
_SPREAD = np.array([0.4, 0.4, 0.4, *[1.5] * len(MOODS), *[1.0] * len(MID_LEVEL), *[0.15] * len(GEMS)], np.float32)
#: Tempo is told in octaves above this.
MIDDLE_TEMPO_BPM = 110.0


@dataclass(frozen=True, slots=True, eq=False)
class SongTable:
    """Row i of every column is song i; rows lie by rising id. Build one with `song_table`.

    Attributes:
        ids: [n] int64, rising.
        points: [n, 2] float32, valence and arousal, -1..1; always known.
        lyrics: [n, 8] float32, shares of the emotions in the order of `EMOTIONS`; a row of NaN where unknown.
        artist: [n] int32, same number for the same artist; -1 unknown.
        genre: [n] int32 into `genres`; -1 unknown.
        year: [n] int16; 0 unknown.
        language: [n] int16 into `languages`; -1 unknown.
        explicit: [n] int8: 1 explicit, 0 not, -1 unknown.
        features: [n, len(FEATURES)] float32, each about 0 with a deviation of about 1; 0 where unknown.
        genres: names.
        languages: ISO 639 codes.
        words: all keywords of the library.
        keyword_offsets: [n + 1] int64: song i has the entries from offsets[i] to offsets[i + 1] of the next two.
        keyword_ids: [m] int32 into `words`.
        keyword_weights: [m] float32, significance 0..1.
    """

    ids: NDArray[np.int64]
    points: NDArray[np.float32]
    lyrics: NDArray[np.float32]
    artist: NDArray[np.int32]
    genre: NDArray[np.int32]
    year: NDArray[np.int16]
    language: NDArray[np.int16]
    explicit: NDArray[np.int8]
    features: NDArray[np.float32]
    keyword_offsets: NDArray[np.int64]
    keyword_ids: NDArray[np.int32]
    keyword_weights: NDArray[np.float32]
    genres: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    words: tuple[str, ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        n = len(self.ids)
        if np.any(np.diff(self.ids) <= 0):
            raise ValueError("ids must rise")
        shapes: dict[str, tuple[int, ...]] = {"points": (n, 2)}
        shapes |= {"lyrics": (n, len(EMOTIONS)), "features": (n, len(FEATURES))}
        shapes |= dict.fromkeys(("artist", "genre", "year", "language", "explicit"), (n,))
        shapes |= {"keyword_offsets": (n + 1,), "keyword_weights": self.keyword_ids.shape}
        for name, shape in shapes.items():
            if getattr(self, name).shape != shape:
                raise ValueError(f"{name} is {list(getattr(self, name).shape)}, not {list(shape)}")
        if self.keyword_offsets[0] != 0 or self.keyword_offsets[-1] != len(self.keyword_ids):
            raise ValueError("keyword_offsets must lead from 0 to the end of keyword_ids")

    def __len__(self) -> int:
        return len(self.ids)

    def row(self, song_id: int) -> int | None:
        """Return the row of a song, None if it is not in the table."""
        row = int(np.searchsorted(self.ids, song_id))
        return row if row < len(self) and self.ids[row] == song_id else None

    def keywords(self, row: int) -> tuple[tuple[str, float], ...]:
        """Return the keywords of a row with their weights."""
        there = slice(int(self.keyword_offsets[row]), int(self.keyword_offsets[row + 1]))
        ids, weights = self.keyword_ids[there].tolist(), self.keyword_weights[there].tolist()
        return tuple((self.words[word], weight) for word, weight in zip(ids, weights, strict=True))


def song_table(ids: Any, points: Any, **columns: Any) -> SongTable:
    """Build a table of arrays (or lists); columns that are not given are unknown for every song.

    Args:
        ids: [n] rising.
        points: [n, 2].
        columns: others of `SongTable` by name. Without `features` they are those that `points` tell.

    Raises:
        ValueError: shapes don't fit, or ids don't rise.
    """
    n = len(ids)
    points = np.asarray(points, np.float32).reshape(n, 2)
    given: dict[str, Any] = {
        "lyrics": np.broadcast_to(np.float32("nan"), (n, len(EMOTIONS))),
        "artist": np.broadcast_to(np.int32(UNKNOWN), n),
        "genre": np.broadcast_to(np.int32(UNKNOWN), n),
        "year": np.broadcast_to(np.int16(UNKNOWN_YEAR), n),
        "language": np.broadcast_to(np.int16(UNKNOWN), n),
        "explicit": np.broadcast_to(np.int8(UNKNOWN), n),
        "keyword_offsets": np.broadcast_to(np.int64(0), n + 1),
        "keyword_ids": np.empty(0),
        "keyword_weights": np.empty(0),
    } | columns
    types: dict[str, Any] = {
        "lyrics": np.float32,
        "artist": np.int32,
        "genre": np.int32,
        "year": np.int16,
        "language": np.int16,
        "explicit": np.int8,
        "features": np.float32,
        "keyword_offsets": np.int64,
        "keyword_ids": np.int32,
        "keyword_weights": np.float32,
    }
    if "features" not in given:
        given["features"] = song_features(points, np.broadcast_to(np.float32("nan"), (n, len(FEATURES) - 3)))
    arrays: dict[str, Any] = {name: np.asarray(given.pop(name), dtype) for name, dtype in types.items()}
    return SongTable(np.asarray(ids, np.int64), points, **arrays, **given)


def song_features(points: NDArray[np.float32], known: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the columns `FEATURES` of songs, [n, len(FEATURES)] float32.

    Args:
        points: [n, 2] valence and arousal.
        known: [n, 1 + 8 + 7 + 9] tempo in beats a minute, moods, mid-level features and GEMS shares; NaN where unknown.
    """
    tempo = np.log2(np.maximum(known[:, :1], 1.0) / MIDDLE_TEMPO_BPM)
    analysed = np.isfinite(known[:, 1:2])
    raw = np.concatenate([points, tempo, known[:, 1:]], axis=1)
    features = np.concatenate([(raw - _MIDDLE) / _SPREAD, analysed], axis=1).astype(np.float32)
    return np.nan_to_num(features, copy=False, nan=0.0)
