"""MIDI in: the panic button of a controller, and the clock of another machine."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from mido import Message

from robotd.errors import DeviceError
from robotd.express.midi.backend import Input
from robotd.express.midi.jitter import Least
from robotd.express.midi.port import RETRY_S, WATCH_S, Watched, matching

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence
    from types import TracebackType

    from typing_extensions import Self

    from robotd.config import Midi

logger = logging.getLogger(__name__)

#: As `midi.input`: whatever there is.
AUTO = "auto"
#: What RtMidi has received is fetched this often; it knows itself when it came.
POLL_S = 0.005
#: Many devices say All Notes Off on all channels, one after the other, and that is one panic. Our own panic may
#: come back to us over a thru cable, and that is none.
PANIC_EVERY_S = 0.5

# MIDI 1.0 Detailed Specification (4.2.1), tables II, III and V; and MMC, RP-013.
CONTROL_CHANGE, SYSEX, SYSTEM_RESET = 0xB0, 0xF0, 0xFF
ALL_SOUND_OFF, ALL_NOTES_OFF = 120, 123
REALTIME_SYSEX, MMC_COMMAND, MMC_STOP = 0x7F, 0x06, 0x01
#: Status bytes of clock, start, continue, stop and song position.
TRANSPORT = {0xF8, 0xFA, 0xFB, 0xFC, 0xF2}


def is_panic(data: Sequence[int], controller: int | None) -> bool:
    """Return whether a message asks for silence.

    Args:
        data: the bytes of one message.
        controller: of any channel, that asks for it too when it is not 0; None for none.
    """
    if data[0] & 0xF0 == CONTROL_CHANGE and len(data) == 3:  # noqa: PLR2004
        number, value = data[1:]
        return number in {ALL_SOUND_OFF, ALL_NOTES_OFF} or (number == controller and value > 0)
    if data[0] == SYSEX:
        # F0 7F device 06 command F7
        return data[1:2] == [REALTIME_SYSEX] and data[3:5] == [MMC_COMMAND, MMC_STOP]
    return data[0] == SYSTEM_RESET


class MidiInput(Watched[Input]):
    """A MIDI input; within the block it is heard, and comes back when it was lost.

    It is connected to the existing port whose name contains `config.input`; `auto`: to the first that is not
    robotd's own and no mere "Midi Through". Where there is none it is a virtual port, `robotd-in`.

    Args:
        config: which system, which port, which controller.
        on_panic: called on a thread of ours when silence is asked for.
        hear: called on a thread of ours with the time, as of `time.monotonic`, of each clock, start, continue,
            stop and song position message.
        watch_s: how often the port is looked after.
        retry_s: how often a MIDI system is looked for where there was none.
    """

    direction = "comes from"
    kind = Input

    def __init__(
        self,
        config: Midi,
        on_panic: Callable[[], None],
        hear: Callable[[float, Message], None] | None = None,
        *,
        watch_s: float = WATCH_S,
        retry_s: float = RETRY_S,
    ) -> None:
        super().__init__(config, Input.title, watch_s=watch_s, retry_s=retry_s)
        self._on_panic = on_panic
        self._hear = hear
        self._panicked_s = float("-inf")
        #: The sum of RtMidi's seconds between messages, and how far it is behind our clock.
        self._since_first_s = 0.0
        self._behind = Least()
        self._listener = threading.Thread(target=self._listen, name="midi-in", daemon=True)

    def __enter__(self) -> Self:
        super().__enter__()
        self._listener.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        super().__exit__(kind, error, trace)
        self._listener.join()

    def _wanted(self, names: Sequence[str]) -> str | None:
        wanted = self._config.input or AUTO
        if wanted != AUTO:
            return matching(names, wanted)
        return next((name for name in names if not name.startswith(("robotd", "Midi Through"))), None)

    def _close(self) -> None:
        super()._close()
        with self._lock:
            self._since_first_s = 0.0
            self._behind.clear()

    def _listen(self) -> None:
        while not self._closing.wait(POLL_S):
            for time_s, data in self._received():
                if is_panic(data, self._config.panic_controller):
                    self._panic(time_s)
                elif data[0] in TRANSPORT and self._hear is not None:
                    with contextlib.suppress(ValueError):  # a broken message
                        self._hear(time_s, Message.from_bytes(data))

    def _received(self) -> list[tuple[float, list[int]]]:
        """Return the times and bytes of what came since the last call."""
        received = []
        with self._lock:
            try:
                while self._client is not None and (event := self._client.receive()) is not None:
                    data, gap_s = event
                    self._since_first_s += gap_s
                    # We fetch a message when it came or later: the least we were behind is the truest.
                    now_s = time.monotonic()
                    behind_s = self._behind.add(now_s, now_s - self._since_first_s)
                    if data:
                        received.append((self._since_first_s + behind_s, data))
            except DeviceError as error:
                self._failed = True
                logger.debug("%s", error)
        return received

    def _panic(self, time_s: float) -> None:
        if time_s - self._panicked_s >= PANIC_EVERY_S:
            self._panicked_s = time_s
            logger.info("panic, asked for by MIDI (%s)", self.name)
            self._on_panic()


@asynccontextmanager
async def open_input(
    config: Midi, on_panic: Callable[[], None], hear: Callable[[float, Message], None] | None = None
) -> AsyncIterator[None]:
    """Listen to MIDI in for the length of the block, if that is configured.

    Args:
        config: without `input` nothing is opened, unless the clock is wanted.
        on_panic: called on the loop when silence is asked for.
        hear: called on another thread with the time, as of `time.monotonic`, of each clock, start, continue, stop
            and song position message; None if nobody wants the clock.
    """
    if not config.enabled or (config.input is None and hear is None):
        yield
        return
    loop = asyncio.get_running_loop()
    midi_in = MidiInput(config, lambda: _call(loop, on_panic), hear)
    # Opening and closing may wait for a MIDI system; the event loop must not.
    await asyncio.to_thread(midi_in.__enter__)
    try:
        yield
    finally:
        await asyncio.shield(asyncio.to_thread(midi_in.__exit__, None, None, None))


def _call(loop: asyncio.AbstractEventLoop, callback: Callable[[], None]) -> None:
    with contextlib.suppress(RuntimeError):  # the loop has just been closed
        loop.call_soon_threadsafe(callback)
