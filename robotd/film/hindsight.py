"""The feeling at every moment of a film, from what was read before and after it.

The robot knows a feeling only once a look or an utterance is over, so it is late by seconds. A film is there as a
whole: at each moment all readings near it count, on both sides. A face counts at its moment, an utterance from its
beginning to its end. Within a modality readings are averaged with weights that fall off exponentially with their
distance, as fast as in the robot's own smoothing (`feeling.smoothing_s`). Modalities are then fused as the robot does
(`robotd.feel.fusion`), by their distance from the moment in place of their age.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from robotd.emotion import EMOTIONS, QUADRANT_OF, UNKNOWN, Feeling, Reading, valence_arousal
from robotd.feel.fusion import fuse, weight

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from robotd.config import Config, Fusion
    from robotd.emotion import Modality
    from robotd.film.watch import Seen

#: The feeling is told so often.
STEP_S = 0.5

_EVEN = tuple(1.0 / len(EMOTIONS) for _ in EMOTIONS)


def feelings(seen: Mapping[Modality, Sequence[Seen]], length_s: float, config: Config) -> list[Feeling]:
    """Return the feeling at 0, 0.5, 1 ... seconds, up to the film's end.

    `readings` of each tells what every modality says there; its `time_s` lies before the moment by as much as the
    nearest reading is away from it, on either side.

    Args:
        seen: the readings of each modality, in the order of time.
        length_s: how long the film is.
        config: its sections `fusion` and `feeling`.
    """
    tracks = {modality: _Track(modality, spans, config) for modality, spans in seen.items()}
    told: list[Feeling] = []
    for step in range(math.floor(length_s / STEP_S + 1e-9) + 1):
        time_s = step * STEP_S
        near = {modality: track.at(time_s) for modality, track in tracks.items()}
        readings = {modality: reading for modality, reading in near.items() if reading is not None}
        feeling = _feeling(time_s, readings, config.fusion)
        if told and told[-1].label == feeling.label:
            feeling = replace(feeling, since_s=told[-1].since_s)
        told.append(feeling)
    return told


def _feeling(time_s: float, readings: dict[Modality, Reading], fusion: Fusion) -> Feeling:
    fused = fuse(readings.values(), time_s, fusion)
    if fused is None:
        return Feeling(time_s, UNKNOWN, _EVEN, None, None, None, 0.0, readings, time_s)
    best = max(range(len(EMOTIONS)), key=fused.__getitem__)
    valence, arousal = valence_arousal(fused)
    quadrant = QUADRANT_OF[EMOTIONS[best]]
    return Feeling(time_s, EMOTIONS[best].value, fused, valence, arousal, quadrant, fused[best], readings, time_s)


class _Track:
    """The readings of one modality along the film. Those that are too unsure to count are left out."""

    def __init__(self, modality: Modality, spans: Sequence[Seen], config: Config) -> None:
        sure = [weight(one.reading, one.reading.time_s, config.fusion) for one in spans]
        kept = [n for n, share in enumerate(sure) if share > 0]
        self._modality = modality
        self._starts_s = np.array([spans[n].start_s for n in kept])
        self._ends_s = np.array([spans[n].end_s for n in kept])
        self._sure = np.array([sure[n] for n in kept])
        self._probabilities = np.array([spans[n].reading.probabilities for n in kept]).reshape(-1, len(EMOTIONS))
        self._reach_s = config.feeling.unknown_after_s
        # No smoothing: the nearest reading alone counts.
        self._constant_s = max(config.feeling.smoothing_s, 1e-3)

    def at(self, time_s: float) -> Reading | None:
        """Return what the readings around a moment say, None if none is near."""
        # Spans follow one another, so that their starts and their ends both rise.
        first = int(np.searchsorted(self._ends_s, time_s - self._reach_s))
        last = int(np.searchsorted(self._starts_s, time_s + self._reach_s, side="right"))
        if first >= last:
            return None
        away_s: NDArray[np.float64] = np.maximum(
            np.maximum(self._starts_s[first:last] - time_s, time_s - self._ends_s[first:last]), 0.0
        )
        nearest_s = float(away_s.min())
        shares = self._sure[first:last] * np.exp((nearest_s - away_s) / self._constant_s)
        mean = shares @ self._probabilities[first:last] / shares.sum()
        return Reading(self._modality, time_s - nearest_s, tuple(float(one) for one in mean / mean.sum()))
