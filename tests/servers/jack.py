"""A JACK server without a sound card, and a synthesizer that plays through it."""

from __future__ import annotations

import os
import signal
import subprocess
import time
import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SOUNDFONT = "/usr/share/sounds/sf2/TimGM6mb.sf2"
READY_S = 10.0


def until(condition: Callable[[], object], within_s: float = READY_S) -> None:
    """Wait until something is so; fail if it isn't in time."""
    end_s = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < end_s, "it did not come to pass in time"
        time.sleep(0.01)


class JackServer:
    """A `jackd` of its own name; clients in this process find it by `$JACK_DEFAULT_SERVER`."""

    def __init__(self, period: int = 64, rate_hz: int = 48000) -> None:
        self.name = f"robotd-{uuid.uuid4().hex[:8]}"
        self._command = ["jackd", "-R", "-P", "10", "-n", self.name, "-d", "dummy"]
        self._command += ["-r", str(rate_hz), "-p", str(period)]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        quiet = subprocess.DEVNULL
        self._process = subprocess.Popen(self._command, stdout=quiet, stderr=quiet)
        subprocess.run(["jack_wait", "-s", self.name, "-w", "-t", "10"], check=True, stdout=quiet, stderr=quiet)

    def kill(self) -> None:
        """Let the server die, as in a crash."""
        self.signal(signal.SIGKILL)
        if self._process is not None:
            self._process.wait()

    def signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def stop(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self.signal(signal.SIGCONT)
            self._process.terminate()
            try:
                self._process.wait(5)
            except subprocess.TimeoutExpired:
                self.kill()

    def ports(self) -> list[str]:
        """All MIDI and audio inputs and outputs, by name."""
        asked = subprocess.run(["jack_lsp", "-s", self.name], check=False, capture_output=True, text=True, timeout=10)
        return asked.stdout.splitlines()

    def record(self, path: Path, seconds: int, *ports: str) -> subprocess.Popen[bytes]:
        """Write what audio ports give to a WAV file."""
        return subprocess.Popen(
            ["jack_rec", "-f", str(path), "-d", str(seconds), "-b", "16", *ports],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )


@contextmanager
def jack_server() -> Iterator[JackServer]:
    """Run a server that is the default one for this process meanwhile."""
    server = JackServer()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JACK_DEFAULT_SERVER", server.name)
        patch.setenv("JACK_NO_START_SERVER", "1")
        try:
            server.start()
            yield server
        finally:
            server.stop()


@contextmanager
def fluidsynth(server: JackServer, name: str = "synth") -> Iterator[str]:
    """Run a synthesizer whose MIDI input and audio outputs are JACK ports that begin with the name."""
    settings = {
        "audio.jack.server": server.name,
        "midi.jack.server": server.name,
        "audio.jack.id": name,
        "midi.jack.id": name,
    }
    command = ["fluidsynth", "-q", "-a", "jack", "-m", "jack", "-r", "48000"]
    for key, value in settings.items():
        command += ["-o", f"{key}={value}"]
    # It quits when its input ends.
    process = subprocess.Popen(
        [*command, SOUNDFONT],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=os.environ,
    )
    try:
        until(lambda: any(port.startswith(f"{name}:midi") for port in server.ports()))
        yield name
    finally:
        process.communicate(timeout=READY_S)
