"""From what was composed to what suits the instrument: how hard its keys are struck, and how high it is tuned."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from robotd.config import Midi, VelocityCurve
    from robotd.music.bar import Bar

OCTAVE = 12
#: MIDI's keys and the softest and hardest stroke (velocity 0 would end a note).
HIGHEST_KEY = 127
SOFTEST, HARDEST = 1, 127
#: The exponents of the curves that have a name; below 1 a light touch sounds louder, above 1 softer.
EXPONENTS = {"linear": 1.0, "soft": 0.5, "hard": 2.0}


def velocity_table(curve: VelocityCurve) -> tuple[int, ...]:
    """Return what is sent for each composed velocity, 0..127.

    `min + (max - min) x^exponent`, where x goes from 0 at the softest stroke to 1 at the hardest.
    """
    exponent = EXPONENTS[curve.shape] if isinstance(curve.shape, str) else curve.shape
    span = curve.max - curve.min
    touches = (max(velocity - SOFTEST, 0) / (HARDEST - SOFTEST) for velocity in range(HARDEST + 1))
    return tuple(round(curve.min + span * touch**exponent) for touch in touches)


def folded(pitch: int) -> int:
    """Return the key of the same name that is nearest to a pitch among MIDI's, 0..127."""
    if pitch < 0:
        return pitch % OCTAVE
    if pitch > HIGHEST_KEY:
        return pitch - OCTAVE * -((HIGHEST_KEY - pitch) // OCTAVE)
    return pitch


class Shaping:
    """Fits bars to the instrument.

    Args:
        config: `velocity_curve`, and `transpose` in semitones.
    """

    def __init__(self, config: Midi) -> None:
        self._velocities = velocity_table(config.velocity_curve)
        self._transpose = config.transpose

    def shaped(self, bar: Bar) -> Bar:
        """Return the bar as it is to be sent; drums keep their keys, as those are instruments and not pitches."""
        notes = (
            replace(
                note,
                pitch=note.pitch if note.part == "drums" else folded(note.pitch + self._transpose),
                velocity=self._velocities[note.velocity],
            )
            for note in bar.notes
        )
        return replace(bar, notes=tuple(notes))
