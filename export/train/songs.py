"""What the song models share: what a frozen trunk hears in each clip, all sets' ratings, and how to learn them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from rich.progress import track
from sklearn.linear_model import RidgeCV
from torch import nn

from ..data.songs import SCALES
from .song_nets import Context

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from ..data.songs import Clip

#: Every rating of every set: (set, column), in the order of the nets' outputs.
RATED = tuple((source, column) for source, (columns, _, _) in SCALES.items() for column in columns)
BATCH = 48
FOLDS = 5
_GRADIENT_NORM = 2.0
_WARMUP = 0.05
_WEIGHT_DECAY = 0.05
#: Share of the batches in which clips of the same set are mixed (mixup, Zhang et al. 2018, arXiv:1710.09412).
_MIXED = 0.3
#: Of ridge regression, to choose from; and deviations that no feature goes beyond in it.
_STRENGTHS = np.geomspace(30.0, 3e5, 13)
_FAR = 5.0
#: Pitch classes come twice a step.
CLASSES_A_STEP = 2


@dataclass(frozen=True, slots=True, eq=False)
class Heard:
    """What a frozen trunk hears in a clip.

    Attributes:
        steps: [n, features] of every 0.256 s.
        classes: [CLASSES_A_STEP n, 12] pitch classes of every 0.128 s.
        bands: [n, 48] of the mel picture.
    """

    steps: NDArray[np.float32]
    classes: NDArray[np.float32]
    bands: NDArray[np.float32]

    def at_least(self, steps: int) -> Heard:
        """Return it repeated until it lasts for so many steps."""
        times = (math.ceil(steps / len(self.steps)), 1)
        return Heard(np.tile(self.steps, times), np.tile(self.classes, times), np.tile(self.bands, times))


@dataclass(frozen=True, slots=True, eq=False)
class Rated:
    """Clips as heard, ready to learn from.

    Attributes:
        steps: of each clip, [n, features].
        contexts: of each clip, [places, 98] of the window that begins at each step.
        window: steps of a window.
        ratings: [clips, ratings] of RATED in their own scales, NaN where there is none.
        groups: [clips] which album, artist or track.
        folds: [clips] 0 to FOLDS - 1.
    """

    steps: Sequence[NDArray[np.float32]]
    contexts: Sequence[NDArray[np.float32]]
    window: int
    ratings: NDArray[np.float32]
    groups: NDArray[np.int64]
    folds: NDArray[np.int64]

    def windows(self, clip: int) -> tuple[Any, Any]:
        """Return the windows of a clip as the robot cuts them: [n, window, features] and [n, 98]."""
        last = len(self.contexts[clip]) - 1
        starts = [*range(0, last, self.window), last]
        steps = np.stack([self.steps[clip][start : start + self.window] for start in starts])
        return torch.from_numpy(steps.astype(np.float32)), torch.from_numpy(self.contexts[clip][starts])

    def scale(self, clips: NDArray[np.int64]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return mean and deviation of each rating over some clips."""
        known = self.ratings[clips]
        deviation = np.nanstd(known, axis=0)
        return np.nanmean(known, axis=0), np.where(deviation > 0.0, deviation, 1.0).astype(np.float32)

    def of(self, source: str) -> NDArray[np.int64]:
        """Return the clips that have ratings of a set."""
        return np.flatnonzero(~np.isnan(self.ratings[:, columns_of(source)]).all(axis=1))


def columns_of(source: str) -> list[int]:
    """Return which of RATED are a set's."""
    return [n for n, (name, _) in enumerate(RATED) if name == source]


def hear(clips: Sequence[Clip], listen: Callable[[Clip], Heard]) -> list[Heard]:
    """Return what a trunk hears in each clip, with a progress bar."""
    with torch.inference_mode():
        return [listen(clip) for clip in track(clips, "listening", transient=True)]


def rated(clips: Sequence[Clip], heard: Sequence[Heard], folds: NDArray[np.int64], window: int) -> Rated:
    """Put together what was heard and what people say of it."""
    context = Context()
    steps, contexts = [], []
    with torch.inference_mode():
        for one in track(heard, "looking for keys", transient=True):
            long = one.at_least(window)
            places = range(len(long.steps) - window + 1)
            classes = [long.classes[CLASSES_A_STEP * n :][: CLASSES_A_STEP * window] for n in places]
            bands = [long.bands[n : n + window] for n in places]
            both = (torch.from_numpy(np.stack(cut).astype(np.float32)) for cut in (classes, bands))
            steps.append(long.steps)
            contexts.append(context(*both).numpy())
    ratings = np.full((len(clips), len(RATED)), np.nan, np.float32)
    for row, clip in zip(ratings, clips, strict=True):
        for n, (source, column) in enumerate(RATED):
            if clip.source == source and column in clip.ratings:
                row[n] = clip.ratings[column]
    groups = np.unique([clip.group for clip in clips], return_inverse=True)[1].astype(np.int64)
    return Rated(steps, contexts, window, ratings, groups, folds)


def learn(
    net: Any,
    data: Rated,
    clips: NDArray[np.int64],
    told: Callable[[Any], Sequence[tuple[Any, NDArray[np.int64], float]]],
    *,
    epochs: int,
    learning_rate: float = 3e-3,
    seed: int = 0,
) -> Any:
    """Teach a net all ratings of some clips at once and return it, ready for inference.

    The loss is the mean absolute error of the standardised ratings that are there. A clip is a window of it at a
    random place; at times two clips of a set are mixed, ratings and all.

    Args:
        net: from [n, window, features] and [n, 98] to what `told` understands.
        data: the clips.
        clips: which of them to learn from.
        told: from the net's outputs to [n, k] values, the k columns of RATED that they are, and how much they weigh.
        epochs: times through the clips.
        learning_rate: at its highest.
        seed: of order, places and mixtures.
    """
    rng = np.random.default_rng(seed)
    mean, deviation = data.scale(clips)
    targets = (data.ratings - mean) / deviation
    optimiser = torch.optim.AdamW(
        [one for one in net.parameters() if one.requires_grad], lr=learning_rate, weight_decay=_WEIGHT_DECAY
    )
    steps = max(1, len(clips) // BATCH)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: _rate(step / (epochs * steps)))
    for _ in range(epochs):
        net.train()
        order = rng.permutation(clips)
        for step in range(steps):
            chosen = order[step * BATCH : (step + 1) * BATCH]
            window, context, target = _batch(data, chosen, targets, rng)
            loss, weight = torch.zeros(()), torch.zeros(())
            for values, columns, importance in told(net(window, context)):
                wanted = target[:, columns]
                there = ~wanted.isnan()
                loss = loss + importance * ((values - wanted.nan_to_num()).abs() * there).sum()
                weight = weight + importance * there.sum()
            optimiser.zero_grad()
            (loss / weight).backward()
            nn.utils.clip_grad_norm_(net.parameters(), _GRADIENT_NORM)
            optimiser.step()
            schedule.step()
    return net.eval()


def fit_linear(layer: Any, data: Rated, clips: NDArray[np.int64], features: Callable[[Any, Any], Any]) -> None:
    """Fit a linear layer to the standardised ratings, each set by itself: ridge, its strength by leave-one-out.

    Args:
        layer: from features to RATED.
        data: the clips.
        clips: which of them to learn from.
        features: what the layer reads in windows, [n, ..., features].
    """
    mean, deviation = data.scale(clips)
    inputs = linear_inputs(data, clips, features)
    weight, bias = np.zeros((len(RATED), inputs.shape[1])), np.zeros(len(RATED))
    for source in SCALES:
        columns = columns_of(source)
        targets = ((data.ratings[clips] - mean) / deviation)[:, columns]
        there = ~np.isnan(targets).any(axis=1)
        if there.sum() > FOLDS:
            ridge = RidgeCV(_STRENGTHS).fit(inputs[there], targets[there])
            weight[columns], bias[columns] = ridge.coef_, ridge.intercept_
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(weight))
        layer.bias.copy_(torch.from_numpy(bias))


def linear_inputs(data: Rated, clips: NDArray[np.int64], features: Callable[[Any, Any], Any]) -> NDArray[np.float32]:
    """Return what a linear layer reads in each clip, [clips, features]: the mean over its windows, outliers cut."""
    with torch.inference_mode():
        read = [features(*data.windows(int(clip))).flatten(0, -2).mean(dim=0).numpy() for clip in clips]
    inputs: NDArray[np.float32] = np.clip(np.stack(read), -_FAR, _FAR)
    return inputs


def _batch(
    data: Rated, chosen: NDArray[np.int64], targets: NDArray[np.float32], rng: np.random.Generator
) -> tuple[Any, Any, Any]:
    places = [int(rng.integers(0, len(data.contexts[clip]))) for clip in chosen]
    pairs = list(zip(chosen, places, strict=True))
    window = np.stack([data.steps[clip][place : place + data.window] for clip, place in pairs]).astype(np.float32)
    context = np.stack([data.contexts[clip][place] for clip, place in pairs])
    target = targets[chosen]
    if rng.random() < _MIXED:
        other = rng.permutation(len(chosen))
        # Only clips with ratings in common: the mixture has the mixed ratings.
        common = (~np.isnan(target) & ~np.isnan(target[other])).any(axis=1)
        other = np.where(common, other, np.arange(len(chosen)))
        share = np.float32(rng.random())
        window, context, target = (share * one + (1.0 - share) * one[other] for one in (window, context, target))
    return torch.from_numpy(window), torch.from_numpy(context), torch.from_numpy(target)


def _rate(done: float) -> float:
    return done / _WARMUP if done < _WARMUP else 0.5 + 0.5 * math.cos(math.pi * min(1.0, done))
