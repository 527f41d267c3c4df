from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from robotd.emotion import EMOTIONS
from robotd.music.table import FEATURES, song_table
from robotd.music.taste import (
    CONTEXT,
    NOISE,
    SONG_FEATURES,
    SongFeatures,
    Taste,
    context_features,
    genre_numbers,
    joint_features,
)
from robotd.music.taste_book import Opinion
from robotd.music.taste_view import effects, opinion_payload

RANDOM = np.random.default_rng(3)


def songs(count: int) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    return np.random.default_rng(count).normal(size=(count, len(SONG_FEATURES))).astype(np.float32)


def opinion(reward: float, song: np.ndarray, context: np.ndarray, number: int = 0) -> Opinion:
    return Opinion("anna", f"r{number}", 1, "like", reward, context, song, float(number))


def test_what_is_not_known_of_a_moment_is_zero() -> None:
    assert context_features(0.5, -0.5).tolist() == [0.5, -0.5, 0, 0, 0]
    sad = tuple(1.0 if emotion.value == "sad" else 0.0 for emotion in EMOTIONS)
    assert context_features(0, 0, sad, 6.0) == pytest.approx([0, 0, -0.63, 1, 0], abs=1e-6)


def test_midnight_is_near_one_minute_to_it() -> None:
    late, early = context_features(0, 0, None, 23.99), context_features(0, 0, None, 0.0)
    assert np.abs(late - early).max() < 0.01


def test_a_genre_is_like_its_kinds_and_the_same_in_every_library() -> None:
    rock, indie, jazz = (genre_numbers(name) for name in ("rock", "Indie-Rock", "jazz"))
    assert rock @ indie > 0.5
    assert abs(rock @ jazz) < 0.5
    first = SongFeatures(song_table([1], [(0, 0)], genre=[0], genres=("jazz",))).of(np.array([0]))
    second = SongFeatures(song_table([1], [(0, 0)], genre=[1], genres=("rock", "jazz"))).of(np.array([0]))
    assert first.tolist() == second.tolist()


def test_a_song_of_unknown_genre_and_year_has_zeros_there() -> None:
    features = SongFeatures(song_table([1], [(0.4, 0)], genres=("jazz",))).of(np.array([0]))
    assert np.flatnonzero(features[0]).tolist() == [SONG_FEATURES.index("valence")]


def test_a_linear_taste_is_learnt_also_where_it_depends_on_the_moment() -> None:
    some = songs(3000)
    moods = RANDOM.uniform(-1, 1, 3000)
    contexts = np.stack([context_features(mood, 0) for mood in moods])
    wanted = 0.4 * some[:, 0] + 0.4 * moods * some[:, 1]  # always pleasant songs; lively ones in good moods
    taste = Taste.learn(joint_features(contexts, some), np.clip(wanted, -1, 1).astype(np.float32), 1.0)
    pleasant, lively = np.zeros((2, 1, len(SONG_FEATURES)), np.float32)
    pleasant[0, 0] = lively[0, 1] = 1
    for mood in (-0.9, 0.9):
        liking = [taste.expect(joint_features(context_features(mood, 0), song))[0][0] for song in (pleasant, lively)]
        assert liking == pytest.approx([0.4, 0.4 * mood], abs=0.1)


def test_an_opinion_makes_the_like_of_it_less_uncertain_and_nothing_else() -> None:
    one, other = songs(2)[:1], np.zeros((1, len(SONG_FEATURES)), np.float32)
    nowhere = context_features(0, 0)
    ignorant = Taste.learn(joint_features(nowhere, one[:0]), np.zeros(0, np.float32), 0.99)
    learnt = Taste.learn(joint_features(nowhere, one), np.ones(1, np.float32), 0.99)
    assert ignorant.expect(joint_features(nowhere, one))[0][0] == 0
    assert learnt.expect(joint_features(nowhere, one))[1][0] < ignorant.expect(joint_features(nowhere, one))[1][0]
    assert learnt.expect(joint_features(nowhere, one))[0][0] > learnt.expect(joint_features(nowhere, other))[0][0]


def test_a_kind_word_for_one_song_is_none_for_songs_unlike_it() -> None:
    liked, other = np.eye(len(SONG_FEATURES), dtype=np.float32)[:2] * 3
    nowhere = np.zeros(len(CONTEXT), np.float32)
    taste = Taste.of([opinion(1.0, liked, nowhere, n) for n in range(3)], 0.995)
    assert taste is not None
    mean, _ = taste.expect(joint_features(nowhere, np.stack([liked, other])))
    assert mean[0] > 0.2
    assert mean[1] == pytest.approx(0, abs=0.01)


def test_what_was_liked_long_ago_is_forgotten() -> None:
    song = songs(1)
    features = joint_features(context_features(0, 0), np.repeat(song, 60, axis=0))
    rewards = np.array([1.0] * 40 + [-1.0] * 20, np.float32)
    faithful, forgetful = (Taste.learn(features, rewards, rate).expect(features[:1])[0][0] for rate in (1.0, 0.9))
    assert faithful > 0 > forgetful


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 40), st.floats(0.6, 1))
def test_learning_is_ridge_regression_by_the_book(count: int, forgetting: float) -> None:
    features = joint_features(context_features(0.3, -0.2), songs(count)).astype(np.float64)
    rewards = np.random.default_rng(count).uniform(-1, 1, count)
    taste = Taste.learn(features.astype(np.float32), rewards.astype(np.float32), forgetting)
    weights = np.diag(forgetting ** np.arange(count - 1, -1, -1.0)) / NOISE**2
    precision = features.T @ weights @ features + np.eye(features.shape[1])
    assert precision @ taste.coefficients == pytest.approx(features.T @ weights @ rewards, abs=1e-3)


def test_opinions_are_what_taste_is_learnt_from_and_strange_ones_are_passed_over() -> None:
    context = context_features(0, 0)
    good = [opinion(1.0, song, context, i) for i, song in enumerate(songs(5))]
    old = opinion(-1.0, np.zeros(3, np.float32), np.zeros(2, np.float32))
    taste = Taste.of([old, *good], 0.99)
    assert taste is not None
    assert taste.rewards == 5
    assert Taste.of([old], 0.99) is None
    assert Taste.of([], 0.99) is None


def test_a_taste_is_told_by_what_it_is_made_of() -> None:
    some = songs(400)
    liking = np.where(some[:, 1] > 0, 1.0, -1.0)  # lively songs
    context = context_features(0, 0)
    taste = Taste.of([opinion(r, song, context, i) for i, (r, song) in enumerate(zip(liking, some, strict=True))], 1.0)
    assert taste is not None
    found = effects(taste, ("rock", "jazz"))
    assert (found[0].of, found[0].name) == ("sound", "arousal")
    assert found[0].reward > 0.3
    assert {effect.name for effect in found if effect.of == "genre"} == {"rock", "jazz"}


def test_an_opinion_is_exported_by_name() -> None:
    told = opinion_payload(opinion(0.5, songs(1)[0], context_features(0.25, 0)))
    assert told["context"]["valence"] == 0.25
    assert set(told["song"]) == set(SONG_FEATURES)
    assert (len(FEATURES) < len(told["song"]), len(told["context"])) == (True, len(CONTEXT))
