"""The feeling over time: smoothed, slow to change its label, and unknown once nobody is there."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from robotd.emotion import EMOTIONS, QUADRANT_OF, UNKNOWN, Feeling, valence_arousal
from robotd.feel.fusion import fuse, half_life_s

if TYPE_CHECKING:
    from robotd.config import FeelingOverTime, Fusion
    from robotd.emotion import Emotion, Modality, Reading

#: A reading counts for so many half-lives at least, while there is news of the person.
_HALF_LIVES = 2
_EVEN = tuple(1.0 / len(EMOTIONS) for _ in EMOTIONS)


class FeelingState:
    """Takes readings and tells the feeling. Depends on the readings' times alone, never on a clock.

    The fused probabilities are smoothed exponentially (time constant `smoothing_s`). The label changes when
    another emotion has led by `margin` for `hold_s`. When no reading is younger than `unknown_after_s` the feeling
    is unknown. Until then a reading is remembered for that long, or for two of its half-lives if those are longer:
    what was said lasts longer than a look.
    """

    def __init__(self, fusion: Fusion, over_time: FeelingOverTime) -> None:
        self._fusion = fusion
        self._over_time = over_time
        self._readings: dict[Modality, Reading] = {}
        self._smoothed: tuple[float, ...] | None = None
        self._smoothed_at_s = 0.0
        self._fused_at_s = 0.0
        self._label: Emotion | None = None
        self._since_s = 0.0
        self._leader: Emotion | None = None
        self._leading_since_s = 0.0

    def configure(self, fusion: Fusion, over_time: FeelingOverTime) -> None:
        """Take new settings and keep the feeling."""
        self._fusion = fusion
        self._over_time = over_time

    def observe(self, reading: Reading) -> Feeling | None:
        """Take a reading; returns the feeling if its label changed with it."""
        before = self._label
        self._readings[reading.modality] = reading
        self._advance(reading.time_s)
        return self._feeling(reading.time_s) if self._label is not before else None

    def forget(self, modality: Modality) -> None:
        """Drop what a modality said, as it was muted."""
        self._readings.pop(modality, None)
        if modality in ("face", "voice"):
            self._readings.pop("both", None)

    def tick(self, time_s: float) -> Feeling:
        """Return the feeling at a time."""
        self._advance(time_s)
        return self._feeling(time_s)

    def _advance(self, time_s: float) -> None:
        oldest_s = time_s - self._over_time.unknown_after_s
        there = any(reading.time_s > oldest_s for reading in self._readings.values())
        self._readings = {
            key: reading
            for key, reading in self._readings.items()
            if there and time_s - reading.time_s < self._remembered_s(reading)
        }
        fused = fuse(self._readings.values(), time_s, self._fusion)
        if fused is None:
            # Readings that count nothing do not keep an old feeling alive.
            if not self._readings or self._fused_at_s <= oldest_s:
                if self._label is not None:
                    self._label, self._since_s = None, time_s
                self._smoothed = self._leader = None
            return
        self._fused_at_s = time_s
        self._smooth(fused, time_s)
        self._follow_leader(time_s)

    def _remembered_s(self, reading: Reading) -> float:
        return max(self._over_time.unknown_after_s, _HALF_LIVES * half_life_s(reading, self._fusion))

    def _smooth(self, fused: tuple[float, ...], time_s: float) -> None:
        elapsed_s = max(0.0, time_s - self._smoothed_at_s)
        self._smoothed_at_s = max(self._smoothed_at_s, time_s)
        constant_s = self._over_time.smoothing_s
        if self._smoothed is None or constant_s == 0:
            self._smoothed = fused
            return
        share = 1.0 - math.exp(-elapsed_s / constant_s)
        self._smoothed = tuple(old + share * (new - old) for old, new in zip(self._smoothed, fused, strict=True))

    def _follow_leader(self, time_s: float) -> None:
        assert self._smoothed is not None
        leader = EMOTIONS[max(range(len(EMOTIONS)), key=self._smoothed.__getitem__)]
        if self._label is None:
            self._label, self._since_s = leader, time_s
            return
        lead = self._smoothed[EMOTIONS.index(leader)] - self._smoothed[EMOTIONS.index(self._label)]
        if leader is self._label or lead < self._over_time.margin:
            self._leader = None
        elif leader is not self._leader:
            self._leader, self._leading_since_s = leader, time_s
        if self._leader is not None and time_s - self._leading_since_s >= self._over_time.hold_s:
            self._label, self._since_s, self._leader = self._leader, time_s, None

    def _feeling(self, time_s: float) -> Feeling:
        if self._label is None or self._smoothed is None:
            return Feeling(time_s, UNKNOWN, _EVEN, None, None, None, 0.0, dict(self._readings), self._since_s)
        valence, arousal = valence_arousal(self._smoothed)
        return Feeling(
            time_s=time_s,
            label=self._label.value,
            probabilities=self._smoothed,
            valence=valence,
            arousal=arousal,
            quadrant=QUADRANT_OF[self._label],
            confidence=self._smoothed[EMOTIONS.index(self._label)],
            readings=dict(self._readings),
            since_s=self._since_s,
        )
