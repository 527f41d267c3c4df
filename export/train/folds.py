"""Measures a recipe by cross-validation over people, where the shipped net learns from all of them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from .loop import logits, train

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from ..recipe import Recipe
    from .voices import Voices


def measured_in_folds(recipe: Recipe, data: Voices, checkpoints: Path, folds: Iterable[Sequence[int]]) -> Voices:
    """Train a net for each fold of speakers, on all others; return the data with what these nets gave in its tests.

    Folds without a recording are passed over, and so are tests that do not tell who speaks.
    """
    in_folds = [list(fold) for fold in folds if np.isin(data.speakers, list(fold)).any()]
    if not in_folds:
        return data
    nets = []
    for fold in in_folds:
        checkpoint = checkpoints / f"{recipe.name}_without_{fold[0]}_to_{fold[-1]}.pt"
        nets.append(train(replace(recipe, folds=None), data.without(fold), checkpoint))
    tests = {}
    for name, test in data.tests.items():
        if test.groups is None:
            tests[name] = test
            continue
        found = [np.flatnonzero(np.isin(test.groups, fold)) for fold in in_folds]
        unseen = [logits(net, test.inputs[places]) for net, places in zip(nets, found, strict=True)]
        order = np.concatenate(found)
        tests[name] = replace(
            test,
            inputs=test.inputs[order],
            truth=test.truth[order],
            groups=test.groups[order],
            unseen=np.concatenate(unseen),
        )
    return replace(data, tests=tests)
