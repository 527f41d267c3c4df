from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from robotd.config import RelevanceWeights
from robotd.emotion import EMOTIONS, Emotion
from robotd.music import relevance as relevance_module
from robotd.music.relevance import DIAGONAL, Relevance
from robotd.music.table import song_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from robotd.config import Unknown
    from robotd.music.table import SongTable

WEIGHTS = RelevanceWeights(feeling=0.5, lyrics=0.2, keywords=0.3)
HERE = np.zeros((1, 2), np.float32)


def shares(**given: float) -> tuple[float, ...]:
    return tuple(given.get(emotion.value, 0.0) for emotion in EMOTIONS)


def library(
    points: Sequence[tuple[float, float]],
    lyrics: Sequence[tuple[float, ...] | None] | None = None,
    keywords: Sequence[dict[str, float]] | None = None,
) -> SongTable:
    """Songs 1, 2, ... with what is given of each."""
    columns: dict[str, object] = {}
    if lyrics is not None:
        columns["lyrics"] = [[math.nan] * 8 if one is None else one for one in lyrics]
    if keywords is not None:
        words = sorted({word for song in keywords for word in song})
        columns["words"] = tuple(words)
        columns["keyword_offsets"] = np.cumsum([0, *map(len, keywords)])
        columns["keyword_ids"] = [words.index(word) for song in keywords for word in song]
        columns["keyword_weights"] = [weight for song in keywords for weight in song.values()]
    return song_table(range(1, len(points) + 1), points, **columns)


class Synonyms:
    """Words of a group are nearly the same; others have nothing in common."""

    def __init__(self, *groups: set[str]) -> None:
        self.groups = groups
        self.asked: list[int] = []

    def vectors(self, words: Sequence[str]) -> NDArray[np.float32]:
        self.asked.append(len(words))
        found = np.zeros((len(words), len(self.groups)), np.float32)
        for row, word in zip(found, words, strict=True):
            row[[word in group for group in self.groups]] = 1.0
        return found


def ranking(relevance: Relevance, text: relevance_module.Text, count: int = 10) -> list[int]:
    (best,) = relevance.shortlist(HERE, text, count)
    return [int(row) + 1 for row in best.rows]


def test_without_a_text_the_nearest_songs_are_the_most_relevant() -> None:
    relevance = Relevance(library([(0.9, 0.9), (0.1, 0), (0, 0.3)]))
    (best,) = relevance.shortlist(HERE, relevance.read(None, (), WEIGHTS), 2)
    assert best.rows.tolist() == [1, 2]
    assert best.scores == pytest.approx([1 - 0.1 / DIAGONAL, 1 - 0.3 / DIAGONAL], abs=1e-6)


def test_of_equals_the_first_song_comes_first() -> None:
    relevance = Relevance(library([(0.5, 0)] * 3 + [(0, 0)]))
    assert ranking(relevance, relevance.read(None, (), WEIGHTS)) == [4, 1, 2, 3]


def test_lyrics_of_the_same_emotion_are_preferred() -> None:
    sad, happy = shares(sad=1.0), shares(happy=1.0)
    relevance = Relevance(library([(0, 0)] * 3, lyrics=[happy, sad, shares(sad=0.5, calm=0.5)]))
    text = relevance.read(sad, (), WEIGHTS)
    assert ranking(relevance, text) == [2, 3, 1]
    assert [relevance.parts(row, HERE[0], text).lyrics for row in range(3)] == pytest.approx([0, 1, math.sqrt(0.5)])


def test_songs_that_speak_of_what_was_said_are_preferred() -> None:
    relevance = Relevance(library([(0, 0)] * 3, keywords=[{"sea": 1.0}, {"rain": 0.4, "home": 0.8}, {"home": 0.4}]))
    text = relevance.read(None, (("rain", 0.5), ("home", 0.5)), WEIGHTS)
    # A song's most significant word counts 1, the others in proportion: (0.5 x 0.5 + 0.5 x 1), (0.5 x 1).
    assert [relevance.parts(row, HERE[0], text).keywords for row in range(3)] == pytest.approx([0, 0.75, 0.5])
    assert ranking(relevance, text) == [2, 3, 1]


def test_each_pair_of_keywords_counts_by_the_significance_of_both() -> None:
    relevance = Relevance(library([(0, 0)] * 2, keywords=[{"rain": 1.0, "home": 0.1}, {"rain": 0.1, "home": 1.0}]))
    assert ranking(relevance, relevance.read(None, (("rain", 0.9), ("home", 0.1)), WEIGHTS)) == [1, 2]
    assert ranking(relevance, relevance.read(None, (("rain", 0.1), ("home", 0.9)), WEIGHTS)) == [2, 1]


def test_words_that_are_alike_count_too_and_the_library_is_embedded_once() -> None:
    words = Synonyms({"storm", "thunder"}, {"tea"})
    relevance = Relevance(library([(0, 0)] * 2, keywords=[{"tea": 1.0}, {"storm": 1.0}]), words)
    for _ in range(3):
        text = relevance.read(None, (("thunder", 1.0),), WEIGHTS)
        assert ranking(relevance, text) == [2, 1]
    assert words.asked.count(2) == 1
    assert text.asked is not None
    assert relevance.keywords.shared(text.asked, 1) == [("thunder", "storm", 1.0)]


def test_a_song_with_every_part_has_the_weighted_mean() -> None:
    relevance = Relevance(library([(0.3, 0.4), (1, 1)], lyrics=[shares(sad=1)] * 2, keywords=[{"rain": 1.0}] * 2))
    text = relevance.read(shares(sad=0.25, calm=0.75), (("rain", 1.0), ("snow", 1.0)), WEIGHTS)
    (best,) = relevance.shortlist(HERE, text, 1)
    assert best.scores[0] == pytest.approx(0.5 * (1 - 0.5 / DIAGONAL) + 0.2 * 0.5 + 0.3 * 0.5, abs=1e-6)


def test_what_was_not_asked_for_or_nobody_has_does_not_count() -> None:
    points = [(0.0, 0.1), (0.0, 0.2)]
    plain = Relevance(library(points))
    text = plain.read(shares(sad=1), (("rain", 1.0),), WEIGHTS)
    (best,) = plain.shortlist(HERE, text, 2)
    assert best.scores == pytest.approx([1 - 0.1 / DIAGONAL, 1 - 0.2 / DIAGONAL], abs=1e-6)
    assert plain.parts(0, HERE[0], text).lyrics is None
    rich = Relevance(library(points, lyrics=[shares(happy=1), shares(sad=1)], keywords=[{"tea": 1.0}, {"rain": 1.0}]))
    silent = RelevanceWeights(feeling=1, lyrics=0, keywords=0)
    assert ranking(rich, rich.read(shares(sad=1), (("rain", 1.0),), silent)) == [1, 2]


def test_an_instrumental_is_neither_favoured_nor_punished() -> None:
    # 1 shares all, 2 has no lyrics, 3 speaks of other things; the first sounds a little farther away.
    points = [(0.2, 0), (0, 0), (0, 0)] + [(1, 1)] * 5
    relevance = Relevance(library(points, keywords=[{"rain": 1.0}, {}, {"tea": 1.0}] + [{"tea": 1}] * 5))
    text = relevance.read(None, (("rain", 1.0),), WEIGHTS)
    assert ranking(relevance, text, 3) == [1, 2, 3]
    assert relevance.parts(1, HERE[0], text).keywords is None
    assert relevance.parts(2, HERE[0], text).keywords == 0.0


def test_an_instrumental_is_judged_by_what_is_known_where_that_is_wanted() -> None:
    # 1 has both, 2 has no lyrics, 3 no keywords, 4 neither.
    lyrics = [shares(sad=1), None, shares(sad=0.25, calm=0.75), None]
    relevance = Relevance(library([(0.3, 0.4)] * 4, lyrics, [{"rain": 1.0}, {"rain": 1.0}, {}, {}]))
    text = relevance.read(shares(sad=1), (("rain", 1.0), ("snow", 1.0)), WEIGHTS, "renormalise")
    near = 1 - 0.5 / DIAGONAL
    wanted = [0.5 * near + 0.2 + 0.15, (0.5 * near + 0.15) / 0.8, (0.5 * near + 0.1) / 0.7, near]
    (best,) = relevance.shortlist(HERE, text, 4)
    assert dict(zip(best.rows.tolist(), best.scores.tolist(), strict=True)) == pytest.approx(dict(enumerate(wanted)))
    assert relevance.scores(np.arange(4), HERE[0], text) == pytest.approx(wanted)


def test_only_allowed_songs_are_found() -> None:
    relevance = Relevance(library([(0, 0), (0, 0.1), (0, 0.2)], keywords=[{"a": 1}, {}, {"b": 1}]))
    bars = np.array([-np.inf, -np.inf, 0], np.float32)
    (best,) = relevance.shortlist(HERE, relevance.read(None, (("a", 1.0),), WEIGHTS), 5, bars)
    assert best.rows.tolist() == [2]


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32 - 1), st.integers(1, 60), st.integers(1, 20), st.sampled_from(["typical", "renormalise"]))
def test_every_shortlist_is_what_scoring_song_by_song_finds(
    seed: int, songs: int, count: int, unknown: Unknown
) -> None:
    random = np.random.default_rng(seed)
    words = ["rain", "home", "sea", "tea", "sun"]
    keywords = [{w: float(random.uniform(0.1, 1)) for w in words if random.random() < 0.3} for _ in range(songs)]
    lyrics = [tuple(random.dirichlet(np.ones(8))) if random.random() < 0.5 else None for _ in range(songs)]
    points = [tuple(point) for point in random.uniform(-1, 1, (songs, 2)).tolist()]
    table = library(points, lyrics, keywords)
    original, relevance_module.BLOCK = relevance_module.BLOCK, 7  # several blocks of each group
    try:
        relevance = Relevance(table)
        emotions, said = tuple(random.dirichlet(np.ones(8))), (("rain", 0.7), ("sun", 0.2))
        text = relevance.read(emotions, said, WEIGHTS, unknown)
        places = random.uniform(-1, 1, (3, 2)).astype(np.float32)
        found = relevance.shortlist(places, text, count)
    finally:
        relevance_module.BLOCK = original
    within = relevance.near(places[0], 0.5, text, count)
    reached = [row for row in range(songs) if np.hypot(*(table.points[row] - places[0])) <= 0.5]
    told = [score(relevance, row, places[0], text, unknown) for row in within.rows.tolist()]
    assert told == pytest.approx(
        sorted((score(relevance, row, places[0], text, unknown) for row in reached), reverse=True)[:count], abs=2e-5
    )
    assert set(within.rows.tolist()) <= set(reached)
    for place, best in zip(places, found, strict=True):
        scores = [score(relevance, row, place, text, unknown) for row in range(songs)]
        wanted = sorted(range(songs), key=lambda row: (-round(scores[row], 5), row))[:count]
        assert [scores[row] for row in best.rows.tolist()] == pytest.approx([scores[row] for row in wanted], abs=2e-5)
        assert best.scores == pytest.approx([scores[row] for row in best.rows.tolist()], abs=2e-5)


def score(
    relevance: Relevance, row: int, place: NDArray[np.float32], text: relevance_module.Text, unknown: Unknown
) -> float:
    """The definition, one song at a time: the weighted mean of the parts that anybody has, or that it has itself."""
    everything = [relevance.parts(other, place, text) for other in range(len(relevance.table))]
    total = weights = 0.0
    for name, weight in WEIGHTS.model_dump().items():
        known = [value for parts in everything if (value := getattr(parts, name)) is not None]
        mine = getattr(everything[row], name)
        if known and (mine is not None or unknown == "typical"):
            total += weight * (float(np.mean(known)) if mine is None else mine)
            weights += weight
    return total / weights


def test_emotions_are_read_in_the_order_of_the_house() -> None:
    assert EMOTIONS[int(np.argmax(shares(sad=1.0)))] is Emotion.SAD
