"""MIDI ports: opened by name, lost and found again without anybody's help."""

from __future__ import annotations

import logging
import threading
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar, Generic, Protocol, TypeVar

from robotd.errors import DeviceError
from robotd.express.midi.backend import Client, Output, running

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager
    from types import TracebackType

    from mido import Message
    from typing_extensions import Self

    from robotd.config import Midi

logger = logging.getLogger(__name__)

#: An open port is looked after, and a lost one looked for, this often.
WATCH_S = 2.0
#: Where there has been no MIDI system at all, one is looked for this often.
RETRY_S = 30.0

C = TypeVar("C", bound=Client)


class Port(Protocol):
    """What music can be sent to: a MIDI port, or a synthesizer of our own.

    Attributes:
        on_return: called on a thread of the port's own when it is there again, to restore what the
            instrument should know.
    """

    on_return: Callable[[], None] | None

    @property
    def name(self) -> str | None:
        """What is played into, None while there is nothing."""

    def send(self, message: Message) -> None:
        """Send a message, from any thread; never raises."""


def open_port(config: Midi) -> AbstractContextManager[Port]:
    """Return what the configuration wants played into, to be entered."""
    if config.synth is None:
        return MidiPort(config)
    from robotd.express.midi.synth import Synth

    return Synth(config)


def matching(names: Sequence[str], wanted: str) -> str | None:
    """Return the first name that contains the wanted one, in any case; None if none does."""
    return next((name for name in names if wanted.casefold() in name.casefold()), None)


class Watched(ABC, Generic[C]):
    """A port of ours that is opened, looked after and opened again.

    It is connected to the existing port that is wanted; where there is none it is a virtual port, which others
    connect to, until the wanted one appears. Without a MIDI system it warns once and tries again from time to
    time. Neither RtMidi nor JACK says when a device is unplugged or a server dies, so a thread looks after that.

    Args:
        config: which system and which port.
        label: how our port is called.
        watch_s: how often the port is looked after.
        retry_s: how often a MIDI system is looked for where there was none.

    Attributes:
        on_return: called on a thread of ours after every opening but one on entering, to restore what the
            instrument at the other end should know.
    """

    #: `goes to` or `comes from`.
    direction: ClassVar[str]
    kind: type[C]

    def __init__(self, config: Midi, label: str, *, watch_s: float = WATCH_S, retry_s: float = RETRY_S) -> None:
        self.on_return: Callable[[], None] | None = None
        self._config = config
        self._label = label
        self._interval_s = retry_s
        self._watch_s = watch_s
        self._lock = threading.Lock()
        self._client: C | None = None
        self._target: str | None = None
        self._failed = False
        self._stuck = False
        self._closing = threading.Event()
        self._watchdog = threading.Thread(target=self._watch, name=f"{label}-watchdog", daemon=True)

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
        """The port that is connected to, or our own; None while there is none."""
        return None if self._client is None or self._stuck else self._target or self._label

    @abstractmethod
    def _wanted(self, names: Sequence[str]) -> str | None:
        """Return the port among those that exist that is to be connected to, None if none is."""

    def _open(self) -> None:
        """Open what should be open.

        Raises:
            DeviceError: there is no MIDI system, or it refuses us.
        """
        client = self.kind(*running(self._config))
        try:
            target = self._wanted(client.names())
            client.open(self._label, target)
        except DeviceError:
            client.close()
            raise
        with self._lock:
            self._client, self._target, self._failed, self._stuck = client, target, False, False
        self._interval_s = self._watch_s
        which = "the port" if target else "our port"
        logger.info("MIDI %s %s %r (%s)", self.direction, which, self.name, client.backend.name)

    def _close(self) -> None:
        with self._lock:
            gone, self._client = self._client, None
        if gone is not None:
            # Not under the lock: it takes a while, and senders must not wait.
            gone.close()

    def _watch(self) -> None:
        while not self._closing.wait(self._interval_s):
            if self._client is None:
                self._reopen()
            elif not self._intact(self._client):
                logger.warning("the MIDI port %r is lost; looking for it", self.name or self._label)
                self._close()
                self._reopen()
            elif self._target is None and self._wanted(self._names(self._client)):
                # What is wanted has appeared, and takes the place of our own port.
                self._close()
                self._reopen()
            elif self._client.playing == self._stuck:
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

    def _intact(self, client: C) -> bool:
        """Whether what was opened is still there."""
        if self._failed or not client.alive:
            return False
        return self._target is None or self._target in self._names(client)

    def _names(self, client: C) -> list[str]:
        try:
            return client.names()
        except DeviceError:
            return []


class MidiPort(Watched[Output]):
    """A MIDI output; `with MidiPort(config) as port:`.

    It is connected to the existing output whose name contains `config.port`, else it is a virtual port of that
    name. What is sent while nothing is open is dropped.

    Args:
        config: which system and which port.
        watch_s: how often the port is looked after.
        retry_s: how often a MIDI system is looked for where there was none.
    """

    direction = "goes to"
    kind = Output

    def __init__(self, config: Midi, *, watch_s: float = WATCH_S, retry_s: float = RETRY_S) -> None:
        super().__init__(config, config.port, watch_s=watch_s, retry_s=retry_s)

    def send(self, message: Message) -> None:
        """Send a message, from any thread; never raises."""
        with self._lock:
            if self._client is None or self._stuck:
                return
            try:
                self._client.send(message.bytes())
            except DeviceError as error:
                self._failed = True
                logger.debug("%s", error)

    def _wanted(self, names: Sequence[str]) -> str | None:
        return matching(names, self._config.port)
