"""Tempo that moves smoothly: from beats to seconds within a bar."""

from __future__ import annotations

import math
from dataclasses import dataclass

#: A tempo never changes by more than this part of itself within one bar.
MOST_CHANGE = 0.25


def approach(now_bpm: float, wanted_bpm: float, most: float = MOST_CHANGE) -> float:
    """Return the tempo nearest to the wanted one that can be reached in a bar from the present one."""
    return min(max(wanted_bpm, now_bpm / (1 + most)), now_bpm * (1 + most))


@dataclass(frozen=True, slots=True)
class Glide:
    """A tempo that changes linearly, beat by beat, over a bar.

    Attributes:
        start_bpm: quarter notes a minute at the first beat.
        end_bpm: the tempo reached at the end, which also holds for what hangs over.
        beats: length of the bar.
    """

    start_bpm: float
    end_bpm: float
    beats: float

    def tempo_at(self, beat: float) -> float:
        """Return the tempo at a beat, in quarter notes a minute."""
        return self.start_bpm + (self.end_bpm - self.start_bpm) * min(beat / self.beats, 1.0)

    def seconds_at(self, beat: float) -> float:
        """Return the time of a beat since the bar line: the integral of 60 / tempo over the beats."""
        inside = min(beat, self.beats)
        slope = (self.end_bpm - self.start_bpm) / self.beats
        # log1p keeps its precision where the tempo hardly changes; at no change its limit is the plain quotient.
        growth = slope * inside / self.start_bpm
        seconds = 60 * math.log1p(growth) / slope if slope else 60 * inside / self.start_bpm
        return seconds + 60 * (beat - inside) / self.end_bpm

    @property
    def duration_s(self) -> float:
        """How long the bar lasts."""
        return self.seconds_at(self.beats)
