"""Another instrument's MIDI clock: where it is, how fast it goes, whether it runs."""

from __future__ import annotations

import logging
import math
import threading
import time
from typing import TYPE_CHECKING, Literal, Protocol

from robotd.express.midi.beat_clock import CLOCKS_PER_BEAT, CLOCKS_PER_SIXTEENTH
from robotd.express.midi.tick_filter import TickFilter

if TYPE_CHECKING:
    from collections.abc import Callable

    from mido import Message

log = logging.getLogger(__name__)

#: Without a tick for so long there is no clock (at 30 beats a minute they are 83 ms apart).
SILENT_S = 1.0

State = Literal["none", "stopped", "running"]


class Follower(Protocol):
    """Plays by an external clock; called on the thread that hears it, while `ExternalClock.lock` is held."""

    def ticked(self) -> None:
        """Go on: a tick has come while the clock runs."""

    def halted(self, time_s: float) -> None:
        """Stand still: the clock has stopped or fallen silent."""

    def relocated(self, time_s: float) -> None:
        """Go on from another place with the next tick."""


class ExternalClock:
    """Keeps count of the ticks of another clock; 24 a quarter note.

    Start, stop, continue and song position are obeyed as MIDI 1.0 asks: ticks count from the first one after start
    or continue, and none counts while stopped; so a clock that was started before anybody listened has to be started
    again. What is heard may come from any one thread.

    Args:
        now: the clock of the times that are told, in seconds.

    Attributes:
        lock: held while anything here changes.
        follower: is told of everything.
        tick: how far the clock is, in ticks from the beginning of the song; -1 before the first.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self.lock = threading.RLock()
        self.follower: Follower | None = None
        self.tick = -1
        self._filter = TickFilter()
        self._running = False
        #: Whether the first tick after start or continue has come: before that nobody knows when it will.
        self._going = False
        self._silent = False
        self._told = False
        self._heard_s = now()

    def hear(self, time_s: float, message: Message) -> None:
        """Take a message that has come at a time; other messages than the clock's are left alone."""
        if message.type == "clock":
            self.hear_tick(time_s)
        elif message.type == "start":
            self.start(time_s)
        elif message.type == "continue":
            self.resume()
        elif message.type == "stop":
            self.stop(time_s)
        elif message.type == "songpos":
            self.position(time_s, message.pos)

    def hear_tick(self, time_s: float) -> None:
        """Take a tick."""
        with self.lock:
            if time_s - self._heard_s > SILENT_S:
                self._filter.restart()
            if self._silent or not self._told:
                log.info("following the external clock")
            self._heard_s, self._silent, self._told = time_s, False, True
            ticks = self._filter.add(time_s)
            if not self._running:
                return
            # Ticks that were lost before the first are none of this run.
            self.tick += ticks if self._going else 1
            self._going = True
            if self.follower is not None:
                self.follower.ticked()

    def start(self, time_s: float) -> None:
        """Begin at the beginning with the next tick."""
        with self.lock:
            self._locate(time_s, 0)
            self._running = True

    def resume(self) -> None:
        """Go on with the next tick."""
        with self.lock:
            self._going = self._going and self._running
            self._running = True

    def stop(self, time_s: float) -> None:
        """Stand still."""
        with self.lock:
            self._running = self._going = False
            if self.follower is not None:
                self.follower.halted(time_s)

    def position(self, time_s: float, sixteenths: int) -> None:
        """Move to a place in the song."""
        with self.lock:
            self._locate(time_s, sixteenths * CLOCKS_PER_SIXTEENTH)

    def watch(self, now_s: float) -> None:
        """Notice that the clock has fallen silent; to be called a few times a second."""
        with self.lock:
            if self._silent or now_s - self._heard_s <= SILENT_S or (self._told and not self._running):
                return
            self._silent, self._going = True, False
            log.warning("no external clock; the music waits for it")
            if self.follower is not None:
                self.follower.halted(now_s)

    def seconds(self, tick: float) -> float:
        """Return when a tick comes or came, as far as is known now; infinity while the clock stands still."""
        with self.lock:
            period_s = self._filter.period_s
            if not self._going or (period_s is None and tick > self.tick):
                return math.inf
            return self._filter.time_s + (tick - self.tick) * (period_s or 0.0)

    @property
    def tempo_bpm(self) -> float | None:
        """Quarter notes a minute; None before the second tick."""
        period_s = self._filter.period_s
        return None if period_s is None else 60 / (period_s * CLOCKS_PER_BEAT)

    @property
    def going(self) -> bool:
        """Whether ticks count now."""
        return self._going

    @property
    def state(self) -> State:
        """Whether there is a clock, and whether it runs."""
        if self._silent or not self._told:
            return "none"
        return "running" if self._running else "stopped"

    def _locate(self, time_s: float, tick: int) -> None:
        self.tick = tick - 1
        self._going = False
        if self.follower is not None:
            self.follower.relocated(time_s)
