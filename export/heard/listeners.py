"""The judge that helps to compose, and the listeners that are asked afterwards what they hear."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from robotd.config import Runtime
from robotd.music.compose.judge import Judge
from robotd.perceive.features import score, symbolic
from robotd.perceive.manifest import load_manifest
from robotd.perceive.score import ScoreReader

from ..build import build
from ..calibrate import probabilities
from ..recipe import Examples
from ..train import judge, judge_notes
from ..train.loop import logits, train

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from ..recipe import Recipe

#: The name of the listener that takes part in composing.
JUDGE = "judge"
#: Half the songs give half the batches of an epoch: twice the epochs make as many steps as the recipes take.
_LONGER = 2
_TREES = 500
#: A leaf of fewer clips would learn them by heart: each comes in eight versions.
_SMALLEST_LEAF = 8


@dataclass(frozen=True, slots=True, eq=False)
class Listener:
    """A model that says which quadrant it hears.

    Attributes:
        name: one word for tables.
        kind: what it is, for the report.
        shares: [n, features] of `symbolic.NAMES` to [n, 4] shares of the quadrants.
    """

    name: str
    kind: str
    shares: Callable[[NDArray[np.float32]], NDArray[np.float64]]


def longer(recipe: Recipe) -> Recipe:
    """Return a recipe for half the songs, with as many steps as for all of them."""
    return replace(recipe, schedule=replace(recipe.schedule, epochs=_LONGER * recipe.schedule.epochs))


def composing_judge(half: judge.Scores, checkpoints: Path) -> Judge:
    """Return the judge that helps to compose, in the shape in which robots have it: quantised, read by their own code.

    Its temperature is fitted to nets of five folds of its own half, so that it knows nothing at all of the other.
    """
    recipe = longer(judge_notes.RECIPE)
    own = replace(half.examples(np.ones(len(half.labels), np.bool_)), unseen=judge.out_of_fold(recipe, half))
    # The model is in memory once it is opened.
    with tempfile.TemporaryDirectory() as folder:
        build(recipe, replace(half, tests={"folds": own}), _composing(half, checkpoints), Path(folder))
        return Judge(ScoreReader(recipe.name, load_manifest(Path(folder)), Runtime()))


def judge_listener(half: judge.Scores, checkpoints: Path) -> Listener:
    """Return the net of the composing judge as a listener: what it hears says how well composers learn to please it."""
    net = _composing(half, checkpoints)
    kind = "the recipe `judge_notes` on the other half of the songs: the judge that composing asks"
    return Listener(JUDGE, kind, lambda features: probabilities(logits(net, features)))


def _composing(half: judge.Scores, checkpoints: Path) -> Any:
    return train(longer(judge_notes.RECIPE), half, checkpoints / "judge.pt")


def listeners(half: judge.Scores, checkpoints: Path) -> tuple[Listener, ...]:
    """Train three listeners of different kinds on the same songs.

    Args:
        half: the songs that the composing judge has not learnt from.
        checkpoints: folder for the trainings' states.
    """
    return (_committee(half, checkpoints), _perceptron(half, checkpoints), _trees(half))


def _committee(half: judge.Scores, checkpoints: Path) -> Listener:
    net = train(longer(judge_notes.RECIPE), half, checkpoints / "committee.pt")
    kind = "the recipe `judge_notes`: the mean of 12 perceptrons on random halves of all features"
    return Listener("committee", kind, lambda features: probabilities(logits(net, features)))


def _perceptron(half: judge.Scores, checkpoints: Path) -> Listener:
    few = len(score.NAMES)
    assert symbolic.NAMES[:few] == score.NAMES
    others = half.tests["others"]
    tests = {"others": Examples(others.inputs[:, :few], others.truth, others.groups)}
    net = train(
        longer(judge.RECIPE),
        replace(half, features=half.features[:, :, :few], tests=tests),
        checkpoints / "perceptron.pt",
    )
    kind = f"the recipe `judge`: one perceptron on {few} features, which know little of harmony"
    return Listener("perceptron", kind, lambda features: probabilities(logits(net, features[:, :few])))


def _trees(half: judge.Scores) -> Listener:
    from sklearn.ensemble import ExtraTreesClassifier

    versions = half.features.shape[1]
    trees = ExtraTreesClassifier(_TREES, min_samples_leaf=_SMALLEST_LEAF, class_weight="balanced", random_state=0)
    trees.fit(half.features.reshape(-1, half.features.shape[2]), half.labels.repeat(versions))
    kind = f"{_TREES} extremely randomised trees (Geurts et al. 2006) on all features: thresholds, no gradients"

    def shares(features: NDArray[np.float32]) -> NDArray[np.float64]:
        given: NDArray[np.float64] = trees.predict_proba(features)
        return given

    return Listener("trees", kind, shares)
