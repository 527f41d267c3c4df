"""Which songs speak of what was said: an inverted index of the library's keywords."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from robotd.perceive.features.function_words import FUNCTION_WORDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from robotd.music.table import SongTable

#: Words are alike from this cosine on; what lies above it is stretched over 0..1.
ALIKE_FROM = 0.5
#: From so much on words are alike enough to be named as a reason.
NAMED_FROM = 0.4
#: So many words of the library count for each keyword of a text: the ones that are most like it.
NEAR_WORDS = 12
#: A word that very many songs have says little about any of them: no more songs a word are looked at.
MOST_SONGS = 100_000


class Words(Protocol):
    """Tells how alike words are."""

    def vectors(self, words: Sequence[str]) -> NDArray[np.float32]:
        """Return an embedding for each word, [n, d], of length 1, or all 0 where a word is unknown."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """The keywords of a text that songs are looked up for, and the words of the library that are like them.

    Attributes:
        keywords: of the text.
        ids: [m] words of the library that are like one of them.
        similarity: [len(keywords), m] 0..1.
        shares: [len(keywords)] the significance of each keyword, summing to 1.
    """

    keywords: tuple[str, ...]
    ids: NDArray[np.int64]
    similarity: NDArray[np.float32]
    shares: NDArray[np.float32]


class KeywordIndex:
    """The songs of each keyword.

    Args:
        table: the library.
        words: tells how alike two words are; None: only words in common make them alike.
    """

    def __init__(self, table: SongTable, words: Words | None = None) -> None:
        self._table = table
        self._words = words
        counts = np.diff(table.keyword_offsets)
        rows = np.repeat(np.arange(len(table), dtype=np.int32), counts)
        # A song's most significant word counts in full, so that keywords of different origin are on one scale.
        self._peak = np.ones(len(table), np.float32)
        if len(rows):
            filled = counts > 0
            heaviest = np.maximum.reduceat(table.keyword_weights, table.keyword_offsets[:-1][filled])
            self._peak[filled] = np.maximum(heaviest, 1e-6)
        order = np.argsort(table.keyword_ids, kind="stable")
        self._weights = table.keyword_weights[order] / self._peak[rows[order]]
        self._rows = rows[order]
        self._offsets = np.concatenate([[0], np.cumsum(np.bincount(table.keyword_ids, minlength=len(table.words)))])
        self._vectors: NDArray[np.float32] | None = None
        self._containing: dict[str, list[int]] | None = None

    def look_up(self, keywords: Sequence[tuple[str, float]]) -> Asked:
        """Find the library's words that are like those of a text.

        Args:
            keywords: with their significance, 0..1.
        """
        weights = np.array([max(weight, 0.0) for _, weight in keywords], np.float32)
        shares = weights / weights.sum() if weights.sum() > 0 else weights
        texts = tuple(word.casefold() for word, _ in keywords)
        alike = self._alike(texts)
        ids = np.array(sorted({number for found in alike for number in found}), np.int64)
        similarity = np.zeros((len(texts), len(ids)), np.float32)
        for row, found in zip(similarity, alike, strict=True):
            row[np.searchsorted(ids, list(found))] = list(found.values())
        return Asked(tuple(word for word, _ in keywords), ids, similarity, shares)

    def match(self, said: Asked) -> NDArray[np.float32]:
        """Return how much each song speaks of what was said, [n] 0..1.

        Every pair of a keyword of the text and a keyword of the song adds its similarity, weighted by the
        significance of both; a song whose most significant word is all that was said has 1.
        """
        match = np.zeros(len(self._table), np.float32)
        strength = said.shares @ said.similarity
        for word, share in zip(said.ids.tolist(), strength.tolist(), strict=True):
            start = int(self._offsets[word])
            there = slice(start, min(int(self._offsets[word + 1]), start + MOST_SONGS))
            # A song has a word once, so that no row comes twice here.
            match[self._rows[there]] += self._weights[there] * np.float32(share)
        np.minimum(match, np.float32(1), out=match)
        return match

    def match_of(self, asked: Asked, row: int) -> float | None:
        """Return how much one song speaks of what was said, 0..1; None: it has no keywords."""
        start, end = (int(offset) for offset in self._table.keyword_offsets[row : row + 2])
        places = np.flatnonzero(np.isin(asked.ids, self._table.keyword_ids[start:end]))
        of = {int(self._table.keyword_ids[entry]): entry for entry in range(start, end)}
        weights = [self._table.keyword_weights[of[word]] / self._peak[row] for word in asked.ids[places].tolist()]
        match = float(asked.shares @ asked.similarity[:, places] @ np.array(weights, np.float32))
        return min(match, 1.0) if end > start else None

    def shared(self, said: Asked, row: int) -> list[tuple[str, str, float]]:
        """Return what a song shares with a text: (keyword of the text, keyword of the song, how much), most first.

        Words that are only faintly alike count, but are nothing to be named.
        """
        pairs = []
        places = {word: place for place, word in enumerate(said.ids.tolist())}
        start, end = (int(offset) for offset in self._table.keyword_offsets[row : row + 2])
        for entry in range(start, end):
            word = int(self._table.keyword_ids[entry])
            if word in places:
                weight = float(self._table.keyword_weights[entry] / self._peak[row])
                column = said.similarity[:, places[word]] * said.shares * weight
                best = int(column.argmax())
                if said.similarity[best, places[word]] >= NAMED_FROM:
                    pairs.append((said.keywords[best], self._table.words[word], float(column[best])))
        return sorted(pairs, key=lambda pair: -pair[2])

    def _alike(self, texts: tuple[str, ...]) -> list[dict[int, float]]:
        """Return the library's words that are like each of these, with how much, 0..1."""
        alike = [self._in_common(text) for text in texts]
        if self._words is not None and texts and self._table.words:
            if self._vectors is None:
                self._vectors = self._words.vectors(self._table.words)
            for found, cosine in zip(alike, (self._vectors @ self._words.vectors(texts).T).T, strict=True):
                near = np.flatnonzero(cosine > ALIKE_FROM)
                near = near[np.argsort(-cosine[near], kind="stable")[:NEAR_WORDS]]
                for word, likeness in zip(near.tolist(), cosine[near].tolist(), strict=True):
                    stretched = min((likeness - ALIKE_FROM) / (1 - ALIKE_FROM), 1.0)
                    found[word] = max(found.get(word, 0.0), stretched)
        return alike

    def _in_common(self, text: str) -> dict[int, float]:
        """Return the library's words that have words in common with a text: the cosine of both as bags of words.

        `home` is `home` and `feels like home` by 1, `sad home` by 0.71.
        """
        if self._containing is None:
            self._containing = {}
            for number, word in enumerate(self._table.words):
                for part in set(_parts(word)):
                    self._containing.setdefault(part, []).append(number)
        parts = set(_parts(text))
        common = Counter(number for part in parts for number in self._containing.get(part, ()))
        return {
            number: count / math.sqrt(len(parts) * len(set(_parts(self._table.words[number]))))
            for number, count in common.most_common(NEAR_WORDS)
        }


def _parts(word: str) -> list[str]:
    return [part for part in word.casefold().split() if part not in FUNCTION_WORDS] or [word.casefold()]
