"""Sound servers without a sound card: PulseAudio with a null sink, JACK with its dummy driver."""

from __future__ import annotations

import os
import signal
import subprocess
import time
import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import soundfile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from typing_extensions import Self


def wait_until(condition: Callable[[], bool], within_s: float = 15.0) -> None:
    """Return when the condition holds.

    Raises:
        TimeoutError: it did not in time.
    """
    end_s = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > end_s:
            raise TimeoutError(f"not within {within_s:g} s")
        time.sleep(0.05)


def write_tone(path: Path, *, seconds: float, frequency_hz: float = 440.0, rate_hz: int = 16_000) -> Path:
    """Write a sine of amplitude 0.5 as a sound file and return its path."""
    time_s = np.arange(int(seconds * rate_hz)) / rate_hz
    soundfile.write(path, 0.5 * np.sin(2 * np.pi * frequency_hz * time_s), rate_hz)
    return path


class PulseAudio:
    """A PulseAudio server whose default source hears what is played.

    Inside `with` every client of this process finds it. It can be killed and started again.

    Args:
        folder: an empty folder of its own.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._socket = folder / "native"
        self._server: subprocess.Popen[bytes] | None = None
        self._players: list[subprocess.Popen[bytes]] = []
        self._before: dict[str, str | None] = {}

    def __enter__(self) -> Self:
        """Start the server and point this process to it."""
        for key, value in {
            "PULSE_SERVER": f"unix:{self._socket}",
            "PULSE_COOKIE": str(self._folder / "cookie"),
        }.items():
            self._before[key] = os.environ.get(key)
            os.environ[key] = value
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop the server and its players."""
        for player in self._players:
            player.kill()
            player.wait()
        if self._server is not None:
            self.kill()
        for key, value in self._before.items():
            if value is None:
                del os.environ[key]
            else:
                os.environ[key] = value

    def start(self) -> None:
        """Start the server and wait until it answers."""
        environment = {**os.environ, "HOME": str(self._folder), "XDG_RUNTIME_DIR": str(self._folder)}
        del environment["PULSE_SERVER"]
        self._socket.unlink(missing_ok=True)
        self._server = subprocess.Popen(
            [
                *("pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no"),
                *("-L", f"module-native-protocol-unix socket={self._socket} auth-anonymous=1"),
                *("-L", "module-null-sink sink_name=virt rate=16000 channels=1 format=s16le"),
            ],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_until(lambda: _succeeds("pactl", "set-default-source", "virt.monitor"))

    def kill(self) -> None:
        """End the server at once, as a crash would."""
        assert self._server is not None
        self._server.kill()
        self._server.wait()
        self._server = None

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Stop the server in its tracks: its clients see no error, only silence on the line."""
        assert self._server is not None
        self._server.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._server.send_signal(signal.SIGCONT)

    def recorders(self) -> int:
        """Return how many clients record now."""
        listed = subprocess.run(
            ["pactl", "list", "short", "source-outputs"], capture_output=True, check=True, timeout=10
        )
        return len(listed.stdout.splitlines())

    def play(self, sound: Path) -> None:
        """Begin to play a file; it is heard at the default source."""
        self._players.append(subprocess.Popen(["paplay", "-d", "virt", str(sound)], stderr=subprocess.DEVNULL))


@contextmanager
def jack(*, rate_hz: int = 48_000, period: int = 480) -> Iterator[str]:
    """Run a JACK server with the dummy driver, give its name, and point this process to it."""
    name = f"robotd-{uuid.uuid4().hex[:8]}"
    before = os.environ.get("JACK_DEFAULT_SERVER")
    os.environ["JACK_DEFAULT_SERVER"] = name
    os.environ.setdefault("JACK_NO_START_SERVER", "1")
    server = subprocess.Popen(
        ["jackd", "-R", "-P", "10", "-n", name, "-d", "dummy", "-r", str(rate_hz), "-p", str(period)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until(lambda: _succeeds("jack_lsp"))
        yield name
    finally:
        server.terminate()
        server.wait()
        if before is None:
            del os.environ["JACK_DEFAULT_SERVER"]
        else:
            os.environ["JACK_DEFAULT_SERVER"] = before


def _succeeds(*command: str) -> bool:
    return (
        subprocess.run(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False, timeout=10
        ).returncode
        == 0
    )
