"""Chance, as augmentations need it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


def sometimes(rng: np.random.Generator, probability: float) -> bool:
    """Return true in that share of the calls."""
    return bool(rng.random() < probability)
