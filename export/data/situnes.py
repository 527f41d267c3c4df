"""SiTunes: people who told their mood before and after songs, and how they liked them.

Grigorev, Li, Ma, Mao, Su, Liu & Ma, "SiTunes: a situational music recommendation dataset with physiological and
psychological signals", CHIIR 2024. Our layout: `music/annotations/situnes_interactions.csv.gz` and
`situnes_items.csv.gz`, with the columns of the published tables.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from robotd.music.table import FEATURES, song_features, song_table

from . import places

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from robotd.music.table import SongTable

INTERACTIONS = "situnes_interactions.csv.gz"
ITEMS = "situnes_items.csv.gz"


@dataclass(frozen=True, slots=True, eq=False)
class SiTunes:
    """Songs, and the listens of people: row i of each array is listen i; those of a person in the order of time.

    Attributes:
        table: the songs as a library of ours has them: valence and energy of Spotify as valence and arousal.
        popularity: [songs] 0..100.
        user: [n] who.
        stage: [n] 1: in a laboratory, songs given; 2, 3: in daily life, recommended.
        row: [n] the song, of `table`.
        rating: [n] 1..5.
        before: [n, 2] valence and arousal before the song, -1..1; NaN in stage 1.
        after: [n, 2] likewise after it.
    """

    table: SongTable
    popularity: NDArray[np.float64]
    user: NDArray[np.int64]
    stage: NDArray[np.int64]
    row: NDArray[np.int64]
    rating: NDArray[np.float64]
    before: NDArray[np.float64]
    after: NDArray[np.float64]


def read_situnes(data: Path) -> SiTunes:
    """Read all songs and listens.

    Raises:
        FileNotFoundError: they are not there.
    """
    tables = [places.named(data, f"music/annotations/{name}", name) for name in (INTERACTIONS, ITEMS)]
    if tables[0] is None or tables[1] is None:
        raise FileNotFoundError(f"SiTunes is not in {data}: {INTERACTIONS} and {ITEMS} are looked for")
    items = sorted(places.open_table(tables[1]), key=lambda item: int(item["item_id"]))
    listens = sorted(
        places.open_table(tables[0]), key=lambda row: (int(row["user_id"]), int(row["stage"]), int(row["inter_id"]))
    )
    songs = _table(items)
    numbers = songs.ids.tolist()
    return SiTunes(
        songs,
        np.array([float(item["popularity"]) for item in items]),
        np.array([int(row["user_id"]) for row in listens]),
        np.array([int(row["stage"]) for row in listens]),
        np.array([numbers.index(int(row["item_id"])) for row in listens]),
        np.array([float(row["rating"]) for row in listens]),
        _moods(listens, "pre"),
        _moods(listens, "post"),
    )


def _moods(listens: list[dict[str, str]], when: str) -> NDArray[np.float64]:
    axes = (f"emo_{when}_valence", f"emo_{when}_arousal")
    return np.array([[float(row[axis] or "nan") for axis in axes] for row in listens])


def _table(items: list[dict[str, str]]) -> SongTable:
    genres = tuple(sorted({item["general_genre"] for item in items}))
    points = np.array([[2 * float(item["valence"]) - 1, 2 * float(item["energy"]) - 1] for item in items], np.float32)
    known = np.full((len(items), len(FEATURES) - 3), np.nan, np.float32)
    known[:, 0] = [float(item["tempo"]) for item in items]
    artists = sorted({item["artist"] for item in items})
    return song_table(
        [int(item["item_id"]) for item in items],
        points,
        artist=[artists.index(item["artist"]) for item in items],
        genre=[genres.index(item["general_genre"]) for item in items],
        genres=genres,
        features=song_features(points, known),
    )
