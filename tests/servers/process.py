"""A server that runs as a process of its own."""

from __future__ import annotations

import subprocess
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing_extensions import Self


class Server(ABC):
    """Runs for the length of a `with` block, or from `start` to `stop`; it can be killed and sent signals."""

    _process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @abstractmethod
    def start(self) -> None:
        """Start it and wait until it can be used."""

    def stop(self) -> None:
        """End it in good order, if it runs."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=10)
            self._process = None

    def kill(self) -> None:
        """End it without warning."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(timeout=10)
        self._process = None

    def signal(self, number: int) -> None:
        """Send it a signal, for instance SIGSTOP to freeze it."""
        assert self._process is not None
        self._process.send_signal(number)
