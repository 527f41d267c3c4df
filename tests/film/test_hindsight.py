from __future__ import annotations

import pytest

from robotd.config import Config
from robotd.emotion import Emotion, Modality
from robotd.film.hindsight import feelings
from robotd.film.watch import Seen
from tests.film.films import seen

CONFIG = Config()


def labels(readings: dict[Modality, list[Seen]], length_s: float) -> list[str]:
    return [feeling.label for feeling in feelings(readings, length_s, CONFIG)]


@pytest.mark.parametrize(("length_s", "count"), [(0.1, 1), (0.5, 2), (0.99, 2), (10.0, 21), (10.49, 21)])
def test_a_feeling_every_half_second(length_s: float, count: int) -> None:
    told = feelings({}, length_s, CONFIG)
    assert [feeling.time_s for feeling in told] == [n / 2 for n in range(count)]
    assert not any(feeling.known for feeling in told)


def test_an_utterance_counts_from_its_beginning() -> None:
    readings: dict[Modality, list[Seen]] = {
        "voice": [seen("voice", Emotion.SAD, 0, 8), seen("voice", Emotion.ANGRY, 12, 18)]
    }
    told = labels(readings, 18)
    assert set(told[: 2 * 8]) == {"sad"}
    assert set(told[2 * 12 :]) == {"angry"}


def test_a_face_that_changes_is_felt_at_once() -> None:
    faces = [seen("face", Emotion.HAPPY if n < 100 else Emotion.SAD, n / 10) for n in range(200)]
    told = labels({"face": faces}, 20)
    assert told[: 2 * 10] == ["happy"] * 20
    assert told[2 * 10 + 1 :] == ["sad"] * 20


def test_one_wrong_look_among_many_is_smoothed_away() -> None:
    faces = [seen("face", Emotion.SURPRISED if n == 50 else Emotion.CALM, n / 10) for n in range(100)]
    assert set(labels({"face": faces}, 10)) == {"calm"}


def test_a_face_counts_more_than_a_voice_and_both_are_told() -> None:
    faces = [seen("face", Emotion.HAPPY, n / 10) for n in range(60)]
    told = feelings({"face": faces, "voice": [seen("voice", Emotion.SAD, 1, 5)]}, 6, CONFIG)[6]
    assert told.label == "happy"
    assert told.probabilities[3] == pytest.approx(0.25 * 0.8 + 0.75 * 0.2 / 7, abs=1e-6)
    assert {modality: reading.label.value for modality, reading in told.readings.items()} == {
        "face": "happy",
        "voice": "sad",
    }


def test_what_is_too_unsure_does_not_count() -> None:
    faces = [seen("face", Emotion.HAPPY, 1.0), seen("face", Emotion.ANGRY, 2.0, share=0.19)]
    assert set(labels({"face": faces}, 3)) == {"happy"}


def test_far_from_any_reading_nothing_is_known() -> None:
    told = feelings({"face": [seen("face", Emotion.HAPPY, 20.0)]}, 40, CONFIG)
    known = [feeling.time_s for feeling in told if feeling.known]
    assert (known[0], known[-1]) == pytest.approx((10, 30), abs=0.5)
    away = {feeling.time_s: feeling.time_s - feeling.readings["face"].time_s for feeling in told if feeling.known}
    assert away[15.0] == away[25.0] == 5.0


def test_face_and_voice_read_together_take_the_place_of_each() -> None:
    faces = [seen("face", Emotion.HAPPY, n / 10) for n in range(100)]
    voice, both = seen("voice", Emotion.SAD, 2, 6), seen("both", Emotion.ANGRY, 2, 6)
    told = labels({"face": faces, "voice": [voice], "both": [both]}, 9.9)
    assert set(told[2 * 2 : 2 * 6]) == {"angry"}
