"""Taste: what a listener likes in which mood, learnt from thumbs by a linear contextual bandit.

LinUCB (Li, Chu, Langford & Schapire, "A contextual-bandit approach to personalized news article recommendation", WWW
2010) with one model for all songs: ridge regression of rewards on the features of context and song, whose uncertainty
makes songs worth a try of which little is known. Older rewards count less (discounted, as in Russac, Vernade & Cappé,
"Weighted linear bandits for non-stationary environments", NeurIPS 2019).
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from robotd.emotion import valence_arousal
from robotd.music.table import FEATURES, UNKNOWN_YEAR

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from robotd.music.table import SongTable
    from robotd.music.taste_book import Opinion

#: Genres are told by so many numbers, whatever genres there are: a word of a genre's name stands for a row of random
#: signs (Achlioptas, "Database-friendly random projections", JCSS 66, 2003), the same in every library.
GENRE_NUMBERS = 16
#: What is known of a song: its features, its year in decades from this one, its genre.
SONG_FEATURES: tuple[str, ...] = (*FEATURES, "year", *(f"genre_{i}" for i in range(GENRE_NUMBERS)))
MIDDLE_YEAR = 2000
#: What is known of the moment.
CONTEXT = ("valence", "arousal", "text_valence", "hour_sin", "hour_cos")
#: The song features whose liking may depend on the moment.
CROSSED = tuple(range(len(FEATURES) - 1))
#: How likely large coefficients are held to be before anything is heard: those of songs, and of songs in a context.
SONG_DEVIATION, CROSSED_DEVIATION = 0.2, 0.1
#: The deviation of single rewards (-1..1) around what a listener likes on the whole.
NOISE = 0.8


def context_features(
    valence: float, arousal: float, emotions: Sequence[float] | None = None, hour: float | None = None
) -> NDArray[np.float32]:
    """Return the moment as numbers, [len(CONTEXT)]; what is not known is 0.

    Args:
        valence: of the listener, -1..1.
        arousal: likewise.
        emotions: probabilities of the 8 emotions of what was said.
        hour: time of day, 0..24.
    """
    text_valence = valence_arousal(emotions)[0] if emotions is not None else 0.0
    angle = 0.0 if hour is None else 2 * math.pi * hour / 24
    known = 0.0 if hour is None else 1.0
    return np.array([valence, arousal, text_valence, known * math.sin(angle), known * math.cos(angle)], np.float32)


class SongFeatures:
    """The songs of a table as taste sees them."""

    def __init__(self, table: SongTable) -> None:
        self._table = table
        genres = [genre_numbers(genre) for genre in table.genres]
        self._genres = np.array([*genres, np.zeros(GENRE_NUMBERS)], np.float32)  # the last for -1: unknown

    def of(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the features of some rows, [len(rows), len(SONG_FEATURES)]."""
        year = self._table.year[rows].astype(np.float32)
        decades = np.where(year == UNKNOWN_YEAR, 0, (year - MIDDLE_YEAR) / 10)[:, None]
        parts = [self._table.features[rows], decades, self._genres[self._table.genre[rows]]]
        return np.concatenate(parts, axis=1).astype(np.float32)


def genre_numbers(genre: str) -> NDArray[np.float32]:
    """Return [GENRE_NUMBERS] numbers for a genre, of length 1: the sum of those of its words.

    Kinds of rock are like rock; words that have nothing in common are nearly so in their numbers.
    """
    numbers = np.zeros(GENRE_NUMBERS, np.float32)
    for word in genre.casefold().replace("-", " ").split():
        digest = hashlib.blake2b(word.encode(), digest_size=GENRE_NUMBERS // 8).digest()
        numbers += 2.0 * np.unpackbits(np.frombuffer(digest, np.uint8)) - 1.0
    return numbers / max(float(np.linalg.norm(numbers)), 1.0)


def joint_features(context: NDArray[np.float32], songs: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return what the model sees of songs in a moment, [n, d]: 1, the songs, and moment x song.

    Args:
        context: [len(CONTEXT)], or [n, len(CONTEXT)]: one a song.
        songs: [n, len(SONG_FEATURES)].
    """
    moments = np.broadcast_to(context, (len(songs), len(CONTEXT)))
    crossed = (moments[:, :, None] * songs[:, None, CROSSED]).reshape(len(songs), len(CONTEXT) * len(CROSSED))
    # Scaled by how large coefficients are held to be, so that the ridge is the same for all.
    ones = np.ones((len(songs), 1), np.float32)
    return np.concatenate([ones, songs * SONG_DEVIATION, crossed * CROSSED_DEVIATION], axis=1).astype(np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Taste:
    """What has been learnt of a listener.

    Attributes:
        coefficients: [d] of `joint_features`.
        covariance: [d, d] how uncertain they are.
        rewards: how many rewards it was learnt from.
    """

    coefficients: NDArray[np.float32]
    covariance: NDArray[np.float32]
    rewards: int

    @classmethod
    def of(cls, opinions: Sequence[Opinion], forgetting: float) -> Taste | None:
        """Learn from opinions, the oldest first; None if there is nothing to learn from.

        Opinions that an earlier release noted, which describes songs otherwise, are passed over.
        """
        widths = ((len(CONTEXT),), (len(SONG_FEATURES),))
        usable = [opinion for opinion in opinions if (opinion.context.shape, opinion.song.shape) == widths]
        if not usable:
            return None
        features = joint_features(np.stack([o.context for o in usable]), np.stack([o.song for o in usable]))
        return cls.learn(features, np.array([o.reward for o in usable], np.float32), forgetting)

    @classmethod
    def learn(cls, features: NDArray[np.float32], rewards: NDArray[np.float32], forgetting: float) -> Taste:
        """Learn from rewards.

        Args:
            features: [n, d] of `joint_features`, the oldest first.
            rewards: [n] -1..1.
            forgetting: how much less each reward counts than the next, 0..1; 1: nothing is forgotten.
        """
        n, d = features.shape
        weights = forgetting ** np.arange(n - 1, -1, -1, dtype=np.float64)
        x = features.astype(np.float64)
        precision = np.eye(d) + (x * weights[:, None]).T @ x / NOISE**2
        covariance = np.linalg.inv(precision)
        coefficients = covariance @ (x.T @ (weights * rewards)) / NOISE**2
        return cls(coefficients.astype(np.float32), covariance.astype(np.float32), n)

    def expect(self, features: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return how much more a song is liked than usual, [n] -1..1, and the deviation of its reward, [n].

        How kind a listener is in general says nothing of a song, so the first coefficient is left out.
        """
        mean = np.clip(features[:, 1:] @ self.coefficients[1:], -1, 1)
        spread = np.sqrt(np.maximum(np.einsum("nd,nd->n", features @ self.covariance, features), 0))
        return mean, spread
