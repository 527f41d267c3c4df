"""The grid that music is composed on: sixteenth notes of bars in 4/4."""

from __future__ import annotations

from dataclasses import dataclass

BEATS_PER_BAR = 4
STEPS_PER_BEAT = 4
STEPS_PER_BAR = BEATS_PER_BAR * STEPS_PER_BEAT
#: What is composed, and judged, in one piece.
STRETCH_BARS = 4
STRETCH_STEPS = STRETCH_BARS * STEPS_PER_BAR


@dataclass(frozen=True, slots=True, order=True)
class GridNote:
    """A note on the grid.

    Attributes:
        start: the step at which it begins.
        end: the step at which it has ended, above `start`.
        pitch: MIDI note number, 0..127.
        velocity: 1..127.
    """

    start: int
    end: int
    pitch: int
    velocity: int = 80
