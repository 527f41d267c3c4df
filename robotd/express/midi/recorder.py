"""What was played, as a standard MIDI file."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

from mido import Message, MetaMessage, tempo2bpm

from robotd.music.smf import TICKS_PER_BEAT, set_tempo, write_smf

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

START_BPM = 120.0
#: Bytes kept of each event: a channel message has at most three; a tempo, in µs a beat, fits into them too.
EVENT_BYTES = 3
TEMPO = b"\xff"


class Recorder:
    """Keeps everything that was played and writes it in one go; for one writer thread.

    An event takes 12 bytes, so a day of dense music about 25 MB.

    Args:
        path: the file; nothing is written to it before `save`.
        start_s: the time that is the beginning of the recording.
    """

    def __init__(self, path: Path, start_s: float = 0.0) -> None:
        self._path = path
        self._start_s = start_s
        self._times_s = array("d")
        self._events = bytearray()

    def write(self, time_s: float, message: Message | MetaMessage) -> None:
        """Keep a channel message or a change of tempo that was played at a time."""
        if message.type == "set_tempo":
            event = TEMPO + message.tempo.to_bytes(EVENT_BYTES, "big")
        else:
            event = bytes(message.bytes()).ljust(EVENT_BYTES + 1, b"\0")
        self._times_s.append(time_s)
        self._events += event

    def save(self) -> None:
        """Write the file: one track at the tempo that was played, so that bars are bars in an editor.

        Raises:
            MediaError: the file can't be written.
        """
        write_smf(self._path, self._in_ticks(), name="robotd")

    def _in_ticks(self) -> Iterator[tuple[int, Message | MetaMessage]]:
        yield 0, set_tempo(START_BPM)
        ticks, before_s, ticks_per_s = 0.0, self._start_s, START_BPM / 60 * TICKS_PER_BEAT
        size = EVENT_BYTES + 1
        for number, time_s in enumerate(self._times_s):
            ticks += max(time_s - before_s, 0.0) * ticks_per_s
            before_s = max(time_s, before_s)
            event = bytes(self._events[number * size : (number + 1) * size])
            if event[:1] == TEMPO:
                tempo = int.from_bytes(event[1:], "big")
                ticks_per_s = tempo2bpm(tempo) / 60 * TICKS_PER_BEAT
                yield round(ticks), MetaMessage("set_tempo", tempo=tempo)
            else:
                length = 2 if event[0] >> 4 in {0xC, 0xD} else 3
                yield round(ticks), Message.from_bytes(event[:length])
