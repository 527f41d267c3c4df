from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from robotd.emotion import (
    CIRCUMPLEX,
    EMOTIONS,
    FOUR_CLASS,
    QUADRANT_OF,
    Emotion,
    Quadrant,
    Reading,
    emotion_named,
    quadrant_at,
    to_eight,
    valence_arousal,
)

FER2013 = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")


def test_the_emotions_stand_in_the_order_of_ravdess() -> None:
    assert [e.value for e in EMOTIONS] == [
        "neutral",
        "calm",
        "happy",
        "sad",
        "angry",
        "fearful",
        "disgust",
        "surprised",
    ]


@pytest.mark.parametrize("emotion", EMOTIONS)
def test_each_emotion_lies_in_its_quadrant(emotion: Emotion) -> None:
    assert quadrant_at(*CIRCUMPLEX[emotion]) is QUADRANT_OF[emotion]


def test_the_axes_belong_to_their_positive_side() -> None:
    assert [quadrant_at(*p) for p in ((0, 0), (-1, 0), (0, -1), (-1, -1))] == [
        Quadrant.Q1,
        Quadrant.Q2,
        Quadrant.Q4,
        Quadrant.Q3,
    ]


def test_a_certain_emotion_is_its_point() -> None:
    assert valence_arousal([0, 0, 0, 1, 0, 0, 0, 0]) == pytest.approx(CIRCUMPLEX[Emotion.SAD])


def test_the_labels_of_fer_2013_are_known() -> None:
    eight = to_eight(FER2013, [0.1, 0.2, 0.3, 0.1, 0.1, 0.1, 0.1])
    assert dict(zip(EMOTIONS, eight, strict=True))[Emotion.FEARFUL] == 0.3
    assert eight[EMOTIONS.index(Emotion.CALM)] == 0.0


def test_labels_that_mean_the_same_add_up() -> None:
    assert to_eight(["joy", "happiness"], [0.5, 0.5])[EMOTIONS.index(Emotion.HAPPY)] == 1.0


def test_an_unknown_label_is_an_error() -> None:
    with pytest.raises(ValueError, match="contempt"):
        emotion_named("contempt")


def test_the_four_classes_hold_every_emotion_once() -> None:
    assert sorted(e for group in FOUR_CLASS.values() for e in group) == sorted(EMOTIONS)


@given(st.lists(st.floats(0.001, 1), min_size=8, max_size=8))
def test_a_reading_names_its_most_probable_emotion(raw: list[float]) -> None:
    probabilities = tuple(p / sum(raw) for p in raw)
    reading = Reading("face", 0.0, probabilities)
    assert reading.confidence == probabilities[EMOTIONS.index(reading.label)] == max(probabilities)


def test_a_reading_has_eight_probabilities() -> None:
    with pytest.raises(ValueError, match="8 probabilities"):
        Reading("face", 0.0, (0.5, 0.5))
