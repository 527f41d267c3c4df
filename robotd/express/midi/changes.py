"""How soon a change of feeling is heard."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from robotd.express.midi.order import Mood
    from robotd.express.midi.timeline import Begun
    from robotd.music.bar import Bar

KEPT = 512


@dataclass(frozen=True, slots=True)
class ChangeTimes:
    """From a change of feeling to the first note of the music that answers it.

    Attributes:
        count: how many changes were followed.
        p50_s: median of the latest ones; 0 before the first.
        max_s: the longest of them.
        over_a_bar_s: the longest, less the length of the bar before the new music; 0 at least.
    """

    count: int
    p50_s: float
    max_s: float
    over_a_bar_s: float


@dataclass(frozen=True, slots=True)
class _Change:
    """A change of feeling that the music has yet to follow: when it was told, and what to."""

    time_s: float
    mood: Mood


class ChangeMeter:
    """Measures how soon changes are followed: is told of feelings, and of bars that are placed and that begin."""

    def __init__(self) -> None:
        self._pending: _Change | None = None
        #: A bar that is placed, and the change that it follows.
        self._follows: tuple[Bar, _Change] | None = None
        self._before: Begun | None = None
        self._count = 0
        self._latest: deque[tuple[float, float]] = deque(maxlen=KEPT)

    def felt(self, time_s: float, mood: Mood, answered: Mood) -> None:
        """Take note of a feeling.

        Args:
            time_s: now.
            mood: the feeling.
            answered: what the bar that was placed last answers.
        """
        if self._before is None:
            return
        if not mood.far(answered):
            # It is answered already, or has gone back before it was.
            if self._pending is not None and mood.far(self._pending.mood):
                self._pending = None
        elif self._pending is None or mood.far(self._pending.mood):
            self._pending = _Change(time_s, mood)

    def placed(self, bar: Bar, mood: Mood, *, instead: bool) -> None:
        """Take note of a bar that answers a feeling, after the last one or instead of it."""
        if instead:
            self._follows = None
        if self._follows is None and self._pending is not None and not mood.far(self._pending.mood):
            self._follows = bar, self._pending

    def begun(self, begun: Begun) -> None:
        """Take note of a bar that begins."""
        bar, before = begun.bar, self._before
        self._before = begun
        if self._follows is None or self._follows[0] is not bar:
            return
        change, self._follows = self._follows[1], None
        if self._pending is change:
            self._pending = None
        if before is not None:
            wait_beats = bar.notes[0].start_beats if bar.notes else 0.0
            whole_s = begun.time_s + wait_beats * 60 / begun.tempo_bpm - change.time_s
            self._count += 1
            self._latest.append((whole_s, whole_s - (begun.time_s - before.time_s)))

    def fell_silent(self) -> None:
        """Take note that there is no music that could follow a change."""
        self._pending = self._follows = self._before = None

    @property
    def times(self) -> ChangeTimes:
        """The figures so far."""
        if not self._latest:
            return ChangeTimes(0, 0.0, 0.0, 0.0)
        whole_s, over_s = np.array(self._latest).T
        return ChangeTimes(self._count, float(np.median(whole_s)), float(whole_s.max()), max(float(over_s.max()), 0.0))
