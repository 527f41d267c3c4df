"""Why a song is taken for tense or tender: ratings as a linear function of mid-level features.

After Chowdhury, Vall, Haunschmid & Widmer (2019), "Towards explainable music emotion recognition: the route via
mid-level features" (ISMIR), who call a weight times a feature its effect.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from robotd.music.table import MID_LEVEL, MOODS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

#: So many windows determine the function well, being real music, and so near must it come to each.
_ENOUGH = 12
_EXACT = 0.01
#: So many windows are kept, the newest ones.
_KEPT = 400
#: Effects are told against a feature in the middle of its scale.
_MIDDLE = 5.0
_LEAST, _MOST = 1.0, 9.0


@dataclass(frozen=True, slots=True)
class Effect:
    """What a feature does to a rating: so many points more or less than if it were in the middle of its scale."""

    feature: str
    value: float
    points: float


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a song is given a rating.

    Attributes:
        rating: what the features alone tell, 1..9; `Facts.moods` has what is told straight.
        effects: of each feature, the greatest first.
    """

    rating: float
    effects: tuple[Effect, ...]


class Learner:
    """Finds the function, which the model keeps to itself, from what it says of windows of music.

    The model's last layer is that function exactly, so a few windows determine it.

    Args:
        weights: what is known already, [7 + 1, 8], the last row being constants; NaN for ratings that are not.
    """

    def __init__(self, weights: NDArray[np.float64] | None = None) -> None:
        unknown = np.full((len(MID_LEVEL) + 1, len(MOODS)), np.nan)
        self.weights = unknown if weights is None else weights.copy()
        self._told = np.empty((0, len(MID_LEVEL) + len(MOODS)), np.float32)

    @property
    def done(self) -> bool:
        """Whether nothing is unknown."""
        return bool(np.isfinite(self.weights).all())

    def learn(self, told: NDArray[np.float32]) -> bool:
        """Take in `Heard.told` of a song; return whether more is known than before."""
        unknown = np.flatnonzero(np.isnan(self.weights[0]))
        # Windows that tell nothing of what is still unknown would only drive out those that do.
        useful = told[np.isfinite(told[:, len(MID_LEVEL) + unknown]).any(axis=1)]
        if not len(useful):
            return False
        self._told = np.concatenate([self._told, useful])[-_KEPT:]
        features = np.pad(self._told[:, : len(MID_LEVEL)].astype(np.float64), ((0, 0), (0, 1)), constant_values=1.0)
        found = False
        for place in unknown:
            rating = self._told[:, len(MID_LEVEL) + place].astype(np.float64)
            known = np.isfinite(rating)
            if known.sum() < _ENOUGH:
                continue
            solved, _, rank, _ = np.linalg.lstsq(features[known], rating[known], rcond=1e-6)
            if rank == features.shape[1] and np.abs(features[known] @ solved - rating[known]).max() < _EXACT:
                self.weights[:, place] = solved
                found = True
        return found


def explained(weights: NDArray[np.float64], mid_level: Sequence[float]) -> dict[str, Reason]:
    """Return for each of `MOODS` why a song is given it; those whose weights are not known are left out.

    Args:
        weights: see `Learner`.
        mid_level: the 7 features of the song.
    """
    found: dict[str, Reason] = {}
    for mood, column in zip(MOODS, weights.T, strict=True):
        if np.isnan(column).any():
            continue
        effects = [
            Effect(name, value, float(weight * (value - _MIDDLE)))
            for name, value, weight in zip(MID_LEVEL, mid_level, column[:-1], strict=True)
        ]
        rating = float(np.clip(np.append(mid_level, 1.0) @ column, _LEAST, _MOST))
        found[mood] = Reason(rating, tuple(sorted(effects, key=lambda effect: -abs(effect.points))))
    return found
