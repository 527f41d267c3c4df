"""How relevant songs are to what a person feels and says: three similarities, weighted.

    feeling: valence and arousal of the person against those of the song's sound
    lyrics: the emotion of what was said against the emotion of the lyrics
    keywords: what was said against what the song speaks of

A part that was not asked for, or that no song of the library has, loses its weight, and the rest is renormalised. A
song that alone lacks a part (an instrumental has no lyrics) has what is typical of the songs that have it. Judged by
the rest alone (`renormalise`), every song of which only the mood is known is ahead of nearly all that share words with
the person.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from robotd.music.keyword_index import Asked, KeywordIndex

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from robotd.config import RelevanceWeights, Unknown
    from robotd.music.keyword_index import Words
    from robotd.music.table import SongTable

#: The distance between two opposite corners of the plane of valence and arousal.
DIAGONAL = 2 * math.sqrt(2)
#: Songs are looked at in blocks whose numbers stay in the processor's cache.
BLOCK = 32768


@dataclass(frozen=True, slots=True)
class Parts:
    """Why a song is relevant; each 0..1, None: not known of the song, or not asked for.

    Attributes:
        feeling: 1 at the wanted point of the plane, 0 at the opposite corner.
        lyrics: 1 where the lyrics have the emotion of the text.
        keywords: how much the song speaks of what was said.
    """

    feeling: float
    lyrics: float | None = None
    keywords: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Shortlist:
    """The most relevant songs for one point.

    Attributes:
        rows: [k] of the table, most relevant first.
        scores: [k] their relevance, 0..1.
    """

    rows: NDArray[np.int64]
    scores: NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Text:
    """What was said, measured against every song.

    Attributes:
        asked: its keywords; None: they don't count, or no song has any.
        roots: [8] of the probabilities of its emotions; None likewise.
        score: [n] what both give to a song's score; None: nothing.
        feeling_share: what share of a song's score the feeling has.
        scale: [n] what a song's score is multiplied by, for what is not known of it; None: 1.
    """

    asked: Asked | None = None
    roots: NDArray[np.float32] | None = None
    score: NDArray[np.float32] | None = None
    feeling_share: float = 1.0
    scale: NDArray[np.float32] | None = None

    @property
    def unsaid(self) -> Text:
        """The same without any influence on what is relevant."""
        return replace(self, score=None, scale=None)

    def share_of(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return what it gives to the scores of some songs, [len(rows)]."""
        if self.score is None:
            return np.zeros(len(rows), np.float32)
        share: NDArray[np.float32] = self.score[rows] * (1 if self.scale is None else self.scale[rows])
        return share


class Relevance:
    """Looks at every song of a library at once.

    Args:
        table: the library.
        words: tells how alike two words are.
    """

    def __init__(self, table: SongTable, words: Words | None = None) -> None:
        self.table = table
        self.keywords = KeywordIndex(table, words)
        self._valence = np.ascontiguousarray(table.points[:, 0])
        self._arousal = np.ascontiguousarray(table.points[:, 1])
        #: The songs by rising valence, so that those near a place lie together.
        self._rows = np.argsort(self._valence, kind="stable").astype(np.int32)
        self._rising = self._valence[self._rows], self._arousal[self._rows]
        sung = np.isfinite(table.lyrics[:, 0])
        #: The songs that lack a part.
        self._unsung = np.flatnonzero(~sung)
        self._wordless = np.flatnonzero(np.diff(table.keyword_offsets) == 0)
        # Bhattacharyya coefficient of two distributions: the sum of the roots of their products.
        shares = np.nan_to_num(table.lyrics, nan=0.0).clip(0) if sung.any() else np.zeros((0, 8), np.float32)
        self._roots = np.sqrt(shares / np.maximum(shares.sum(axis=1, keepdims=True), 1e-6))

    def read(
        self,
        emotions: Sequence[float] | None,
        keywords: Sequence[tuple[str, float]],
        weights: RelevanceWeights,
        unknown: Unknown = "typical",
    ) -> Text:
        """Measure what was said against every song.

        Args:
            emotions: probabilities of the 8 emotions that the text has; None: not known.
            keywords: with their significance, 0..1.
            weights: of the parts.
            unknown: what stands for a part that is not known of a song.
        """
        asked = roots = None
        if emotions is not None and len(self._roots) and weights.lyrics > 0:
            roots = np.sqrt(np.asarray(emotions, np.float32))
        if keywords and len(self._wordless) < len(self.table) and weights.keywords > 0:
            asked = self.keywords.look_up(keywords)
        lyrics, words = (0.0 if roots is None else weights.lyrics), (0.0 if asked is None else weights.keywords)
        whole = weights.feeling + lyrics + words
        parts: list[tuple[NDArray[np.float32], NDArray[np.int64], float]] = []
        if roots is not None:
            parts.append((self._roots @ (roots * np.float32(lyrics / whole)), self._unsung, lyrics / whole))
        if asked is not None:
            match = self.keywords.match(asked)
            match *= np.float32(words / whole)
            parts.append((match, self._wordless, words / whole))
        score = scale = None
        for part, lacking, share in parts:
            if unknown == "typical":
                _fill(part, lacking)
            else:
                scale = np.ones(len(self.table), np.float32) if scale is None else scale
                scale[lacking] -= np.float32(share)
            score = part if score is None else np.add(score, part, out=score)
        if scale is not None:
            np.reciprocal(scale, out=scale)
        return Text(asked, roots, score, weights.feeling / whole, scale)

    def shortlist(
        self, points: NDArray[np.float32], text: Text, count: int, bars: NDArray[np.float32] | None = None
    ) -> list[Shortlist]:
        """Return the most relevant songs for each of some points of the plane.

        Args:
            points: [s, 2] valence and arousal.
            text: what was said.
            count: how many songs a point at most.
            bars: [n] 0, or -inf for songs that may not be chosen; None: all may.
        """
        finds = [_Best(count) for _ in points]
        for start in range(0, len(self.table), BLOCK):
            block = slice(start, start + BLOCK)
            for point, best in zip(points, finds, strict=True):
                score = _distance(self._valence[block], self._arousal[block], point)
                score *= np.float32(-text.feeling_share / DIAGONAL)
                if text.score is not None:
                    score += text.score[block]
                if text.scale is not None:
                    score += np.float32(text.feeling_share)
                    score *= text.scale[block]
                if bars is not None:
                    score += bars[block]
                best.offer(score, start)
        # What all songs have is added in the end, to those that were found.
        common = np.float32(text.feeling_share if text.scale is None else 0)
        return [best.shortlist(common) for best in finds]

    def near(
        self, point: NDArray[np.float32], reach: float, text: Text, count: int, bars: NDArray[np.float32] | None = None
    ) -> Shortlist:
        """Return the most relevant of the songs within reach of a point of the plane; the others are not looked at.

        Args:
            point: [2] valence and arousal.
            reach: distance on the plane.
            text: as in `shortlist`.
            count: likewise.
            bars: likewise.
        """
        valence, arousal = self._rising
        first, end = np.searchsorted(valence, (point[0] - reach, point[0] + reach))
        away = _distance(valence[first:end], arousal[first:end], point)
        there = np.flatnonzero(away <= reach)
        rows = self._rows[first:end][there].astype(np.int64)
        scores = self._score(away[there], rows, text)
        best = _Best(count)
        best.offer(scores if bars is None else scores + bars[rows], 0)
        found = best.shortlist(np.float32(0))
        return Shortlist(rows[found.rows], found.scores)

    def scores(self, rows: NDArray[np.int64], point: NDArray[np.float32], text: Text) -> NDArray[np.float32]:
        """Return the relevance of some songs to a point and a text, [len(rows)]."""
        return self._score(_distance(self._valence[rows], self._arousal[rows], point), rows, text)

    def parts(self, row: int, point: NDArray[np.float32], text: Text) -> Parts:
        """Return why a song is relevant to a point and a text."""
        away = math.dist(point.tolist(), self.table.points[row].tolist())
        sung = bool(np.isfinite(self.table.lyrics[row, 0]))
        return Parts(
            1 - away / DIAGONAL,
            float(self._roots[row] @ text.roots) if text.roots is not None and sung else None,
            None if text.asked is None else self.keywords.match_of(text.asked, row),
        )

    @staticmethod
    def _score(away: NDArray[np.float32], rows: NDArray[np.int64], text: Text) -> NDArray[np.float32]:
        """Return the relevance of songs that are so far away."""
        scores: NDArray[np.float32] = np.float32(text.feeling_share) * (1 - away / np.float32(DIAGONAL))
        if text.score is not None:
            scores += text.score[rows]
        return scores if text.scale is None else scores * text.scale[rows]


def _distance(
    valence: NDArray[np.float32], arousal: NDArray[np.float32], point: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return how far places are from a point."""
    away: NDArray[np.float32] = valence - point[0]
    away *= away
    height = arousal - point[1]
    height *= height
    away += height
    np.sqrt(away, out=away)
    return away


def _fill(similarity: NDArray[np.float32], unknown: NDArray[np.int64]) -> None:
    """Give songs of which a part is not known what is typical of the others; there is 0 before."""
    if len(unknown):
        similarity[unknown] = similarity.sum(dtype=np.float64) / (len(similarity) - len(unknown))


class _Best:
    """Keeps the best of what it is offered."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._rows = np.empty(0, np.int64)
        self._scores = np.empty(0, np.float32)
        self._least = np.float32(-np.inf)

    def offer(self, scores: NDArray[np.float32], first_row: int) -> None:
        """Look at a block of scores."""
        better = np.flatnonzero(scores > self._least)
        if not len(better):
            return
        self._rows = np.concatenate([self._rows, better + first_row])
        self._scores = np.concatenate([self._scores, scores[better]])
        if len(self._scores) > self._count:
            best = np.argpartition(self._scores, -self._count)[-self._count :]
            self._rows, self._scores = self._rows[best], self._scores[best]
            self._least = self._scores.min()

    def shortlist(self, constant: np.float32) -> Shortlist:
        """Return the best, in order, with a constant added; of equals the one with the lower row first."""
        best = np.lexsort((self._rows, -self._scores))
        return Shortlist(self._rows[best], self._scores[best] + constant)
