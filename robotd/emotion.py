"""The vocabulary of feeling: eight emotions, valence and arousal, quadrants, readings and feelings."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

#: `both`: face and voice read together by one model.
Modality = Literal["face", "voice", "words", "both"]
#: Those that are told of one by one.
MODALITIES: tuple[Modality, ...] = ("face", "voice", "words")
UNKNOWN = "unknown"


class Emotion(str, Enum):
    """The eight emotions, in the order of RAVDESS (Livingstone & Russo 2018)."""

    NEUTRAL = "neutral"
    CALM = "calm"
    HAPPY = "happy"
    SAD = "sad"
    ANGRY = "angry"
    FEARFUL = "fearful"
    DISGUST = "disgust"
    SURPRISED = "surprised"


EMOTIONS: tuple[Emotion, ...] = tuple(Emotion)


class Quadrant(str, Enum):
    """Quadrants of the valence/arousal plane, counted anticlockwise from happy and excited."""

    Q1 = "Q1"
    Q2 = "Q2"
    Q3 = "Q3"
    Q4 = "Q4"


QUADRANT_OF: dict[Emotion, Quadrant] = {
    Emotion.HAPPY: Quadrant.Q1,
    Emotion.SURPRISED: Quadrant.Q1,
    Emotion.ANGRY: Quadrant.Q2,
    Emotion.DISGUST: Quadrant.Q2,
    Emotion.FEARFUL: Quadrant.Q2,
    Emotion.SAD: Quadrant.Q3,
    Emotion.CALM: Quadrant.Q4,
    Emotion.NEUTRAL: Quadrant.Q4,
}

#: (valence, arousal) in -1..1: pleasure and arousal means of Russell & Mehrabian, "Evidence for a
#: three-factor theory of emotions", Journal of Research in Personality 11 (1977), 273-294; calm is their
#: "relaxed". Neutral, which they do not rate, is put beside the origin on the side of its quadrant.
CIRCUMPLEX: dict[Emotion, tuple[float, float]] = {
    Emotion.NEUTRAL: (0.05, -0.10),
    Emotion.CALM: (0.68, -0.46),
    Emotion.HAPPY: (0.81, 0.51),
    Emotion.SAD: (-0.63, -0.27),
    Emotion.ANGRY: (-0.51, 0.59),
    Emotion.FEARFUL: (-0.64, 0.60),
    Emotion.DISGUST: (-0.60, 0.35),
    Emotion.SURPRISED: (0.40, 0.67),
}

#: Other people's words for our emotions: FER-2013 folders, FER+ columns, four-class speech, texts, lyrics.
SYNONYMS: dict[str, Emotion] = {
    "anger": Emotion.ANGRY,
    "fear": Emotion.FEARFUL,
    "happiness": Emotion.HAPPY,
    "joy": Emotion.HAPPY,
    "love": Emotion.HAPPY,
    "sadness": Emotion.SAD,
    "surprise": Emotion.SURPRISED,
    "tenderness": Emotion.CALM,
    "tension": Emotion.ANGRY,
}

#: What each of the eight emotions is in the four classes of speech (anger, happiness, neutral, sadness).
FOUR_CLASS: dict[str, tuple[Emotion, ...]] = {
    "anger": (Emotion.ANGRY, Emotion.DISGUST, Emotion.FEARFUL),
    "happiness": (Emotion.HAPPY, Emotion.SURPRISED),
    "neutral": (Emotion.NEUTRAL, Emotion.CALM),
    "sadness": (Emotion.SAD,),
}


def emotion_named(name: str) -> Emotion:
    """Return the emotion of one of our names or of a known synonym.

    Raises:
        ValueError: nobody calls an emotion that.
    """
    return SYNONYMS[name] if name in SYNONYMS else Emotion(name)


def to_eight(labels: Sequence[str], probabilities: Iterable[float]) -> tuple[float, ...]:
    """Spread the probabilities of a model's own labels over our eight emotions.

    Labels that mean the same emotion add up; emotions that the model does not know stay at 0.
    """
    eight = dict.fromkeys(EMOTIONS, 0.0)
    for label, probability in zip(labels, probabilities, strict=True):
        eight[emotion_named(label)] += float(probability)
    return tuple(eight.values())


def valence_arousal(probabilities: Sequence[float]) -> tuple[float, float]:
    """Return the expected (valence, arousal), each in -1..1, of 8 probabilities on the circumplex."""
    valence = math.fsum(p * CIRCUMPLEX[e][0] for e, p in zip(EMOTIONS, probabilities, strict=True))
    arousal = math.fsum(p * CIRCUMPLEX[e][1] for e, p in zip(EMOTIONS, probabilities, strict=True))
    return valence, arousal


#: The points (valence, arousal) that stand for a quadrant where only its name is known.
MOODS: dict[Quadrant, tuple[float, float]] = {
    Quadrant.Q1: (0.6, 0.5),
    Quadrant.Q2: (-0.6, 0.5),
    Quadrant.Q3: (-0.6, -0.4),
    Quadrant.Q4: (0.5, -0.4),
}


def quadrant_at(valence: float, arousal: float) -> Quadrant:
    """Return the quadrant of a point of the plane; an axis belongs to its positive side."""
    if arousal >= 0:
        return Quadrant.Q1 if valence >= 0 else Quadrant.Q2
    return Quadrant.Q4 if valence >= 0 else Quadrant.Q3


@dataclass(frozen=True, slots=True)
class Reading:
    """What one model made of one look, one utterance or one sentence.

    Attributes:
        modality: where it comes from.
        time_s: when that was, in seconds since the input began.
        probabilities: of the 8 emotions in order, summing to 1.
    """

    modality: Modality
    time_s: float
    probabilities: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.probabilities) != len(EMOTIONS):
            raise ValueError(f"a reading has {len(EMOTIONS)} probabilities, not {len(self.probabilities)}")

    @property
    def label(self) -> Emotion:
        """The most probable emotion."""
        return EMOTIONS[max(range(len(EMOTIONS)), key=self.probabilities.__getitem__)]

    @property
    def confidence(self) -> float:
        """The probability of the label, 0..1."""
        return max(self.probabilities)


@dataclass(frozen=True, slots=True)
class Feeling:
    """The one estimate of how the person feels.

    Attributes:
        time_s: seconds since the input began.
        label: an emotion, or `unknown` when nobody has been seen or heard lately.
        probabilities: of the 8 emotions in order, summing to 1; all equal when unknown.
        valence: -1 (unpleasant) .. 1 (pleasant), None when unknown.
        arousal: -1 (sleepy) .. 1 (excited), None when unknown.
        quadrant: None when unknown.
        confidence: probability of the label, 0 when unknown.
        readings: the latest reading of each modality that still counts.
        since_s: when the label became this one.
    """

    time_s: float
    label: str
    probabilities: tuple[float, ...]
    valence: float | None
    arousal: float | None
    quadrant: Quadrant | None
    confidence: float
    readings: Mapping[Modality, Reading]
    since_s: float

    @property
    def known(self) -> bool:
        """Whether there is a person to answer."""
        return self.label != UNKNOWN
