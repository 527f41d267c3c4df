"""Messages made of our dataclasses."""

from __future__ import annotations

import json
import math
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from robotd.emotion import EMOTIONS, UNKNOWN, Emotion, Feeling, Quadrant, Reading
from robotd.express.payload import encode, event_payload, feeling_payload, recommendation_payload, rounded_shares
from tests.express.mpd.recommended import recommendation

MORNING = datetime(2025, 1, 31, 9, 15, 0, 250_600, timezone(timedelta(hours=1)))


def shares(**named: float) -> tuple[float, ...]:
    rest = (1 - sum(named.values())) / (len(EMOTIONS) - len(named))
    return tuple(named.get(emotion.value, rest) for emotion in EMOTIONS)


def test_a_feeling() -> None:
    feeling = Feeling(
        time_s=12.3456,
        label=Emotion.HAPPY.value,
        probabilities=shares(happy=0.72),
        valence=0.512345,
        arousal=0.2,
        quadrant=Quadrant.Q1,
        confidence=0.72,
        readings={"face": Reading("face", 12.1, shares(happy=0.9)), "voice": Reading("voice", 9.0, shares(sad=0.6))},
        since_s=10.0,
    )
    assert feeling_payload(feeling, MORNING) == {
        "time": "2025-01-31T08:15:00.250Z",
        "time_s": 12.346,
        "label": "happy",
        "probabilities": {
            "neutral": 0.04,
            "calm": 0.04,
            "happy": 0.72,
            "sad": 0.04,
            "angry": 0.04,
            "fearful": 0.04,
            "disgust": 0.04,
            "surprised": 0.04,
        },
        "valence": 0.5123,
        "arousal": 0.2,
        "quadrant": "Q1",
        "confidence": 0.72,
        "face": {"label": "happy", "confidence": 0.9, "age_ms": 246},
        "voice": {"label": "sad", "confidence": 0.6, "age_ms": 3346},
        "words": None,
    }


def test_nobody_there() -> None:
    nobody = Feeling(0.0, UNKNOWN, (0.125,) * 8, None, None, None, 0.0, {}, 0.0)
    payload = feeling_payload(nobody, MORNING)
    assert payload["label"] == "unknown"
    assert [payload[key] for key in ("valence", "arousal", "quadrant", "face", "voice", "words")] == [None] * 6
    assert json.loads(encode(payload)) == payload


@given(st.lists(st.floats(0, 1), min_size=8, max_size=8).filter(lambda values: sum(values) > 1e-3))
def test_rounded_shares_still_sum_to_one(values: list[float]) -> None:
    total = math.fsum(values)
    rounded = rounded_shares(values)
    assert abs(sum(rounded) - 1) < 1e-6
    for share, value in zip(rounded, values, strict=True):
        assert abs(share - value / total) <= 1e-4
        assert share == round(share, 4) >= 0


def test_an_event() -> None:
    assert event_payload("face_seen", MORNING, {"size_px": 120}) == {
        "event_type": "face_seen",
        "time": "2025-01-31T08:15:00.250Z",
        "size_px": 120,
    }


def test_a_recommendation() -> None:
    payload = recommendation_payload(recommendation("a1"), MORNING)
    assert payload["time"] == "2025-01-31T08:15:00.250Z"
    assert (payload["id"], payload["ttl_s"], payload["tracks"]) == ("a1", 60.0, [])


def test_encoding() -> None:
    assert encode("online") == b"online"
    assert encode({"title": "Für Elise"}) == '{"title": "Für Elise"}'.encode()
    assert encode({"text": "half \ud83d"}) == b'{"text": "half ?"}'
    with pytest.raises(ValueError, match="not JSON compliant"):
        encode({"valence": math.inf})
    with pytest.raises(TypeError):
        encode({"picture": b"never"})
