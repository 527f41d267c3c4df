"""A made-up library of any size, to measure how long choosing takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from robotd.config import Recommend
from robotd.config import Taste as TasteConfig
from robotd.emotion import EMOTIONS
from robotd.music.journey import Point, plan
from robotd.music.relevance import Relevance
from robotd.music.selection import Moment, Selector
from robotd.music.table import FEATURES, song_table
from robotd.music.taste import Taste, context_features, joint_features

if TYPE_CHECKING:
    from collections.abc import Callable

    from robotd.config import Target
    from robotd.music.keyword_index import Words
    from robotd.music.table import SongTable

#: Of so many words each song has so many; few words are frequent, as in lyrics.
WORDS, KEYWORDS = 5000, 8
#: Such a share of the songs has lyrics.
SUNG = 0.6
GENRES = tuple(f"genre {number}" for number in range(20))
MOOD = Point(-0.6, -0.4)
OPINIONS = 200


def made_up_table(songs: int, seed: int = 0) -> SongTable:
    """Return songs of which everything but the sound's features is known; 100 MB for a million."""
    random = np.random.default_rng(seed)
    sung = random.random(songs) < SUNG
    lyrics = random.dirichlet(np.full(len(EMOTIONS), 0.5), songs).astype(np.float32)
    lyrics[~sung] = np.nan
    places = np.sort(random.random((int(sung.sum()), KEYWORDS), np.float32), axis=1) ** 3
    # Steps of at least one between the sorted places: a song has a word once.
    words = (places * (WORDS - KEYWORDS)).astype(np.int32) + np.arange(KEYWORDS, dtype=np.int32)
    return song_table(
        np.arange(1, songs + 1),
        random.uniform(-1, 1, (songs, 2)),
        lyrics=lyrics,
        artist=random.integers(0, songs // 10 + 1, songs),
        genre=random.integers(0, len(GENRES), songs),
        genres=GENRES,
        year=random.integers(1960, 2025, songs),
        features=np.broadcast_to(np.float32(0), (songs, len(FEATURES))),
        words=tuple(f"word{number}" for number in range(WORDS)),
        keyword_offsets=np.concatenate([[0], np.cumsum(np.where(sung, KEYWORDS, 0))]),
        keyword_ids=words.ravel(),
        keyword_weights=random.uniform(0.2, 1, words.size),
    )


def choosing(songs: int, steps: int = 3, target: Target = "stay", words: Words | None = None) -> Callable[[], object]:
    """Return what chooses songs from a library of so many, by a mood, a text and a taste, each time it is called.

    Args:
        songs: of the library.
        steps: how many are chosen.
        target: `stay`: for one mood; others: for a journey, each step of which looks at all songs.
        words: tells how alike words are; None: only the same word is alike.
    """
    random = np.random.default_rng(1)
    selector = Selector(Relevance(made_up_table(songs), words))
    emotions = tuple(random.dirichlet(np.ones(len(EMOTIONS))).tolist())
    said = (("word3", 0.6), ("word70", 0.5), ("word900", 0.3))
    context = context_features(*MOOD, emotions, 20.0)
    known = joint_features(context, selector.songs.of(np.arange(min(OPINIONS, songs))))
    taste = Taste.learn(known, random.uniform(-1, 1, len(known)).astype(np.float32), TasteConfig().forgetting)
    config, taste_config = Recommend(), TasteConfig()
    way = plan(MOOD, target, steps, config.step)

    def choose() -> object:
        text = selector.relevance.read(emotions, said, config.weights, config.unknown)
        return selector.choose(way, text, Moment(context, taste), config, taste_config)

    return choose
