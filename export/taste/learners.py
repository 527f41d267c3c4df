"""Ways to learn a taste, to be measured against each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from robotd.music.taste import NOISE, Taste

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from robotd.music.selection import Expects

    #: Learns from features [n, d] and rewards [n], the oldest first.
    Learner = Callable[[NDArray[np.float32], NDArray[np.float32]], Expects]


def linear(forgetting: float) -> Learner:
    """Return the robot's own: discounted LinUCB."""
    return lambda features, rewards: Taste.learn(features, rewards, forgetting)


def logistic(forgetting: float) -> Learner:
    """Return logistic regression of scikit-learn, learnt anew from all rewards after each.

    A reward counts by its size; its spread is that of the Laplace approximation (Chapelle & Li, "An empirical
    evaluation of Thompson sampling", NeurIPS 2011), and its ridge that of the linear model.

    Args:
        forgetting: how much less each reward counts than the next.
    """
    from sklearn.linear_model import LogisticRegression

    def learn(features: NDArray[np.float32], rewards: NDArray[np.float32]) -> _Logistic:
        weights = np.abs(rewards) * forgetting ** np.arange(len(rewards) - 1, -1, -1)
        liked = rewards > 0
        precision = np.eye(features.shape[1])
        model = None
        if liked.any() and not liked.all():
            model = LogisticRegression(C=NOISE**-2, max_iter=200).fit(features, liked, weights)
            sure = model.predict_proba(features)[:, 1]
            precision += (features * (weights * sure * (1 - sure) / NOISE**2)[:, None]).T @ features
        return _Logistic(model, np.linalg.inv(precision).astype(np.float32))

    return learn


def stochastic(rate: float) -> Learner:
    """Return logistic regression of scikit-learn by stochastic gradient descent, a step a reward; it tries nothing.

    Args:
        rate: the size of the first step.
    """
    from sklearn.linear_model import SGDClassifier

    model = SGDClassifier(loss="log_loss", alpha=1e-3, learning_rate="invscaling", eta0=rate, power_t=0.25)

    def learn(features: NDArray[np.float32], rewards: NDArray[np.float32]) -> _Logistic:
        if len(rewards) == 1 and hasattr(model, "coef_"):  # another listener
            del model.coef_
        weight = np.abs(rewards[-1:])
        model.partial_fit(features[-1:], rewards[-1:] > 0, classes=[False, True], sample_weight=weight)
        return _Logistic(model, None)

    return learn


@dataclass(frozen=True, slots=True, eq=False)
class _Logistic:
    """A logistic regression in the place of the robot's `Taste`; without a model nothing is known."""

    model: Any
    covariance: NDArray[np.float32] | None

    def expect(self, features: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the reward to be expected of songs, [n] -1..1, and its deviation, [n]."""
        mean = np.zeros(len(features), np.float32)
        if self.model is not None:
            mean = (2 * self.model.predict_proba(features)[:, 1] - 1).astype(np.float32)
        if self.covariance is None:
            return mean, np.zeros_like(mean)
        spread = np.sqrt(np.einsum("nd,nd->n", features @ self.covariance, features))
        return mean, spread.astype(np.float32)
