"""Bars as messages for the instruments: channels, programs, touch and tuning as configured."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mido import Message

from robotd.express.midi.shaping import Shaping
from robotd.music.smf import note_messages

if TYPE_CHECKING:
    from robotd.config import Midi
    from robotd.music.bar import Bar, Part

#: The program is told again with every phrase, for an instrument that was connected meanwhile.
PROGRAM_EVERY_BARS = 4


class Instruments:
    """Turns one bar after the other into messages.

    Args:
        config: channels, programs, velocity curve and transposition.
    """

    def __init__(self, config: Midi) -> None:
        self._channels = config.channels.from_zero
        self._programs = config.programs.by_quadrant
        self._shaping = Shaping(config)
        self._told: dict[Part, int] = {}
        self._told_before: dict[Part, int] = {}

    def messages(self, bar: Bar) -> list[tuple[float, Message]]:
        """Return (beat, message) of the bar that comes next, in the order of time."""
        self._told_before = dict(self._told)
        return [*self._program_changes(bar), *note_messages(self._shaping.shaped(bar), self._channels)]

    def take_back(self) -> None:
        """Forget the last bar, as it won't be played."""
        self._told = dict(self._told_before)

    def _program_changes(self, bar: Bar) -> list[tuple[float, Message]]:
        changes = []
        for part in sorted({note.part for note in bar.notes}):
            program = self._programs[bar.quadrant][part]
            if program != self._told.get(part) or bar.index % PROGRAM_EVERY_BARS == 0:
                changes.append((0.0, Message("program_change", program=program, channel=self._channels[part])))
            self._told[part] = program
        return changes
