"""The two clocks that music goes by: the machine's, and a clip's own when it is run at full speed."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Tells the time in seconds since a moment that stays the same."""

    def now(self) -> float:
        """Return the time in seconds; it never goes back."""


class RealClock:
    """The monotonic clock of the machine."""

    def now(self) -> float:
        """Return the time in seconds."""
        return time.monotonic()


class MediaClock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self._now_s = 0.0

    def now(self) -> float:
        """Return the time in seconds since the clip began."""
        return self._now_s

    def advance(self, time_s: float) -> None:
        """Move on to a time; an earlier one than now changes nothing."""
        self._now_s = max(self._now_s, time_s)
