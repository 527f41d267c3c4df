"""Which bar is to be ordered next, and when an order has been overtaken by another feeling."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from robotd.express.midi.order import NEAR, Order

if TYPE_CHECKING:
    from robotd.express.midi.order import Mood
    from robotd.express.midi.timeline import AnyTimeline

#: So long before it begins a bar is composed once more if the feeling has moved at all.
REFRESH_S = 0.4
#: With less time than this before it begins no bar is composed once more.
REPLACE_S = 0.025
#: Music that begins anew begins at a multiple of so many bars.
PERIOD_BARS = 8


class Plan:
    """Decides what to order.

    As soon as a bar begins the next one is wanted, so that a composer has a bar's time for it. While that is placed
    and has not begun, another one is wanted in its place when the feeling has become another one; and shortly before
    it begins also if the feeling has moved a little.

    Args:
        timeline: where bars are placed.

    Attributes:
        placed: the order of the bar that was placed last.
        missed: whether that bar could not be taken back any more.
    """

    def __init__(self, timeline: AnyTimeline) -> None:
        self.placed: Order | None = None
        self.missed = False
        self._line = timeline

    def wanted(self, mood: Mood | None, now_s: float) -> Order | None:
        """Return the order to give now, if any.

        Args:
            mood: what is felt; None: there is nobody to answer.
            now_s: the time.
        """
        line, placed = self._line, self.placed
        if line.ahead and placed is not None:
            if self.missed or now_s > line.replaceable_until_s - REPLACE_S or not self._overtaken(placed, mood, now_s):
                return None
            return Order(placed.index, mood or placed.mood, final=mood is None, instead=True)
        if mood is not None:
            return Order(self._next_index(), mood)
        if placed is not None and not line.ending:
            return Order(self._next_index(), placed.mood, final=True)
        return None

    def due_s(self, mood: Mood | None, now_s: float) -> float:
        """Return when something may be wanted if nothing else happens; infinity if nothing will."""
        if mood is None or self.placed is None or self.missed or not self._line.ahead:
            return math.inf
        moved = not self.placed.final and mood.away(self.placed.mood) > NEAR
        refresh_s = self._line.ahead_s - REFRESH_S
        return refresh_s if moved and refresh_s > now_s else math.inf

    def _overtaken(self, placed: Order, mood: Mood | None, now_s: float) -> bool:
        if placed.final or mood is None:
            return placed.final == (mood is not None)
        moved = mood.away(placed.mood) > NEAR and now_s >= self._line.ahead_s - REFRESH_S
        return moved or mood.far(placed.mood)

    def _next_index(self) -> int:
        index = 0 if self.placed is None else self.placed.index + 1
        # A new beginning is the beginning of a period.
        return math.ceil(index / PERIOD_BARS) * PERIOD_BARS if self._line.ending else index
