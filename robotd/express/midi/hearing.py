"""What a listener makes of live music: how even it is, how soon it follows a change, what still sounds."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from robotd.express.midi.beat_clock import CLOCKS_PER_BEAT

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mido import Message

    #: When messages arrived, or were due, in the order of time.
    Log = Sequence[tuple[float, Message]]

CLOCKS_PER_BAR = 4 * CLOCKS_PER_BEAT
#: A message that arrives belongs to one that was due at most so long before or after.
NEAR_S = 0.25
#: Where no clock comes for so long, six of them at 60 beats a minute, music is missing; single ones get lost.
MISSING_S = 0.25


@dataclass(frozen=True, slots=True)
class Jitter:
    """How unevenly messages arrived: how far each was from the delay that is usual.

    Attributes:
        count: how many.
        delay_ms: the median of the times from when they were due to when they arrived.
        p50_ms: the median distance from that delay, to either side.
        p99_ms: the 99th percentile.
        max_ms: the greatest.
    """

    count: int
    delay_ms: float
    p50_ms: float
    p99_ms: float
    max_ms: float


def jitter(heard: Log, due: Log, kind: str) -> Jitter:
    """Return how unevenly the messages of a kind came that were due.

    Raises:
        ValueError: none came.
    """
    times: dict[tuple[int, ...], list[float]] = {}
    for time_s, message in due:
        if message.type == kind:
            times.setdefault(tuple(message.bytes()), []).append(time_s)
    for known in times.values():
        known.sort()
    delays = []
    for time_s, message in heard:
        known = times.get(tuple(message.bytes()), []) if message.type == kind else []
        at = bisect_left(known, time_s)
        near = min((time_s - due_s for due_s in known[max(at - 1, 0) : at + 1]), key=abs, default=NEAR_S)
        if abs(near) < NEAR_S:
            delays.append(near)
    if not delays:
        raise ValueError(f"no {kind} was heard that was due")
    usual = float(np.median(delays))
    off_ms = 1000 * np.abs(np.array(delays) - usual)
    p50, p99 = np.percentile(off_ms, (50, 99))
    return Jitter(len(delays), 1000 * usual, float(p50), float(p99), float(off_ms.max()))


def bar_lines(due: Log) -> list[float]:
    """Return when the bars are due, of four quarters each, by the clock that goes with them."""
    return sorted(time_s for time_s, message in due if message.type == "clock")[::CLOCKS_PER_BAR]


def breaks(heard: Log) -> int:
    """Return how often the clock, and so the music, was interrupted."""
    clocks = [time_s for time_s, message in heard if message.type == "clock"]
    return sum(later - earlier > MISSING_S for earlier, later in pairwise(clocks))


def follows(heard: Log, due: Log, changes: Iterable[tuple[float, int]]) -> list[tuple[float, float]]:
    """Return how soon each change was heard.

    Args:
        heard: with a program change on every channel wherever other music begins.
        due: with a clock.
        changes: when there was a change, and to which program; each to another one than before.

    Returns:
        The seconds from each change to the first note of the new program, and those less the length of the bar before
        that note. A change that another one has overtaken is left out.
    """
    lines = bar_lines(due)
    times = [time_s for time_s, _ in heard]
    told = list(changes)
    waits = []
    for (change_s, program), next_s in zip(told, [*(time_s for time_s, _ in told[1:]), math.inf], strict=False):
        since = heard[bisect_left(times, change_s) : bisect_left(times, next_s)]
        first_s = _first_note(since, program)
        if first_s is not None:
            line = bisect_right(lines, first_s) - 1
            bar_s = lines[line] - lines[line - 1] if line > 0 else 0.0
            waits.append((first_s - change_s, first_s - change_s - bar_s))
    return waits


def _first_note(heard: Log, program: int) -> float | None:
    playing: int | None = None
    for time_s, message in heard:
        if message.type == "program_change":
            playing = message.program
        elif message.type == "note_on" and playing == program:
            return time_s
    return None


def sounding(heard: Log) -> set[tuple[int, int]]:
    """Return the channels and keys of the notes that have not ended."""
    keys: set[tuple[int, int]] = set()
    for _, message in heard:
        if message.type == "note_on" and message.velocity:
            keys.add((message.channel, message.note))
        elif message.type in {"note_on", "note_off"}:
            keys.discard((message.channel, message.note))
    return keys
