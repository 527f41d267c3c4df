"""Simulated listeners listen, and a recommender learns from what they do."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from robotd.config import Recommend
from robotd.config import Taste as TasteConfig
from robotd.music.journey import Point, plan
from robotd.music.recommend import RESTING
from robotd.music.relevance import Relevance
from robotd.music.selection import Moment, Selector
from robotd.music.taste import joint_features

from .listeners import SimulatedListener, simulated_library

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from .learners import Learner


@dataclass(frozen=True, slots=True, eq=False)
class Curves:
    """How probably listeners liked the songs that they got, [listeners, songs] 0..1.

    Attributes:
        learnt: by a recommender that learns.
        untrained: by one that does not, in the same moments.
    """

    learnt: NDArray[np.float64]
    untrained: NDArray[np.float64]

    def gain(self, last: int) -> float:
        """Return how much better the learnt recommender did over the last so many songs, as a share."""
        return float(self.learnt[:, -last:].mean() / self.untrained[:, -last:].mean() - 1)

    def worst(self, window: int) -> float:
        """Return the worst of the mean curve against the untrained, as a share, smoothed over a window."""
        kernel = np.ones(window) / window
        learnt, untrained = (
            np.convolve(curve.mean(axis=0), kernel, mode="valid") for curve in (self.learnt, self.untrained)
        )
        return float((learnt / untrained).min() - 1)


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What listeners listen to, and how.

    Attributes:
        songs: how many each listens to.
        library: of how many songs.
        recommend: settings of the recommender.
        taste: likewise.
    """

    songs: int = 200
    library: int = 3000
    recommend: Recommend = field(default_factory=Recommend)
    taste: TasteConfig = field(default_factory=TasteConfig)

    def run(self, learner: Learner, seeds: Iterable[int]) -> Curves:
        """Let listeners listen to a recommender that learns, and to one that does not.

        Args:
            learner: learns after every song.
            seeds: one a listener.
        """
        table = simulated_library(self.library, seed=0)
        selector = Selector(Relevance(table))
        learnt: list[list[float]] = []
        untrained: list[list[float]] = []
        for seed in seeds:
            learnt.append(self._listen(SimulatedListener(table, seed), selector, learner))
            untrained.append(self._listen(SimulatedListener(table, seed), selector, None))
        return Curves(np.array(learnt), np.array(untrained))

    def _listen(self, listener: SimulatedListener, selector: Selector, learner: Learner | None) -> list[float]:
        """Return how probably a listener liked each of the songs that he got."""
        moments = listener.moments(self.songs)
        resting: deque[int] = deque(maxlen=self.recommend.rest)
        features: list[NDArray[np.float32]] = []
        rewards: list[float] = []
        curve = []
        nothing_said = selector.relevance.read(None, (), self.recommend.weights)
        for i in range(self.songs):
            taste = learner(np.array(features), np.array(rewards, np.float32)) if learner and rewards else None
            moment = Moment(moments.context(i), taste, costs=dict.fromkeys(resting, RESTING))
            way = plan(Point(*moments.moods[i].tolist()), "stay", 1, self.recommend.step)
            (pick,) = selector.choose(way, nothing_said, moment, self.recommend, self.taste)
            likes = float(listener.likes(moments, i)[pick.row])
            curve.append(likes)
            features.append(joint_features(moment.context, selector.songs.of(np.array([pick.row])))[0])
            rewards.append(listener.reward(likes))
            resting.append(pick.row)
        return curve
