from __future__ import annotations

import numpy as np
import pytest

from robotd.config import Runtime
from robotd.music.scan.explanation import Learner, explained
from robotd.music.scan.hearing import Ear
from robotd.music.table import MID_LEVEL, MOODS
from robotd.perceive.manifest import load_manifest
from tests.music.scan.sounds import A_MINOR, C_MAJOR, music, noise

#: Rows: seven features and a constant; columns: eight ratings.
WEIGHTS = np.random.default_rng(1).normal(0, 0.3, (8, 8))


def told(count: int, seed: int = 0) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    features = np.random.default_rng(seed).uniform(3, 7, (count, 7))
    return np.concatenate([features, np.pad(features, ((0, 0), (0, 1)), constant_values=1) @ WEIGHTS], axis=1).astype(
        np.float32
    )


def test_the_function_is_found_when_enough_was_told() -> None:
    learner = Learner()
    assert not learner.learn(told(6))
    assert learner.learn(told(10, seed=1))
    assert learner.done
    assert learner.weights == pytest.approx(WEIGHTS, abs=1e-3)
    assert not learner.learn(told(10, seed=2))


def test_ratings_at_the_end_of_their_scale_are_found_later() -> None:
    calm = told(20)
    calm[3:, 7 + 3] = np.nan
    learner = Learner()
    assert learner.learn(calm)
    assert np.isnan(learner.weights[:, 3]).all()
    assert set(MOODS) - set(explained(learner.weights, (5,) * 7)) == {MOODS[3]}
    again = Learner(learner.weights)
    assert again.learn(told(12, seed=3))
    assert again.done
    assert again.weights == pytest.approx(WEIGHTS, abs=1e-3)


def test_of_many_windows_the_newest_are_kept_that_tell_what_is_unknown() -> None:
    learner = Learner()
    for seed in range(200):
        some = told(20, seed)
        some[:, 7 + 2] = np.random.default_rng(seed).uniform(1, 9, 20)  # is no linear function, and never found
        learner.learn(some)
    assert len(learner._told) == 400
    assert np.isnan(learner.weights[:, 2]).all()
    learner = Learner()
    for seed in range(200):
        some = told(20, seed)
        some[0 if seed % 10 else 1 :, 7 + 3] = np.nan  # is told by one window of two hundred
        learner.learn(some)
    assert learner.done


def test_what_is_always_the_same_or_no_linear_function_explains_nothing() -> None:
    assert not Learner().learn(np.repeat(told(1), 50, axis=0))
    crooked = told(50)
    crooked[:, 7:] **= 2
    assert not Learner().learn(crooked)


def test_effects_and_the_constant_add_up_to_the_rating() -> None:
    features = tuple(np.linspace(2, 8, 7))
    for mood, reason in explained(WEIGHTS, features).items():
        points = [effect.points for effect in reason.effects]
        assert sorted(points, key=abs, reverse=True) == points
        assert {effect.feature for effect in reason.effects} == set(MID_LEVEL)
        column = WEIGHTS[:, MOODS.index(mood)]
        middle = 5 * column[:-1].sum() + column[-1]
        assert reason.rating == pytest.approx(np.clip(middle + sum(points), 1, 9))


def test_the_shipped_model_explains_itself() -> None:
    ear = Ear(load_manifest(), Runtime())
    learner = Learner()
    for tempo_bpm in (50, 80, 125, 180):
        for chords in (C_MAJOR, A_MINOR):
            for hiss in (0.0, 0.02, 0.2):
                *_, windows = ear._mood_windows(music(10.0, tempo_bpm, chords) + np.float32(hiss) * noise(10.0))
                learner.learn(windows)
    known = np.isfinite(learner.weights[0])
    assert known[: MOODS.index("tension") + 1].all()
    fresh = ear.hear(music(10.0, 90, A_MINOR) + np.float32(0.1) * noise(10.0))
    told = np.nan_to_num(fresh.told[0, 7:], nan=1.0)
    for mood, reason in explained(learner.weights, fresh.mid_level).items():
        assert reason.rating == pytest.approx(told[MOODS.index(mood)], abs=0.02)
