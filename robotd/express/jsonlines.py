"""One JSON object a line on a stream: what `--json` prints."""

from __future__ import annotations

import json
import os
import queue
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from collections.abc import Mapping

#: So many lines wait for a reader that is slow; more are dropped.
_WAITING = 10_000
_FLUSH_S = 1.0


class JsonLines:
    """Writes each message as a line with its `type` first, on a thread of its own.

    A reader that went away, or does not read, is no reason to stop or to wait.
    """

    def __init__(self, stream: TextIO) -> None:
        self.dropped = 0
        self._stream = stream
        self._lines: queue.Queue[str | None] = queue.Queue(_WAITING)
        self._writer = threading.Thread(target=self._write, name="json lines", daemon=True)
        self._writer.start()

    def write(self, kind: str, payload: Mapping[str, Any]) -> None:
        """Hand over one message; never blocks."""
        line = json.dumps({"type": kind, **payload}, ensure_ascii=False, allow_nan=False) + "\n"
        try:
            self._lines.put_nowait(line)
        except queue.Full:
            self.dropped += 1

    def close(self) -> None:
        """Write what is left, for a second at most."""
        try:
            self._lines.put_nowait(None)
        except queue.Full:
            return
        self._writer.join(_FLUSH_S)

    def _write(self) -> None:
        try:
            while (line := self._lines.get()) is not None:
                self._stream.write(line)
                if self._lines.empty():
                    self._stream.flush()
            self._stream.flush()
        except (OSError, ValueError):  # nobody reads any more, or there is no room
            self._look_away()

    def _look_away(self) -> None:
        """Send what Python still flushes at its end to nowhere."""
        with suppress(OSError, ValueError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)
