"""Simulated listeners with a hidden taste: what a recommender that learns gains, and what it risks."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from export.taste.learners import linear, logistic, stochastic
from export.taste.listeners import SimulatedListener, simulated_library
from export.taste.rehearse import Curves, Rehearsal
from export.taste.report import rehearsal_report
from robotd.config import Taste as TasteConfig
from robotd.music.table import FEATURES

LIBRARY = simulated_library(1500, seed=3)
#: People on whom nothing was tuned.
PEOPLE = range(5000, 5016)


@cache
def rehearsed() -> Curves:
    return Rehearsal(library=1500).run(linear(TasteConfig().forgetting), PEOPLE)


def test_after_200_songs_the_reward_is_30_per_cent_above_the_untrained_recommender() -> None:
    assert rehearsed().gain(50) >= 0.30


def test_on_the_way_it_is_never_5_per_cent_below() -> None:
    assert rehearsed().worst(20) >= -0.05


def test_nearly_everybody_is_better_off() -> None:
    curves = rehearsed()
    better = curves.learnt[:, -50:].mean(axis=1) > curves.untrained[:, -50:].mean(axis=1)
    assert better.mean() >= 0.9


def test_a_taste_that_counts_nothing_gains_nothing() -> None:
    idle = Rehearsal(songs=40, library=300, taste=TasteConfig(weight=0, explore=0))
    curves = idle.run(linear(0.995), range(2))
    assert curves.learnt.tolist() == curves.untrained.tolist()
    assert (curves.gain(20), curves.worst(10)) == (0, 0)


def test_the_same_seed_is_the_same_person() -> None:
    first, second, other = (SimulatedListener(LIBRARY, seed) for seed in (1, 1, 2))
    moments = first.moments(5)
    assert moments.moods.tolist() == second.moments(5).moods.tolist()
    assert first.likes(moments, 3).tolist() == second.likes(moments, 3).tolist()
    assert first.likes(moments, 3).tolist() != other.likes(moments, 3).tolist()


def test_people_like_songs_for_their_own_reasons_and_more_if_they_fit_the_mood() -> None:
    fits, lasting = [], []
    for seed in range(12):
        listener = SimulatedListener(LIBRARY, seed)
        moments = listener.moments(2)
        likes, later = (listener.likes(moments, i) for i in range(2))
        near = np.hypot(*(LIBRARY.points - moments.moods[0]).T) < 0.3
        fits.append(likes[near].mean() - likes[~near].mean())
        lasting.append(np.corrcoef(likes, later)[0, 1])
    assert np.mean(fits) > 0.1
    assert 0.5 < np.mean(lasting) < 1


def test_reactions_tell_what_is_liked() -> None:
    listener = SimulatedListener(LIBRARY, 1)
    assert np.mean([listener.reward(0.95) for _ in range(300)]) > 0.5
    assert np.mean([listener.reward(0.05) for _ in range(300)]) < -0.5
    assert {listener.react(0.5)[0] for _ in range(100)} == {"like", "dislike", "played", "skip"}


def test_the_library_is_as_one_that_was_scanned() -> None:
    assert len(LIBRARY) == 1500
    assert (LIBRARY.features[:, -1] == 1).all()
    assert np.corrcoef(LIBRARY.features[:, FEATURES.index("tempo")], LIBRARY.points[:, 1])[0, 1] > 0.3


@pytest.mark.parametrize("learner", [linear(0.99), logistic(0.99), stochastic(1.0)])
def test_every_learner_learns_what_is_plain(learner: object) -> None:
    random = np.random.default_rng(0)
    features = random.normal(size=(60, 12)).astype(np.float32)
    rewards = np.where(features[:, 4] > 0, 1, -1).astype(np.float32)
    for count in range(1, 61):
        taste = learner(features[:count], rewards[:count])  # type: ignore[operator]
    mean, spread = taste.expect(np.eye(12, dtype=np.float32)[[4, 5]])
    assert mean[0] > 0.3
    assert mean[0] > mean[1]
    assert (spread >= 0).all()


def test_the_report_tells_of_every_learner() -> None:
    rehearsal = Rehearsal(songs=60, library=300)
    found = {
        name: rehearsal.run(learner, range(2)) for name, learner in (("ours", linear(0.99)), ("theirs", stochastic(1)))
    }
    told = rehearsal_report(found, rehearsal, "python -m export taste")
    assert "| ours |" in told
    assert "| theirs |" in told
    assert "2 simulated people listen to 60 songs" in told
    assert "{" not in told
