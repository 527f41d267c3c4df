"""How late notes begin, over the latest ten minutes or so."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

KEPT = 16_384


@dataclass(frozen=True, slots=True)
class Lateness:
    """How late notes were sent.

    Attributes:
        count: of notes since the beginning.
        p50_ms: median of the latest ones; 0 before the first.
        p99_ms: 99th percentile of them.
        max_ms: the latest of them.
    """

    count: int
    p50_ms: float
    p99_ms: float
    max_ms: float


class LatenessMeter:
    """Keeps the lateness of the latest notes; written by one thread, read by any."""

    def __init__(self) -> None:
        self._ring_s = np.zeros(KEPT)
        self._count = 0

    def add(self, late_s: float) -> None:
        """Take note of one note."""
        self._ring_s[self._count % KEPT] = late_s
        self._count += 1

    @property
    def lateness(self) -> Lateness:
        """The figures so far."""
        if not self._count:
            return Lateness(0, 0.0, 0.0, 0.0)
        late_ms = 1000 * self._ring_s[: min(self._count, KEPT)]
        p50, p99 = np.percentile(late_ms, (50, 99))
        return Lateness(self._count, float(p50), float(p99), float(late_ms.max()))
