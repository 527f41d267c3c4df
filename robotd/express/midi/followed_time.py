"""A line of bars in the time of an external clock: what is due with the next ticks is played as they come."""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING

from robotd.express.midi.beat_clock import CLOCKS_PER_BEAT
from robotd.express.midi.timeline import Begun, Slot, Timeline
from robotd.music.smf import set_tempo

if TYPE_CHECKING:
    from mido import Message

    from robotd.express.midi.external_clock import ExternalClock
    from robotd.express.midi.instruments import Instruments
    from robotd.express.midi.scheduler import Scheduler
    from robotd.music.bar import Bar

#: Bar lines of the other instrument: 4/4, as a song position tells no metre.
TICKS_PER_BAR = 4 * CLOCKS_PER_BEAT
#: Messages are handed over so many ticks before they are due: far enough ahead for a tick that comes late by its
#: jitter, and near enough to follow the tempo.
AHEAD_TICKS = 2
START_BPM = 120.0


@dataclass(slots=True)
class _Part(Slot):
    """A slot whose moments are ticks, with what is to be played.

    Attributes:
        messages: with the ticks from its start at which they are due, in that order; None: the tempo is told.
        handed: how many of them were handed over.
    """

    messages: tuple[tuple[float, Message | None], ...] = ()
    handed: int = 0


class FollowedTime(Timeline[_Part]):
    """Places bars on the bar lines of another clock (see `Timeline`).

    While that stands still the music waits, and goes on where it was. When it moves to another place the bar that
    is being played is dropped; one that has not begun is kept for the bar line there.

    Args:
        scheduler: plays.
        instruments: turns bars into messages.
        clock: is followed.
    """

    watch_every_s = 0.25

    def __init__(self, scheduler: Scheduler, instruments: Instruments, clock: ExternalClock) -> None:
        super().__init__(scheduler, instruments)
        self._clock = clock
        # One lock for both, as ticks come on a thread of their own.
        self._lock = clock.lock
        self._interrupted = False
        clock.follower = self

    @property
    def state(self) -> str:
        """What beats the time, in words."""
        return {"none": "no external clock", "stopped": "external, stopped", "running": "external"}[self._clock.state]

    def seconds(self, moment: float) -> float:
        """Return the time of a tick; infinity as long as it is not known."""
        return self._clock.seconds(moment)

    def tempo_bpm(self, slot: _Part) -> float:  # noqa: ARG002 - it is another's
        """Return the tempo now, in quarter notes a minute."""
        return round(self._clock.tempo_bpm or START_BPM, 1)

    @property
    def replaceable_until_s(self) -> float:
        """Until when the last bar can be taken back, if it has not begun."""
        with self._lock:
            return self.seconds(self._slots[-1].start - AHEAD_TICKS - 1)

    def watch(self, now_s: float) -> None:
        """Notice that the clock has fallen silent."""
        self._clock.watch(now_s)

    def begun(self, now_s: float) -> list[Begun | None]:
        """Return the bars that have begun since the last call, None where the music has fallen silent."""
        with self._lock:
            interrupted, self._interrupted = self._interrupted, False
            return [*([None] if interrupted else []), *super().begun(now_s)]

    def place(self, bar: Bar, now_s: float, *, final: bool = False) -> None:  # noqa: ARG002 - ticks tell the time
        """Have a bar played after the last one, or from the next bar line on if there is none."""
        with self._lock:
            before = self._slots[-1] if self._slots else None
            start = self._next_line()
            if before is not None and before.end > self._clock.tick:
                start = before.end
            elif before is not None:
                self.gaps += not before.final
            end = start + bar.beats * CLOCKS_PER_BEAT
            part = _Part(bar, start, end, self._scheduler.piece(), final, messages=self._in_ticks(bar))
            self._slots.append(part)
            self._hand_over()

    def take_back(self) -> bool:
        """Drop the bar that was placed last; returns whether that was still possible."""
        with self._lock:
            return bool(self._slots) and not self._slots[-1].handed and super().take_back()

    def ticked(self) -> None:
        """Go on: a tick has come while the clock runs."""
        self._hand_over()
        if self._clock.tick % CLOCKS_PER_BEAT == 0:
            self.wake()

    def halted(self, time_s: float) -> None:
        """Stand still: the clock has stopped or fallen silent."""
        self._interrupted |= self.playing
        self._scheduler.cancel_after(time_s)
        for part in self._slots:
            # What was handed over ahead of time is handed over again when the clock goes on.
            played = bisect_left(part.messages, self._clock.tick + 1 - part.start, key=itemgetter(0))
            part.handed = min(part.handed, played)
        self.wake()

    def relocated(self, time_s: float) -> None:
        """Go on from another place with the next tick."""
        self.halted(time_s)
        self._slots = [part for part in self._slots if not part.begun and not part.handed]
        start = self._next_line()
        for part in self._slots:
            part.start, part.end = start, start + part.end - part.start
            start = part.end

    def _next_line(self) -> float:
        """Return the first bar line that is still to come."""
        return float(math.ceil((self._clock.tick + 1) / TICKS_PER_BAR) * TICKS_PER_BAR)

    def _in_ticks(self, bar: Bar) -> tuple[tuple[float, Message | None], ...]:
        tempos: list[tuple[float, Message | None]] = [(float(beat), None) for beat in range(math.ceil(bar.beats))]
        due = sorted([*tempos, *self._instruments.messages(bar)], key=itemgetter(0))
        return tuple((beat * CLOCKS_PER_BEAT, message) for beat, message in due)

    def _hand_over(self) -> None:
        """Hand over what is due with the next ticks."""
        until = self._clock.tick + AHEAD_TICKS
        for part in self._slots:
            while part.handed < len(part.messages):
                offset, message = part.messages[part.handed]
                due_s = self.seconds(part.start + offset)
                if part.start + offset >= until or due_s == math.inf:
                    break
                if not part.handed:
                    self._scheduler.bar_line(due_s, part.piece)
                tempo_bpm = self._clock.tempo_bpm or START_BPM
                self._scheduler.play(due_s, set_tempo(tempo_bpm) if message is None else message, part.piece)
                part.handed += 1
