"""What the robot knows of itself: rates, latencies, losses, processor time and memory."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

import psutil

if TYPE_CHECKING:
    from collections.abc import Iterable


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
        return {
            "cpu_percent": round(max(0.0, share) * 100, 1),
            "rss_mb": round(sum(process.memory_info().rss for process in self._family()) / 2**20, 1),
        }

    def _cpu_s(self) -> float:
        return sum(sum(process.cpu_times()[:2]) for process in self._family())

    def _family(self) -> Iterable[psutil.Process]:
        yield self._process
        for child in self._process.children(recursive=True):
            if child.is_running() and child.status() != psutil.STATUS_ZOMBIE:
                yield child


def percentiles(times_ms: Iterable[float]) -> dict[str, float] | None:
    """Return the median and the 99th percentile of some times, None where there are none."""
    ordered = sorted(times_ms)
    if not ordered:
        return None
    return {"p50": round(ordered[len(ordered) // 2], 2), "p99": round(ordered[int(len(ordered) * 0.99)], 2)}


def summary_lines(counts: dict[str, Any]) -> list[str]:
    """Return a table of counts as lines of text."""
    width = max(len(name) for name in counts)
    return [f"  {name.replace('_', ' '):<{width}}  {value}" for name, value in counts.items()]
