"""What goes out over MQTT, as JSON-able dicts made of our dataclasses. Nothing here has a state."""

from __future__ import annotations

import json
import math
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from robotd.emotion import EMOTIONS, MODALITIES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from robotd.emotion import Feeling, Reading
    from robotd.feel.event import EventName
    from robotd.music.recommend import Recommendation

_DIGITS = 4


def feeling_payload(feeling: Feeling, wall_time: datetime) -> dict[str, Any]:
    """Return the message of the topic `feeling`.

    Args:
        feeling: the estimate.
        wall_time: when it was made; a time without a zone is local time.
    """
    return {
        "time": timestamp(wall_time),
        "time_s": round(feeling.time_s, 3),
        "label": feeling.label,
        "probabilities": {
            emotion.value: share for emotion, share in zip(EMOTIONS, rounded_shares(feeling.probabilities), strict=True)
        },
        "valence": _rounded(feeling.valence),
        "arousal": _rounded(feeling.arousal),
        "quadrant": feeling.quadrant.value if feeling.quadrant else None,
        "confidence": _rounded(feeling.confidence),
        **{modality: _reading_payload(feeling.readings.get(modality), feeling.time_s) for modality in MODALITIES},
    }


def event_payload(name: EventName, wall_time: datetime, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return a message of the topic `event`.

    Args:
        name: what happened; `event_type` in the message, as Home Assistant wants it.
        wall_time: when it happened.
        facts: what else there is to say, JSON-able.
    """
    return {"event_type": name, "time": timestamp(wall_time), **facts}


def recommendation_payload(recommendation: Recommendation, wall_time: datetime) -> dict[str, Any]:
    """Return a message of the topic `recommendation`."""
    return {"time": timestamp(wall_time), **recommendation.payload()}


def encode(payload: Mapping[str, Any] | str) -> bytes:
    """Return a message as it goes over the wire: bare text, or a JSON object, in UTF-8.

    Raises:
        TypeError: the object holds something that JSON can't say.
        ValueError: the object holds NaN or an infinity.
    """
    text = payload if isinstance(payload, str) else json.dumps(payload, ensure_ascii=False, allow_nan=False)
    # Half a surrogate pair, which JSON can smuggle into a text, has no UTF-8.
    return text.encode("utf-8", errors="replace")


def timestamp(wall_time: datetime) -> str:
    """Return a time as ISO 8601 in UTC with milliseconds, such as `2025-01-31T08:15:00.250Z`."""
    return wall_time.astimezone(timezone.utc).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def rounded_shares(shares: Sequence[float]) -> list[float]:
    """Round shares to 4 digits so that they still sum to 1, by the largest remainder method.

    Each stays within 1e-4 of its share of the sum.

    Args:
        shares: not negative, at least one above 0.
    """
    whole = 10**_DIGITS
    total = math.fsum(shares)
    exact = [share / total * whole for share in shares]
    units = [math.floor(value) for value in exact]
    by_remainder = sorted(range(len(units)), key=lambda i: units[i] - exact[i])
    for i in by_remainder[: whole - sum(units)]:
        units[i] += 1
    return [unit / whole for unit in units]


def _reading_payload(reading: Reading | None, now_s: float) -> dict[str, Any] | None:
    if reading is None:
        return None
    return {
        "label": reading.label.value,
        "confidence": _rounded(reading.confidence),
        "age_ms": max(0, round((now_s - reading.time_s) * 1000)),
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(float(value), _DIGITS)
