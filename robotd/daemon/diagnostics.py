"""What the robot knows of itself: rates, latencies, losses, processor time and memory."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


class Usage:
    """Processor time and memory of the daemon and the processes it started."""

    def __init__(self) -> None:
        self._process = psutil.Process(os.getpid())
        self._at_s = time.monotonic()
        self._used_s = self._cpu_s()

    def measure(self) -> dict[str, float]:
        """Return `cpu_percent` of one core since the last call, and `rss_mb` now."""
        now_s, used_s = time.monotonic(), self._cpu_s()
        share = (used_s - self._used_s) / max(1e-6, now_s - self._at_s)
        self._at_s, self._used_s = now_s, used_s
        rss = self._sum(lambda process: process.memory_info().rss)
        return {"cpu_percent": round(max(0.0, share) * 100, 1), "rss_mb": round(rss / 2**20, 1)}

    def _cpu_s(self) -> float:
        return self._sum(lambda process: sum(process.cpu_times()[:2]))

    def _sum(self, measured: Callable[[psutil.Process], float]) -> float:
        total = measured(self._process)
        for child in self._process.children(recursive=True):
            with suppress(psutil.Error):  # it may end at any moment
                total += measured(child)
        return total


def percentiles(times_ms: Iterable[float]) -> dict[str, float] | None:
    """Return the median and the 99th percentile of some times, None where there are none."""
    ordered = sorted(times_ms)
    if not ordered:
        return None
    return {"p50": round(ordered[len(ordered) // 2], 2), "p99": round(ordered[int(len(ordered) * 0.99)], 2)}
