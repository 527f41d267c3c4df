"""A server that runs as a process of its own."""

from __future__ import annotations

import subprocess


class Server:
    """A process that can be ended in good order, killed, and sent signals; `start` is each server's own."""

    _process: subprocess.Popen[bytes] | None = None

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
