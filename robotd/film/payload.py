"""What timeline.json holds."""

from __future__ import annotations

from collections import Counter
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from robotd import __version__
from robotd.emotion import EMOTIONS
from robotd.express.payload import rounded_shares
from robotd.film.hindsight import STEP_S

if TYPE_CHECKING:
    from collections.abc import Sequence

    from robotd.emotion import Feeling, Reading
    from robotd.film.compose import Passage
    from robotd.film.probe import Film
    from robotd.film.segments import Segment
    from robotd.film.watch import Watched

_DIGITS = 4


def timeline_payload(
    film: Film,
    watched: Watched,
    told: Sequence[Feeling],
    *,
    segments: Sequence[Segment],
    passages: Sequence[Passage],
    notes: Sequence[str],
) -> dict[str, Any]:
    """Return the timeline of a film, JSON-able.

    Args:
        film: what it is.
        watched: what was read in it.
        told: the feeling every half second.
        segments: of the whole film.
        passages: the music of each segment; empty if none was composed.
        notes: what there is to say about the film.
    """
    return {
        "robotd": __version__,
        "film": {
            "name": film.path.name,
            "length_s": film.length_s,
            "pictures": film.contents.pictures,
            "sound": film.contents.sound,
            "width": film.width,
            "height": film.height,
            "rate_hz": round(film.rate_hz, 3),
        },
        "models": watched.models,
        "readings": {modality: len(seen) for modality, seen in watched.seen.items()},
        "notes": list(notes),
        "step_s": STEP_S,
        "feelings": [_feeling(feeling) for feeling in told],
        "segments": segment_payloads(segments, passages),
    }


def segment_payloads(segments: Sequence[Segment], passages: Sequence[Passage]) -> list[dict[str, Any]]:
    """Return segments with their music, which is null if none was composed."""
    return [
        {**_segment(segment), "music": _passage(passage) if passage else None}
        for segment, passage in zip_longest(segments, passages)
    ]


def _segment(segment: Segment) -> dict[str, Any]:
    valence, arousal = segment.point
    return {
        "start_s": round(segment.start_s, 3),
        "end_s": round(segment.end_s, 3),
        "label": segment.label.value,
        "quadrant": segment.quadrant.value,
        "probabilities": _shares(segment.probabilities),
        "valence": _rounded(segment.valence),
        "arousal": _rounded(segment.arousal),
        "composed_for": {"valence": _rounded(valence), "arousal": _rounded(arousal)},
        "known_share": round(segment.known, 3),
    }


def _passage(passage: Passage) -> dict[str, Any]:
    keys = Counter(placed.bar.key for placed in passage.bars)
    return {
        "start_s": round(passage.start_s, 3),
        "end_s": round(passage.end_s, 3),
        "bars": len(passage.bars),
        "tempo_bpm": round(passage.tempo_bpm, 2),
        "key": keys.most_common(1)[0][0],
        "judged_bars": sum(placed.bar.judged for placed in passage.bars),
        "notes": sum(len(placed.bar.notes) for placed in passage.bars),
    }


def _feeling(feeling: Feeling) -> dict[str, Any]:
    return {
        "time_s": feeling.time_s,
        "label": feeling.label,
        "probabilities": _shares(feeling.probabilities),
        "valence": _rounded(feeling.valence),
        "arousal": _rounded(feeling.arousal),
        "quadrant": feeling.quadrant.value if feeling.quadrant else None,
        "confidence": _rounded(feeling.confidence),
        "face": _reading(feeling.readings.get("face"), feeling.time_s),
        "voice": _reading(feeling.readings.get("voice"), feeling.time_s),
    }


def _reading(reading: Reading | None, moment_s: float) -> dict[str, Any] | None:
    """Return what a modality says at a moment, and how far its nearest reading is from there, before or after."""
    if reading is None:
        return None
    return {
        "label": reading.label.value,
        "confidence": _rounded(reading.confidence),
        "away_s": round(moment_s - reading.time_s, 3),
    }


def _shares(probabilities: Sequence[float]) -> dict[str, float]:
    return {emotion.value: share for emotion, share in zip(EMOTIONS, rounded_shares(probabilities), strict=True)}


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(float(value), _DIGITS)
