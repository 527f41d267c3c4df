"""The MIDI port: opened by name, lost and found again without anybody's help."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from robotd.errors import DeviceError
from robotd.express.midi.backend import Output, running

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType

    from mido import Message
    from typing_extensions import Self

    from robotd.config import Midi

logger = logging.getLogger(__name__)

#: An open port is looked after, and a lost one looked for, this often.
WATCH_S = 2.0
#: Where there has been no MIDI system at all, one is looked for this often.
RETRY_S = 30.0


def matching(names: Sequence[str], wanted: str) -> str | None:
    """Return the first name that contains the wanted one, in any case; None if none does."""
    return next((name for name in names if wanted.casefold() in name.casefold()), None)


class MidiPort:
    """A MIDI output; `with MidiPort(config) as port:`.

    It is connected to the existing output whose name contains `config.port`; where there is none it is a
    virtual port of that name, which others connect to, until such an output appears. Without a MIDI system it
    warns once and tries again from time to time. What is sent while nothing is open is dropped.

    Neither RtMidi nor JACK says when a device is unplugged or a server dies, so a thread looks after that.

    Args:
        config: which system and which port.
        watch_s: how often the port is looked after.
        retry_s: how often a MIDI system is looked for where there was none.

    Attributes:
        on_return: called on a thread of ours after every opening but one on entering, to restore what the
            instrument at the other end should know.
    """

    def __init__(self, config: Midi, *, watch_s: float = WATCH_S, retry_s: float = RETRY_S) -> None:
        self.on_return: Callable[[], None] | None = None
        self._config = config
        self._interval_s = retry_s
        self._watch_s = watch_s
        self._lock = threading.Lock()
        self._output: Output | None = None
        self._target: str | None = None
        self._failed = False
        self._stuck = False
        self._closing = threading.Event()
        self._watchdog = threading.Thread(target=self._watch, name="midi-watchdog", daemon=True)

    def __enter__(self) -> Self:
        try:
            self._open()
        except DeviceError as error:
            logger.warning("%s; looking again every %.0f s", error, self._interval_s)
        self._watchdog.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        self._watchdog.join()
        self._close()

    @property
    def name(self) -> str | None:
        """The port that is played into, None while there is none."""
        return None if self._output is None or self._stuck else self._target or self._config.port

    def send(self, message: Message) -> None:
        """Send a message, from any thread; never raises."""
        with self._lock:
            if self._output is None or self._stuck:
                return
            try:
                self._output.send(message.bytes())
            except DeviceError as error:
                self._failed = True
                logger.debug("%s", error)

    def _open(self) -> None:
        """Open what should be open.

        Raises:
            DeviceError: there is no MIDI system, or it refuses us.
        """
        output = Output(*running(self._config))
        try:
            target = matching(output.names(), self._config.port)
            output.open(self._config.port, target)
        except DeviceError:
            output.close()
            raise
        with self._lock:
            self._output, self._target, self._failed, self._stuck = output, target, False, False
        self._interval_s = self._watch_s
        logger.info("MIDI goes to %s %r (%s)", "the port" if target else "our port", self.name, output.backend.name)

    def _close(self) -> None:
        with self._lock:
            gone, self._output = self._output, None
        if gone is not None:
            # Not under the lock: it takes a while, and senders must not wait.
            gone.close()

    def _watch(self) -> None:
        while not self._closing.wait(self._interval_s):
            if self._output is None:
                self._reopen()
            elif not self._intact(self._output):
                logger.warning("the MIDI port %r is lost; looking for it", self.name or self._config.port)
                self._close()
                self._reopen()
            elif self._target is None and self._found(self._output):
                # An instrument has appeared, and takes the place of our own port.
                self._close()
                self._reopen()
            elif self._output.playing == self._stuck:
                self._stuck = not self._stuck
                if self._stuck:
                    logger.warning("the MIDI system stands still; waiting for it")
                else:
                    logger.info("the MIDI system is back")
                    self._restore()

    def _reopen(self) -> None:
        try:
            self._open()
        except DeviceError as error:
            logger.debug("%s", error)
        else:
            self._restore()

    def _restore(self) -> None:
        if self.on_return is not None:
            self.on_return()

    def _intact(self, output: Output) -> bool:
        """Whether what was opened is still there."""
        if self._failed or not output.alive:
            return False
        return self._target is None or self._found(output) == self._target

    def _found(self, output: Output) -> str | None:
        """Return the existing output that is wanted, None if there is none."""
        try:
            # Under the lock, as RtMidi is not made for two threads; this takes about 0.1 ms.
            with self._lock:
                return matching(output.names(), self._config.port)
        except DeviceError:
            return None
