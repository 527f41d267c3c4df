"""The line of bars in time: which are placed, which have begun, which is the last."""

from __future__ import annotations

import math
import threading
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from robotd.express.midi.instruments import Instruments
    from robotd.express.midi.scheduler import Scheduler
    from robotd.music.bar import Bar


@dataclass(slots=True)
class Slot:
    """A place for a bar on the line; moments are in the unit of the line.

    Attributes:
        bar: what is played.
        start: the moment at which it begins.
        end: the moment at which it is over.
        piece: its number for the scheduler.
        final: whether the music comes to rest with it.
        begun: whether its start has passed.
    """

    bar: Bar
    start: float
    end: float
    piece: int
    final: bool
    begun: bool = False


@dataclass(frozen=True, slots=True)
class Begun:
    """A bar that has begun.

    Attributes:
        bar: what is played.
        time_s: when it began.
        tempo_bpm: quarter notes a minute, at its end.
    """

    bar: Bar
    time_s: float
    tempo_bpm: float


S = TypeVar("S", bound=Slot)


class Timeline(ABC, Generic[S]):
    """Places bars one after the other and hands their messages to the scheduler.

    Only the bar that was placed last can be taken back, as long as it has not begun.

    Args:
        scheduler: plays.
        instruments: turns bars into messages.

    Attributes:
        gaps: how often music stopped without an ending, since no bar was there.
        wake: called from any thread when bars move in time by more than what `due_s` told.
        watch_every_s: how often `watch` wants to be called.
    """

    watch_every_s = math.inf

    def __init__(self, scheduler: Scheduler, instruments: Instruments) -> None:
        self.gaps = 0
        self.wake: Callable[[], None] = _nothing
        self._scheduler = scheduler
        self._instruments = instruments
        self._slots: list[S] = []
        self._lock = threading.RLock()

    @abstractmethod
    def place(self, bar: Bar, now_s: float, *, final: bool = False) -> None:
        """Have a bar played after the last one, or as soon as possible if there is none."""

    @abstractmethod
    def seconds(self, moment: float) -> float:
        """Return the time of a moment on this line; infinity as long as it is not known."""

    @abstractmethod
    def tempo_bpm(self, slot: S) -> float:
        """Return the tempo at the end of a slot, in quarter notes a minute."""

    @property
    @abstractmethod
    def state(self) -> str:
        """What beats the time, in words."""

    def watch(self, now_s: float) -> None:
        """Look after what beats the time; to be called every so often."""

    def tell_again(self) -> None:
        """Tell where the music is, for an instrument that has just been connected; from any thread."""

    @property
    def playing(self) -> bool:
        """Whether a bar has begun and is not over."""
        return bool(self._slots) and self._slots[0].begun

    @property
    def ahead(self) -> bool:
        """Whether a bar is placed that has not begun."""
        return bool(self._slots) and not self._slots[-1].begun

    @property
    def last_bar(self) -> Bar | None:
        """The bar that was placed last, None if it is over."""
        return self._slots[-1].bar if self._slots else None

    @property
    def ending(self) -> bool:
        """Whether the music comes to rest with the last bar that is placed, or is at rest."""
        return not self._slots or self._slots[-1].final

    @property
    def ahead_s(self) -> float:
        """When the last bar begins, if it has not."""
        with self._lock:
            return self.seconds(self._slots[-1].start)

    @property
    def replaceable_until_s(self) -> float:
        """Until when the last bar can be taken back, if it has not begun."""
        return self.ahead_s

    @property
    def line_s(self) -> float:
        """When the next bar to be placed will begin, if one is placed; else it can begin at once."""
        with self._lock:
            return self.seconds(self._slots[-1].end) if self._slots else -math.inf

    @property
    def due_s(self) -> float:
        """When the next bar begins or the last is over; infinity without bars."""
        with self._lock:
            waiting = next((slot for slot in self._slots if not slot.begun), None)
            starts_s = math.inf if waiting is None else self.seconds(waiting.start)
            return min(starts_s, self.seconds(self._slots[0].end)) if self.playing else starts_s

    def begun(self, now_s: float) -> list[Begun | None]:
        """Return the bars that have begun since the last call, None where the music has fallen silent."""
        with self._lock:
            told: list[Begun | None] = []
            while (slot := next((slot for slot in self._slots if not slot.begun), None)) is not None:
                starts_s = self.seconds(slot.start)
                if starts_s > now_s:
                    break
                slot.begun = True
                told.append(Begun(slot.bar, starts_s, self.tempo_bpm(slot)))
            while self.playing and self.seconds(self._slots[0].end) <= now_s:
                over = self._slots.pop(0)
                if not self._slots:
                    self.gaps += not over.final
                    told.append(None)
            return told

    def take_back(self) -> bool:
        """Drop the bar that was placed last; returns whether that was still possible."""
        with self._lock:
            if not self.ahead or not self._scheduler.take_back(self._slots[-1].piece):
                return False
            del self._slots[-1]
            self._instruments.take_back()
            return True

    def cut(self) -> None:
        """Drop everything, end every note and silence the instruments, at once."""
        with self._lock:
            self._slots.clear()
            self._scheduler.panic()


AnyTimeline = Timeline[Any]


def _nothing() -> None:
    """Nobody waits."""
