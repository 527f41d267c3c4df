"""Simulated listeners with a hidden taste, and a library for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from robotd.emotion import CIRCUMPLEX, EMOTIONS
from robotd.music.opinion import reward_of
from robotd.music.table import FEATURES, MID_LEVEL, MOODS, song_features, song_table
from robotd.music.taste import CONTEXT, context_features

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from robotd.music.library import FeedbackKind
    from robotd.music.table import SongTable

GENRES = (
    *("rock", "indie rock", "hard rock", "pop", "synth pop", "jazz", "soul", "classical", "folk", "hip hop"),
    *("house", "ambient", "country", "blues"),
)
SONGS_AN_ARTIST = 8
#: How far a mood drifts from one song to the next, and how much of it stays.
DRIFT, STAYS = 0.25, 0.85
#: How often something was said lately.
SAID = 0.4
#: How often a listener says outright what he thinks, in place of only skipping or hearing the song.
OUTSPOKEN = 0.6
USUAL_S = 210.0


def simulated_library(songs: int, seed: int) -> SongTable:
    """Return a library whose songs sound as their valence and arousal suggest, in part."""
    random = np.random.default_rng(seed)
    points = np.clip(random.normal(0, 0.45, (songs, 2)), -1, 1)
    shown = random.normal(0, 0.5, (2, len(FEATURES) - 4))
    own = random.normal(0, 0.8, (songs, len(FEATURES) - 4))
    heard = 2 * points @ shown + own
    tempo = 110 * 2 ** np.clip(0.35 * points[:, 1] + random.normal(0, 0.25, songs), -1, 1)
    # In the units of the song models: ratings 1..9 around their middle, shares 0..1.
    ratings = len(MOODS) + len(MID_LEVEL)
    scaled = np.concatenate([np.clip(4.7 + 1.2 * heard[:, :ratings], 1, 9), 0.25 + 0.12 * heard[:, ratings:]], axis=1)
    known = np.concatenate([tempo[:, None], scaled], axis=1).astype(np.float32)
    return song_table(
        np.arange(1, songs + 1),
        points,
        artist=random.integers(0, songs // SONGS_AN_ARTIST + 1, songs),
        genre=random.integers(0, len(GENRES), songs),
        genres=GENRES,
        year=random.integers(1965, 2025, songs),
        features=song_features(points.astype(np.float32), known),
    )


@dataclass(frozen=True, slots=True, eq=False)
class Moments:
    """When a listener listens, one row a song.

    Attributes:
        moods: [n, 2] valence and arousal, -1..1.
        emotions: [n] probabilities of the 8 emotions of what was said, or None.
        hours: [n] time of day, 0..24.
    """

    moods: NDArray[np.float64]
    emotions: tuple[tuple[float, ...] | None, ...]
    hours: NDArray[np.float64]

    def context(self, i: int) -> NDArray[np.float32]:
        """Return a moment as the recommender is told of it."""
        valence, arousal = self.moods[i].tolist()
        return context_features(valence, arousal, self.emotions[i], float(self.hours[i]))


class SimulatedListener:
    """Somebody with a hidden taste, which differs with the mood and the time of day.

    He likes songs that fit his mood, sounds and genres of his own, some artists for no reason that can be heard,
    and in each mood and at each hour some sounds more than in others.

    Args:
        table: the library.
        seed: another one is another person.
    """

    def __init__(self, table: SongTable, seed: int) -> None:
        random = np.random.default_rng(seed)
        self._random = random
        self._table = table
        width = len(FEATURES) - 1
        sounds = table.features[:, :width].astype(np.float64)
        favourite = sounds @ random.normal(0, 1, width)
        self._lasting = favourite / favourite.std()
        self._lasting += 0.7 * random.normal(0, 1, len(table.genres))[table.genre]
        self._lasting += 0.5 * random.normal(0, 1, int(table.artist.max()) + 1)[table.artist]
        self._lasting += 0.3 * random.normal() * (table.year - table.year.mean()) / 15
        crossed = random.normal(0, 1, (len(CONTEXT), width))
        self._crossed = sounds @ (crossed / np.sqrt(width)).T
        self._strict = random.uniform(0.5, 2.0)

    def moments(self, songs: int) -> Moments:
        """Return how the mood and the hours go over so many songs."""
        moods = np.zeros((songs, 2))
        mood = self._random.normal(0, 0.4, 2)
        for i in range(songs):
            mood = np.clip(STAYS * mood + self._random.normal(0, DRIFT, 2), -1, 1)
            moods[i] = mood
        places = np.array([CIRCUMPLEX[emotion] for emotion in EMOTIONS])
        emotions = []
        for mood in moods:
            near = np.exp(-3 * ((places - mood) ** 2).sum(axis=1))
            emotions.append(tuple(near / near.sum()) if self._random.random() < SAID else None)
        hours = (8 + np.arange(songs) * 0.6 + self._random.uniform(0, 1, songs)) % 24
        return Moments(moods, tuple(emotions), hours)

    def likes(self, moments: Moments, i: int) -> NDArray[np.float64]:
        """Return how probably he likes each song of the library at a moment, [n] 0..1."""
        away = np.hypot(*(self._table.points - moments.moods[i]).T)
        now = self._crossed @ moments.context(i).astype(np.float64)
        utility = self._lasting + now - self._strict * away
        probability: NDArray[np.float64] = 1 / (1 + np.exp(-1.2 * utility))
        return probability

    def react(self, likes: float) -> tuple[FeedbackKind, float | None]:
        """Return what he does with a song that he likes with a probability."""
        liked, outspoken = self._random.random() < likes, self._random.random() < OUTSPOKEN
        if outspoken:
            return ("like" if liked else "dislike"), None
        return ("played", 1.0) if liked else ("skip", float(self._random.uniform(2, 0.6 * USUAL_S)))

    def reward(self, likes: float) -> float:
        """Return what a reaction is worth, -1..1."""
        return reward_of(*self.react(likes), duration_s=USUAL_S)
