"""Plays messages exactly when they are due, on a thread of its own, and lets no note hang.

The thread sleeps until a moment before an event is due, so that new orders still
reach it, and then exactly until it is due; inference and the event loop run elsewhere.
"""

from __future__ import annotations

import contextlib
import heapq
import os
import threading
import time
from enum import Enum
from itertools import count
from typing import TYPE_CHECKING, Protocol

from mido import Message

from robotd.express.midi import beat_clock
from robotd.express.midi.lateness import Lateness, LatenessMeter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from types import TracebackType

    from mido import MetaMessage
    from typing_extensions import Self

#: The thread listens for new orders until so long before an event is due.
ALERT_S = 0.001
#: Real-time priority (1..99) that is asked for: above ordinary programs, below JACK's own threads.
PRIORITY = 5

SUSTAIN, ALL_SOUND_OFF, RESET_CONTROLLERS, ALL_NOTES_OFF = 64, 120, 121, 123
#: What silences a channel, in order (MIDI 1.0, channel mode messages): controller and value.
SILENCE = ((SUSTAIN, 0), (ALL_NOTES_OFF, 0), (ALL_SOUND_OFF, 0), (RESET_CONTROLLERS, 0))


class _Order(Enum):
    """Things to do at a time other than sending a message."""

    REPEAT_ENDS = "send the ends of the notes of the last bar once more"
    RELEASE = "end all notes that sound"
    RESET = "end all notes, twice, stop the clock, silence the channels, tell their programs again"


#: What is due at the same time: the clock, notes end, then settings change, then notes begin, then the rest.
RANKS = {"clock": -1, "note_off": 0, "note_on": 2}


#: When it is due, its rank among what is due then, its number, what it is, and the piece that it belongs to.
_Entry = tuple[float, int, int, "Message | MetaMessage | _Order", int]


class Ahead(Protocol):
    """Is told what will be played before it is, on whatever thread decides that; must return at once."""

    def scheduled(self, due_s: float, message: Message, piece: int) -> None:
        """Take note of a message of a piece."""

    def taken_back(self, piece: int) -> None:
        """Forget what a piece holds."""

    def silenced(self) -> None:
        """Forget everything; what sounds has ended."""


class Scheduler:
    """Holds what is to be played, and plays it.

    As a context manager it plays on a thread of its own, by the machine's clock. Without that, `run_until`
    plays what is due, for a clock of another kind.

    Args:
        send: gets every message when it is due; must not raise.
        record: gets the time and every message that was played, and changes of tempo.
        channels: counted from 0, that are silenced on `panic`, besides those that have been played on.
        now: the clock, in seconds.
        ahead: is told of everything in time.

    Attributes:
        notes_played: how many notes have begun.
    """

    def __init__(
        self,
        send: Callable[[Message], None],
        *,
        record: Callable[[float, Message | MetaMessage], None] | None = None,
        channels: Iterable[int] = (),
        now: Callable[[], float] = time.monotonic,
        ahead: Ahead | None = None,
    ) -> None:
        self.notes_played = 0
        self._now = now
        self._send = send
        self._record = record
        self._ahead = ahead
        self._channels = set(channels)
        self._programs: dict[int, Message] = {}
        self._sounding: set[tuple[int, int]] = set()
        self._ended: set[tuple[int, int]] = set()
        self._clock_runs = False
        self._queue: list[_Entry] = []
        self._numbers = count()
        self._pieces = count(1)
        self._begun = 0
        self._changed = threading.Condition()
        self._closing = False
        self._meter, self._clock_meter = LatenessMeter(), LatenessMeter()
        self._thread = threading.Thread(target=self._run, name="midi", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self.panic()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._changed:
            self._closing = True
            self.panic()
        self._thread.join()

    @property
    def lateness(self) -> Lateness:
        """How late the latest notes began."""
        return self._meter.lateness

    @property
    def clock_lateness(self) -> Lateness:
        """How late the latest clocks were sent."""
        return self._clock_meter.lateness

    def piece(self) -> int:
        """Return the number of a new piece of music, which can be taken back as long as nothing of it was played.

        Pieces are to be played in the order of their numbers.
        """
        return next(self._pieces)

    def play(self, due_s: float, message: Message | MetaMessage, piece: int = 0) -> None:
        """Send a message at a time; a `set_tempo` only goes to the record.

        Args:
            due_s: when.
            message: what.
            piece: what it belongs to; 0: nothing that could be taken back.
        """
        self.play_all([(due_s, message)], piece)

    def play_all(self, events: Sequence[tuple[float, Message | MetaMessage]], piece: int = 0) -> None:
        """Send many messages, each at its time (see `play`)."""
        entries = [
            (due_s, RANKS.get(message.type, 1), next(self._numbers), message, piece) for due_s, message in events
        ]
        # All at once, so that the thread that plays does not wait again and again.
        with self._changed:
            self._queue += entries
            heapq.heapify(self._queue)
            self._changed.notify()
        if self._ahead is not None:
            for due_s, message in events:
                if not message.is_meta:
                    self._ahead.scheduled(due_s, message, piece)

    def bar_line(self, due_s: float, piece: int = 0) -> None:
        """Repeat, just after the notes at this time, the ends of earlier notes: a port may lose messages."""
        self._put(due_s, 3, _Order.REPEAT_ENDS, piece)

    def take_back(self, piece: int) -> bool:
        """Drop a piece; returns whether that was still possible, else it is played as it is."""
        with self._changed:
            if piece <= self._begun:
                return False
            self._queue = [entry for entry in self._queue if entry[4] != piece]
            heapq.heapify(self._queue)
        if self._ahead is not None:
            self._ahead.taken_back(piece)
        return True

    def cancel_after(self, time_s: float) -> None:
        """Drop all that is due after a time and end at that time the notes that sound then."""
        with self._changed:
            self._queue = [entry for entry in self._queue if entry[0] <= time_s]
            heapq.heapify(self._queue)
            self._put(time_s, 3, _Order.RELEASE)
        if self._ahead is not None:
            self._ahead.silenced()

    def panic(self) -> None:
        """Drop everything, end all notes, stop the clock and silence the channels, at once; from any thread."""
        with self._changed:
            self._queue.clear()
            self.refresh()
        if self._ahead is not None:
            self._ahead.silenced()

    def refresh(self) -> None:
        """Silence the channels and tell their programs, for an instrument that has just been connected."""
        self._put(-1.0, 0, _Order.RESET)

    def run_until(self, time_s: float) -> None:
        """Play everything that is due up to a time, without waiting."""
        while self._queue and self._queue[0][0] <= time_s:
            self._carry_out(*self._next())

    def _put(self, due_s: float, rank: int, item: _Order, piece: int = 0) -> None:
        with self._changed:
            entry = (due_s, rank, next(self._numbers), item, piece)
            heapq.heappush(self._queue, entry)
            if self._queue[0] is entry:
                self._changed.notify()

    def _next(self) -> tuple[float, Message | MetaMessage | _Order]:
        due_s, _, _, item, piece = heapq.heappop(self._queue)
        self._begun = max(self._begun, piece)
        return due_s, item

    def _run(self) -> None:
        with contextlib.suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(PRIORITY))
        while True:
            with self._changed:
                while not self._queue or self._queue[0][0] - self._now() > ALERT_S:
                    if self._closing and not self._queue:
                        return
                    self._changed.wait(self._queue[0][0] - self._now() - ALERT_S if self._queue else None)
                due_s, item = self._next()
            # Not even for no time at all when it is due: sleeping lets the interpreter go.
            if (wait_s := due_s - self._now()) > 0:
                time.sleep(wait_s)
            self._measure(due_s, item)
            self._carry_out(due_s, item)

    def _measure(self, due_s: float, item: Message | MetaMessage | _Order) -> None:
        if isinstance(item, Message) and item.type == "note_on":
            self._meter.add(self._now() - due_s)
        elif isinstance(item, Message) and item.type == "clock":
            self._clock_meter.add(self._now() - due_s)

    def _carry_out(self, due_s: float, item: Message | MetaMessage | _Order) -> None:
        if item is _Order.RESET:
            self._release(self._now())
            if self._clock_runs:
                self._emit(self._now(), beat_clock.end())
            # No bar line may come any more.
            self._repeat_ends()
            self._silence()
        elif item is _Order.RELEASE:
            self._release(due_s)
        elif item is _Order.REPEAT_ENDS:
            self._repeat_ends()
        else:
            self._emit(due_s, item)

    def _emit(self, time_s: float, message: Message | MetaMessage) -> None:
        channel = getattr(message, "channel", None)
        # A file has no place for what belongs to no channel, such as the clock.
        if self._record is not None and (message.is_meta or channel is not None):
            self._record(time_s, message)
        if message.is_meta:
            return
        self._send(message)
        if channel is None:
            self._clock_runs = message.type != "stop"
            return
        self._channels.add(channel)
        if message.type == "note_on":
            self.notes_played += 1
            self._sounding.add((channel, message.note))
        elif message.type == "note_off":
            self._sounding.discard((channel, message.note))
            self._ended.add((channel, message.note))
        elif message.type == "program_change":
            self._programs[channel] = message

    def _release(self, time_s: float) -> None:
        for key in sorted(self._sounding):
            self._emit(time_s, _end(key))

    def _repeat_ends(self) -> None:
        for key in sorted(self._ended - self._sounding):
            self._send(_end(key))
        self._ended.clear()

    def _silence(self) -> None:
        for channel in sorted(self._channels):
            for control, value in SILENCE:
                self._send(Message("control_change", control=control, value=value, channel=channel))
        for program in self._programs.values():
            self._send(program)


def _end(key: tuple[int, int]) -> Message:
    channel, note = key
    return Message("note_off", channel=channel, note=note)
