"""What the classes of other people's texts are in the house: our eight emotions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from robotd.emotion import EMOTIONS, Emotion
from robotd.perceive.features.tokens import tokens

from ..data.texts import CLASSES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..data.texts import Texts

#: The house's own labels: calm is learned from a few words and from relief alone (see `_CALM`).
LABELS = tuple(emotion.value for emotion in EMOTIONS)

#: What each set's classes are in the house. Two: half of each.
_HOUSE: dict[str, tuple[Emotion, ...]] = {
    "admiration": (Emotion.HAPPY,),
    "amusement": (Emotion.HAPPY,),
    "anger": (Emotion.ANGRY,),
    "annoyance": (Emotion.ANGRY,),
    "approval": (Emotion.HAPPY, Emotion.NEUTRAL),
    "caring": (Emotion.HAPPY, Emotion.NEUTRAL),
    "confusion": (Emotion.NEUTRAL, Emotion.SURPRISED),
    "curiosity": (Emotion.NEUTRAL,),
    "desire": (Emotion.HAPPY, Emotion.NEUTRAL),
    "disappointment": (Emotion.SAD,),
    "disapproval": (Emotion.ANGRY, Emotion.NEUTRAL),
    "disgust": (Emotion.DISGUST,),
    "embarrassment": (Emotion.SAD,),
    "excitement": (Emotion.HAPPY,),
    "fear": (Emotion.FEARFUL,),
    "gratitude": (Emotion.HAPPY,),
    "grief": (Emotion.SAD,),
    "guilt": (Emotion.SAD,),
    "joy": (Emotion.HAPPY,),
    "love": (Emotion.HAPPY,),
    "nervousness": (Emotion.FEARFUL,),
    "neutral": (Emotion.NEUTRAL,),
    "optimism": (Emotion.HAPPY,),
    "pride": (Emotion.HAPPY,),
    "realization": (Emotion.NEUTRAL, Emotion.SURPRISED),
    "relief": (Emotion.CALM,),
    "remorse": (Emotion.SAD,),
    "sadness": (Emotion.SAD,),
    "shame": (Emotion.SAD,),
    "surprise": (Emotion.SURPRISED,),
}
#: Words that make a happy text a calm one. No set has that class; these are the words by which listeners and raters
#: call a quiet pleasure (Warriner et al. 2013: valence above 6, arousal below 3.5 of 9), and their kin.
_CALM = frozenset(
    (
        *("calm", "calmer", "calmly", "calmness", "peaceful", "peacefully", "serene", "serenity", "tranquil"),
        *("relaxed", "relaxing", "relax", "restful", "rested", "mellow", "soothed", "soothing", "comfy", "cozy"),
        *("content", "contented", "untroubled", "unhurried"),
    )
)
_JOY = ("joy", "relief")


def house_targets(texts: Texts) -> NDArray[np.float32]:
    """Return [n, 8] probabilities of our emotions for a set with classes."""
    classes = CLASSES[texts.name]
    spread = np.zeros((len(classes), len(LABELS)), np.float32)
    for row, name in zip(spread, classes, strict=True):
        for emotion in _HOUSE[name]:
            row[EMOTIONS.index(emotion)] = 1.0 / len(_HOUSE[name])
    house: NDArray[np.float32] = texts.targets @ spread
    joyful = texts.targets[:, [classes.index(name) for name in _JOY if name in classes]].sum(axis=1) > 0.0
    happy, calm = EMOTIONS.index(Emotion.HAPPY), EMOTIONS.index(Emotion.CALM)
    for row, joy, text in zip(house, joyful, texts.texts, strict=True):
        if joy and not _CALM.isdisjoint(tokens(text)):
            row[calm] += row[happy]
            row[happy] = 0.0
    return house
