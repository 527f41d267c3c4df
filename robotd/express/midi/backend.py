"""The two MIDI systems of Linux behind one face; the only place that knows RtMidi."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from robotd.errors import DeviceError
from robotd.express.midi import jack

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from robotd.config import Midi

logger = logging.getLogger(__name__)

#: So many messages that came in may wait: 2 s of a cable's full rate.
QUEUED = 2048
SEQUENCER = Path("/dev/snd/seq")


def sequencer_identity() -> str | None:
    """Return a value that stands for the ALSA sequencer, None if this machine has none."""
    return str(SEQUENCER) if SEQUENCER.exists() else None


@dataclass(frozen=True, slots=True)
class Backend:
    """One MIDI system.

    Attributes:
        name: as in the configuration.
        api: the name of RtMidi's constant for it.
        identity: tells which instance of it runs, None if none does. RtMidi must only be asked if one does:
            else it raises, and libjack writes to standard error.
        remedy: what to do when there is none.
    """

    name: str
    api: str
    identity: Callable[[], str | None]
    remedy: str


BACKENDS = (
    Backend("alsa", "API_LINUX_ALSA", sequencer_identity, "load the ALSA sequencer (modprobe snd-seq)"),
    Backend("jack", "API_UNIX_JACK", jack.server_identity, "start a JACK server (jackd -d alsa, or -d dummy)"),
)


def running(config: Midi) -> tuple[Backend, str]:
    """Return the MIDI system to use and its identity.

    Raises:
        DeviceError: there is none of the kind that is configured.
    """
    wanted = [backend for backend in BACKENDS if config.backend in {backend.name, "auto"}]
    for backend in wanted:
        identity = backend.identity()
        if identity is not None:
            return backend, identity
    remedies = " or ".join(backend.remedy for backend in wanted)
    raise DeviceError(f"no MIDI system is running: {remedies}, or set midi.enabled: false")


class Client(ABC):
    """A client of a MIDI system with one port; `Output` and `Input` know its direction.

    Args:
        backend: a system that runs.
        identity: of this instance of it.

    Raises:
        DeviceError: from all its methods, if the system refuses.
    """

    #: How the client is called in the MIDI system.
    title: ClassVar[str]
    #: What the ports that it can be connected to are, in JACK's flags.
    other_end: ClassVar[int]

    def __init__(self, backend: Backend, identity: str) -> None:
        self.backend = backend
        self.identity = identity
        with self._explained("can't be used"):
            import rtmidi

            self._observer = jack.Observer() if backend.name == "jack" else None
            api = getattr(rtmidi, backend.api)
            self._rtmidi = self._made(rtmidi, api)
            # RtMidi's objects are not made for two threads, and who plays must not wait for one that looks around.
            watched = self._observer is not None and self._observer.works
            self._lister = None if watched else self._made(rtmidi, api)

    @abstractmethod
    def _made(self, rtmidi: Any, api: int) -> Any:
        """Return an object of RtMidi's for this direction."""

    @property
    def alive(self) -> bool:
        """Whether the instance of the system that we joined still runs."""
        return self.backend.identity() == self.identity

    @property
    def playing(self) -> bool:
        """Whether it does what it should; asked at most a few times a second."""
        return True

    def names(self) -> list[str]:
        """Return the ports that can be connected to; an input of robotd's is none. Nobody who sends waits for it."""
        with self._explained("can't list its ports"):
            if self._lister is not None:
                names = self._lister.get_ports()
            else:
                assert self._observer is not None
                names = self._observer.ports(self.other_end)
            return [name for name in names if f":{Input.title}" not in name]

    def open(self, name: str, target: str | None) -> None:
        """Open our port, connected to a port or, for None, as a virtual port that others connect to."""
        with self._explained(f"can't open the port {target or name!r}"):
            if target is None:
                self._rtmidi.open_virtual_port(name)
            else:
                self._rtmidi.open_port(self._rtmidi.get_ports().index(target), name)

    def close(self) -> None:
        """Leave the system; takes a second where JACK has died."""
        self._rtmidi.close_port()
        self._rtmidi.delete()
        if self._lister is not None:
            self._lister.delete()
        if self._observer is not None:
            self._observer.close()

    @contextmanager
    def _explained(self, what: str) -> Iterator[None]:
        # RtMidi's errors have several unrelated bases; a library that it misses is an ImportError.
        try:
            yield
        except Exception as error:
            raise DeviceError(f"MIDI over {self.backend.name} {what}: {error}") from error


class Output(Client):
    """A client that can send."""

    title = "robotd"
    other_end = jack.IS_INPUT

    def _made(self, rtmidi: Any, api: int) -> Any:
        return rtmidi.MidiOut(rtapi=api, name=self.title)

    @property
    def playing(self) -> bool:
        """Whether it takes in what is sent; asked at most a few times a second."""
        return self._observer is None or self._observer.beats()

    def send(self, data: list[int]) -> None:
        """Send the bytes of one message."""
        with self._explained("can't send"):
            self._rtmidi.send_message(data)


class Input(Client):
    """A client that can receive.

    What arrives waits in RtMidi's queue until it is fetched. A callback would be called on JACK's own thread and
    wait there for the interpreter, and JACK throws out who keeps it waiting.
    """

    title = "robotd-in"
    other_end = jack.IS_OUTPUT

    def _made(self, rtmidi: Any, api: int) -> Any:
        made = rtmidi.MidiIn(rtapi=api, name=self.title, queue_size_limit=QUEUED)
        # What RtMidi leaves out is missing in its times too.
        made.ignore_types(sysex=False, timing=False, active_sense=False)
        return made

    def receive(self) -> tuple[list[int], float] | None:
        """Return the bytes of the oldest message and the seconds since the one before it, None if there is none."""
        with self._explained("can't receive"):
            event: tuple[list[int], float] | None = self._rtmidi.get_message()
        return event


@dataclass(frozen=True, slots=True)
class MidiPortName:
    """A port that MIDI can be sent to or comes from."""

    backend: str
    name: str


def list_midi_ports() -> tuple[MidiPortName, ...]:
    """Return the MIDI outputs of all systems that run here; none if no system does."""
    return _listed(Output)


def list_midi_inputs() -> tuple[MidiPortName, ...]:
    """Return the MIDI inputs of all systems that run here; none if no system does."""
    return _listed(Input)


def _listed(kind: type[Client]) -> tuple[MidiPortName, ...]:
    ports: list[MidiPortName] = []
    for backend in BACKENDS:
        identity = backend.identity()
        if identity is None:
            continue
        try:
            client = kind(backend, identity)
            ports += (MidiPortName(backend.name, name) for name in client.names())
            client.close()
        except DeviceError as error:
            logger.warning("%s", error)
    return tuple(ports)
