"""MIDI beat clock: real-time messages by which other instruments keep in step.

MIDI 1.0 Detailed Specification, "System Real Time Messages" and "Song Position Pointer": 24 clocks a quarter
note; the position is counted in sixteenths, of six clocks each, in 14 bits; the first clock after Start or
Continue is the beat that the position names.
"""

from __future__ import annotations

from mido import Message

CLOCKS_PER_BEAT = 24
CLOCKS_PER_SIXTEENTH = 6
SIXTEENTHS_PER_BEAT = CLOCKS_PER_BEAT // CLOCKS_PER_SIXTEENTH
#: Positions are told modulo this: 1024 bars of four quarters.
POSITIONS = 1 << 14
#: Start and position are told so long before the first clock (at least 1 ms; locating takes a sequencer longer).
START_LEAD_S = 0.005


def clocks(beats: float) -> list[tuple[float, Message]]:
    """Return (beat, clock) of a bar of so many quarter notes."""
    return [(number / CLOCKS_PER_BEAT, Message("clock")) for number in range(round(beats * CLOCKS_PER_BEAT))]


def beginning(beats: float) -> list[Message]:
    """Return what tells others to play, from so many quarter notes after the beginning of the music."""
    if not beats:
        return [Message("start")]
    return [Message("songpos", pos=round(beats * SIXTEENTHS_PER_BEAT) % POSITIONS), Message("continue")]


def end() -> Message:
    """Return what tells others to stop."""
    return Message("stop")
