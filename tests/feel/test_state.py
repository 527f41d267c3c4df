from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from robotd.config import FeelingOverTime, Fusion
from robotd.emotion import EMOTIONS, UNKNOWN, Emotion, Feeling, Modality, Quadrant, Reading
from robotd.feel.state import FeelingState


def reading(emotion: Emotion, time_s: float, share: float = 0.9, modality: Modality = "face") -> Reading:
    rest = (1 - share) / 7
    return Reading(modality, time_s, tuple(share if e is emotion else rest for e in EMOTIONS))


def fresh_state(**over_time: float) -> FeelingState:
    return FeelingState(Fusion(), FeelingOverTime.model_validate(over_time))


def watch(state: FeelingState, emotion: Emotion, start_s: float, end_s: float, share: float = 0.9) -> Feeling:
    for n in range(int((end_s - start_s) * 10)):
        state.observe(reading(emotion, start_s + n / 10, share))
    return state.tick(end_s)


def test_nobody_there_is_unknown_not_neutral() -> None:
    feeling = fresh_state().tick(1.0)
    assert feeling.label == UNKNOWN
    assert not feeling.known
    assert (feeling.valence, feeling.arousal, feeling.quadrant, feeling.confidence) == (None, None, None, 0.0)
    assert feeling.probabilities == pytest.approx([1 / 8] * 8)


def test_the_first_reading_is_told_at_once() -> None:
    feeling = fresh_state().observe(reading(Emotion.HAPPY, 0.4))
    assert feeling is not None
    assert (feeling.label, feeling.quadrant) == ("happy", Quadrant.Q1)


def test_a_single_odd_look_does_not_change_the_label() -> None:
    state = fresh_state()
    watch(state, Emotion.HAPPY, 0, 3)
    state.observe(reading(Emotion.ANGRY, 3.0))
    assert watch(state, Emotion.HAPPY, 3.1, 5).label == "happy"


def test_a_lasting_change_is_told_once() -> None:
    state = fresh_state()
    watch(state, Emotion.HAPPY, 0, 3)
    changes = [change for n in range(40) if (change := state.observe(reading(Emotion.SAD, 3 + n / 10)))]
    assert [change.label for change in changes] == ["sad"]
    assert changes[0].since_s == changes[0].time_s < 5.0


def test_two_close_rivals_do_not_flicker() -> None:
    state = fresh_state()
    labels = set()
    watch(state, Emotion.CALM, 0, 2, share=0.5)
    for n in range(100):
        state.observe(reading(Emotion.CALM if n % 2 else Emotion.NEUTRAL, 2 + n / 10, share=0.5))
        labels.add(state.tick(2 + n / 10).label)
    assert labels == {"calm"}


def test_an_old_feeling_is_never_told() -> None:
    state = fresh_state(unknown_after_s=10.0)
    watch(state, Emotion.SAD, 0, 2)
    assert state.tick(11.0).label == "sad"
    gone = state.tick(12.0)
    assert gone.label == UNKNOWN
    assert not gone.readings


def test_what_was_muted_is_forgotten() -> None:
    state = fresh_state()
    state.observe(reading(Emotion.SAD, 0.0))
    state.forget("face")
    assert state.tick(0.5).label == UNKNOWN


@pytest.mark.parametrize("muted", ["face", "voice"])
def test_what_was_said_together_goes_with_either_sense(muted: Modality) -> None:
    state = fresh_state()
    state.observe(reading(Emotion.SAD, 1.0, modality="both"))
    state.forget(muted)
    assert state.tick(1.0).readings == {}


def test_a_return_after_absence_starts_anew() -> None:
    state = fresh_state()
    watch(state, Emotion.SAD, 0, 2)
    state.tick(20.0)
    feeling = state.observe(reading(Emotion.HAPPY, 20.1))
    assert feeling is not None
    assert feeling.label == "happy"
    assert feeling.probabilities == pytest.approx(reading(Emotion.HAPPY, 0).probabilities)


def test_smoothing_has_its_time_constant() -> None:
    state = fresh_state(smoothing_s=2.0)
    state.observe(reading(Emotion.HAPPY, 0.0, share=0.9))
    state.observe(reading(Emotion.SAD, 2.0, share=0.9))
    happy = state.tick(2.0).probabilities[EMOTIONS.index(Emotion.HAPPY)]
    rest = 0.1 / 7
    assert happy == pytest.approx(0.9 + (1 - math.exp(-1)) * (rest - 0.9))


@given(st.lists(st.tuples(st.floats(0.01, 5), st.sampled_from(EMOTIONS), st.floats(0.2, 1.0)), min_size=1, max_size=40))
def test_a_feeling_is_always_whole(steps: list[tuple[float, Emotion, float]]) -> None:
    state = fresh_state()
    now_s = 0.0
    for wait_s, emotion, share in steps:
        now_s += wait_s
        state.observe(reading(emotion, now_s, share))
        feeling = state.tick(now_s)
        assert sum(feeling.probabilities) == pytest.approx(1.0)
        if feeling.known:
            assert feeling.valence is not None
            assert -1 <= feeling.valence <= 1
            assert feeling.since_s <= now_s


def test_readings_that_count_nothing_do_not_keep_an_old_feeling_alive() -> None:
    state = fresh_state(unknown_after_s=10.0)
    watch(state, Emotion.ANGRY, 0, 2)
    assert watch(state, Emotion.HAPPY, 2, 8, share=0.15).label == "angry"
    assert watch(state, Emotion.HAPPY, 8, 13, share=0.15).label == UNKNOWN


def test_what_was_said_is_remembered_longer_than_a_look_while_the_person_is_there() -> None:
    state = fresh_state(unknown_after_s=10.0)  # words have a half-life of 20 s
    state.observe(reading(Emotion.SAD, 0.0, modality="words"))
    there = watch(state, Emotion.HAPPY, 0.1, 30)
    assert set(there.readings) == {"face", "words"}
    assert set(watch(state, Emotion.HAPPY, 30, 41).readings) == {"face"}


def test_what_was_said_does_not_stay_when_the_person_has_gone() -> None:
    state = fresh_state(unknown_after_s=10.0)
    state.observe(reading(Emotion.SAD, 0.0, modality="words"))
    assert state.tick(9.9).label == "sad"
    assert state.tick(10.0).label == UNKNOWN
