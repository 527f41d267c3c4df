"""The two MIDI systems of Linux behind one face; the only place that knows RtMidi."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from robotd.errors import DeviceError
from robotd.express.midi import jack

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from robotd.config import Midi

logger = logging.getLogger(__name__)

CLIENT = "robotd"
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


class Output:
    """A client of a MIDI system that can send.

    Args:
        backend: a system that runs.
        identity: of this instance of it.

    Raises:
        DeviceError: from all its methods, if the system refuses.
    """

    def __init__(self, backend: Backend, identity: str) -> None:
        self.backend = backend
        self.identity = identity
        self._pulse: jack.Pulse | None = None
        with self._explained("can't be used"):
            import rtmidi

            if backend.name == "jack":
                jack.libjack()
                self._pulse = jack.Pulse()
            self._rtmidi = rtmidi.MidiOut(rtapi=getattr(rtmidi, backend.api), name=CLIENT)

    @property
    def alive(self) -> bool:
        """Whether the instance of the system that we joined still runs."""
        return self.backend.identity() == self.identity

    @property
    def playing(self) -> bool:
        """Whether it takes in what is sent; asked at most a few times a second."""
        return self._pulse is None or self._pulse.beats()

    def names(self) -> list[str]:
        """Return the ports that can be connected to."""
        with self._explained("can't list its ports"):
            return list(self._rtmidi.get_ports())

    def open(self, name: str, target: str | None) -> None:
        """Open our port, connected to a port or, for None, as a virtual port that others connect to."""
        with self._explained(f"can't open the port {target or name!r}"):
            if target is None:
                self._rtmidi.open_virtual_port(name)
            else:
                self._rtmidi.open_port(self._rtmidi.get_ports().index(target), name)

    def send(self, data: list[int]) -> None:
        """Send the bytes of one message."""
        with self._explained("can't send"):
            self._rtmidi.send_message(data)

    def close(self) -> None:
        """Leave the system; takes a second where JACK has died."""
        self._rtmidi.close_port()
        self._rtmidi.delete()
        if self._pulse is not None:
            self._pulse.close()

    @contextmanager
    def _explained(self, what: str) -> Iterator[None]:
        # RtMidi's errors have several unrelated bases; a library that it misses is an ImportError.
        try:
            yield
        except Exception as error:
            raise DeviceError(f"MIDI over {self.backend.name} {what}: {error}") from error


@dataclass(frozen=True, slots=True)
class MidiPortName:
    """An output that MIDI can be sent to."""

    backend: str
    name: str


def list_midi_ports() -> tuple[MidiPortName, ...]:
    """Return the MIDI outputs of all systems that run here; none if no system does."""
    ports: list[MidiPortName] = []
    for backend in BACKENDS:
        identity = backend.identity()
        if identity is None:
            continue
        try:
            output = Output(backend, identity)
            ports += (MidiPortName(backend.name, name) for name in output.names())
            output.close()
        except DeviceError as error:
            logger.warning("%s", error)
    return tuple(ports)
