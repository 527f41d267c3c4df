"""Late fusion: the probabilities of all modalities as one, each counting by its weight, freshness and sureness."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from robotd.emotion import EMOTIONS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from robotd.config import Fusion
    from robotd.emotion import Reading


def weight(reading: Reading, now_s: float, fusion: Fusion) -> float:
    """Return how much a reading counts now.

    That is its modality's configured weight, halved with every half-life of age, times its sureness: 0 where
    the label's probability is at most `unsure_below`, 1 from `sure_above` on, in proportion between. A reading of
    face and voice together has the weight of both and ages as an utterance does.
    """
    age_s = max(0.0, now_s - reading.time_s)
    sureness = (reading.confidence - fusion.unsure_below) / (fusion.sure_above - fusion.unsure_below)
    if reading.modality == "both":
        base = fusion.weights.face + fusion.weights.voice
    else:
        base = getattr(fusion.weights, reading.modality)
    freshness: float = 0.5 ** (age_s / half_life_s(reading, fusion))
    return base * freshness * min(1.0, max(0.0, sureness))


def half_life_s(reading: Reading, fusion: Fusion) -> float:
    """Return the age at which a reading counts half."""
    modality = "voice" if reading.modality == "both" else reading.modality
    found: float = getattr(fusion.half_life_s, modality)
    return found


def fuse(readings: Iterable[Reading], now_s: float, fusion: Fusion) -> tuple[float, ...] | None:
    """Return the 8 fused probabilities, or None where no reading counts.

    Two fresh and sure readings of face and voice are mixed 75/25 with the default weights; what is absent,
    stale or unsure loses its weight and the rest is renormalised. What face and voice said by themselves until they
    were read together counts no more.
    """
    weighted = [(weight(reading, now_s, fusion), reading) for reading in _still_said(readings)]
    total = sum(share for share, _ in weighted)
    if total <= 0:
        return None
    mixed = [sum(share * reading.probabilities[n] for share, reading in weighted) / total for n in range(len(EMOTIONS))]
    whole = sum(mixed)
    return tuple(probability / whole for probability in mixed)


def _still_said(readings: Iterable[Reading]) -> list[Reading]:
    """Leave out readings of face and voice that are no newer than a reading of both."""
    listed = list(readings)
    together_s = max((one.time_s for one in listed if one.modality == "both"), default=-math.inf)
    return [one for one in listed if one.modality not in ("face", "voice") or one.time_s > together_s]
