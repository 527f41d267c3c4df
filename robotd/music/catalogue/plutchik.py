"""Valence and arousal of songs of which the eight emotions of Plutchik (1980) are known, from listeners' tags."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from robotd.music.catalogue.scale import DEVIATIONS

if TYPE_CHECKING:
    from collections.abc import Mapping

#: What a share of each emotion adds to valence and arousal, as standard scores. Ridge regression on the 956 songs
#: whose emotions are in PlayMood (Affolter & Rohrmeier 2024) and whose ratings are in other catalogues (nearly all in
#: Deezer's, Delbouys et al. 2018); r on songs left out is 0.39 and 0.22 (0.39 and 0.13 by the circumplex of
#: `robotd.emotion`), so take it for a hint. Scaled so that the scores of PlayMood's 5,797 songs deviate by 1.
WEIGHTS: dict[str, tuple[float, float]] = {
    "anger": (-2.00, 5.58),
    "anticipation": (0.86, -0.12),
    "disgust": (-0.02, 3.13),
    "fear": (-2.23, -3.53),
    "joy": (0.95, -1.31),
    "sadness": (-1.47, -2.92),
    "surprise": (2.76, -0.25),
    "trust": (1.15, -0.59),
}
_OFFSET = (-0.37, 0.72)


def point_of(emotions: Mapping[str, float]) -> tuple[float, float]:
    """Return (valence, arousal), -1..1, of the eight emotions by name; only their shares of the sum matter.

    Raises:
        ValueError: one is negative or no number, or all are 0.
    """
    total = math.fsum(emotions.values())
    if not all(value >= 0 for value in emotions.values()) or not 0 < total < math.inf:
        raise ValueError("the emotions must be 0 or more, one of them above 0")
    scores = (
        offset + math.fsum(WEIGHTS[name][axis] * value / total for name, value in emotions.items())
        for axis, offset in enumerate(_OFFSET)
    )
    valence, arousal = (min(1.0, max(-1.0, score / DEVIATIONS)) for score in scores)
    return valence, arousal
