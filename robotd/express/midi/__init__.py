"""MIDI out: a port that mends itself, a scheduler that is on time, a performer that follows the feeling.

::

    composer ── bars ─▶ Performer ─▶ Timeline ── due messages ─▶ Scheduler ─┬─▶ Port
                                        ▲                                   ├─▶ Recorder
                                  ExternalClock                             └─▶ Ahead
"""

from __future__ import annotations

import asyncio
import math
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from robotd.express.midi.backend import MidiPortName, list_midi_ports
from robotd.express.midi.clock import Clock, MediaClock, RealClock
from robotd.express.midi.lateness import Lateness
from robotd.express.midi.performer import Performer, Playing
from robotd.express.midi.port import MidiPort, open_port
from robotd.express.midi.recorder import Recorder
from robotd.express.midi.scheduler import Scheduler

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from mido import Message

    from robotd.config import Midi
    from robotd.express.midi.port import Port
    from robotd.express.midi.scheduler import Ahead

__all__ = [
    "Clock",
    "Lateness",
    "MediaClock",
    "MidiOut",
    "MidiPort",
    "MidiPortName",
    "Performer",
    "Playing",
    "RealClock",
    "Recorder",
    "Scheduler",
    "list_midi_ports",
    "open_midi",
]


@dataclass(frozen=True, slots=True)
class MidiOut:
    """An open way out for music.

    Attributes:
        scheduler: plays.
        clock: what it goes by.
        port: what it plays into; None where none is wanted, and for a clip at full speed.
    """

    scheduler: Scheduler
    clock: Clock
    port: Port | None


@asynccontextmanager
async def open_midi(config: Midi, clock: Clock | None = None, *, ahead: Ahead | None = None) -> AsyncIterator[MidiOut]:
    """Open port, scheduler and recorder as configured; on leaving, all is silent and the recording written.

    Args:
        config: `enabled` says whether there is a port, `record` names the file to write, if any.
        clock: None for music as it is heard. A `MediaClock` for a clip at full speed: nothing is sent to a
            port then, and the scheduler plays when `Performer.catch_up` is called.
        ahead: is told of everything in time, but not of a clip at full speed.

    Raises:
        MediaError: on leaving, if the recording can't be written.
    """
    opening = _opened(config, clock, ahead)
    # Opening and closing may wait for a MIDI system; the event loop must not.
    out = await asyncio.to_thread(opening.__enter__)
    try:
        yield out
    finally:
        await asyncio.shield(asyncio.to_thread(opening.__exit__, None, None, None))


@contextmanager
def _opened(config: Midi, clock: Clock | None, ahead: Ahead | None) -> Iterator[MidiOut]:
    with ExitStack() as stack:
        recorder = None
        if config.record is not None:
            recorder = Recorder(config.record, RealClock().now() if clock is None else clock.now())
            stack.callback(recorder.save)
        record = None if recorder is None else recorder.write
        channels = tuple(config.channels.from_zero.values())
        if clock is not None:
            scheduler = Scheduler(_nowhere, record=record, channels=channels, now=clock.now)
            stack.callback(scheduler.run_until, math.inf)
            stack.callback(scheduler.panic)
            yield MidiOut(scheduler, clock, None)
            return
        port = stack.enter_context(open_port(config)) if config.enabled else None
        send = _nowhere if port is None else port.send
        scheduler = stack.enter_context(Scheduler(send, record=record, channels=channels, ahead=ahead))
        if port is not None:
            port.on_return = scheduler.refresh
        yield MidiOut(scheduler, RealClock(), port)


def _nowhere(message: Message) -> None:
    """Without a port there is nobody to hear it."""
