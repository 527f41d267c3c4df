"""One JSON object a line on a stream: what `--json` prints."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from collections.abc import Mapping


class JsonLines:
    """Writes each message as a line with its `type` first. A reader that went away is no reason to stop."""

    def __init__(self, stream: TextIO) -> None:
        self._stream: TextIO | None = stream

    def write(self, kind: str, payload: Mapping[str, Any]) -> None:
        """Write one message."""
        if self._stream is None:
            return
        try:
            self._stream.write(json.dumps({"type": kind, **payload}, ensure_ascii=False) + "\n")
            self._stream.flush()
        except (BrokenPipeError, ValueError):
            self._stream = None
