"""Orders to the composer: which bar is wanted, and for which feeling."""

from __future__ import annotations

import asyncio
import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from robotd.emotion import Quadrant
    from robotd.music.bar import Bar, Composer

#: From so far on in the plane of valence and arousal a feeling is another one.
FAR = 0.25
#: Less than this nobody hears.
NEAR = 0.02


@dataclass(frozen=True, slots=True)
class Mood:
    """A feeling to answer: a point, each axis -1..1, and the quadrant that the listener is taken to be in."""

    valence: float
    arousal: float
    quadrant: Quadrant

    def away(self, other: Mood) -> float:
        """Return how far another mood is, 2.83 at most."""
        return math.hypot(self.valence - other.valence, self.arousal - other.arousal)

    def far(self, other: Mood) -> bool:
        """Whether music for the other mood would not do."""
        return self.quadrant != other.quadrant or self.away(other) > FAR


@dataclass(frozen=True, slots=True)
class Order:
    """A bar that is wanted.

    Attributes:
        index: of the bar.
        mood: that it answers.
        final: whether the music is to come to rest with it.
        instead: whether it takes the place of the bar that was placed last.
    """

    index: int
    mood: Mood
    final: bool = False
    instead: bool = False


class Desk:
    """Where a composer works: in a thread of its own, on one bar at a time."""

    def __init__(self, composer: Composer) -> None:
        self._composer = composer
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="composer")
        self._order: Order | None = None
        self._coming: asyncio.Future[Bar] | None = None
        self._void = False

    @property
    def busy(self) -> bool:
        """Whether an order was handed in and not collected."""
        return self._coming is not None

    def hand_in(self, order: Order, ready: Callable[[], None]) -> None:
        """Have a bar composed; `ready` is called when it can be collected."""
        compose = self._composer.ending if order.final else self._composer.bar
        mood = order.mood
        loop = asyncio.get_running_loop()
        self._order, self._void = order, False
        self._coming = loop.run_in_executor(
            self._thread, compose, mood.valence, mood.arousal, order.index, mood.quadrant
        )
        self._coming.add_done_callback(lambda _: ready())

    def collect(self) -> tuple[Order, Bar] | None:
        """Return a bar that is ready; None while none is, and for one that was given up.

        Raises:
            Exception: whatever the composer has raised.
        """
        order, coming = self._order, self._coming
        if order is None or coming is None or not coming.done():
            return None
        self._order, self._coming = None, None
        bar = coming.result()
        return None if self._void else (order, bar)

    def give_up(self) -> None:
        """Don't want what is being composed."""
        self._void = True

    async def finished(self) -> None:
        """Wait until what was handed in can be collected."""
        if self._coming is not None:
            await asyncio.wait([self._coming])

    def close(self) -> None:
        """Take no more orders; a bar that is being composed is waited for by nobody."""
        if self._coming is not None:
            self._coming.cancel()
        self._thread.shutdown(wait=False, cancel_futures=True)
