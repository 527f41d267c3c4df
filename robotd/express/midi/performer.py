"""The performer: has bars composed in answer to the newest feeling and places them in time."""

from __future__ import annotations

import asyncio
import contextlib
import math
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from robotd.aio import timeout
from robotd.emotion import Quadrant, quadrant_at
from robotd.express.midi.changes import ChangeMeter
from robotd.express.midi.followed_time import FollowedTime
from robotd.express.midi.instruments import Instruments
from robotd.express.midi.order import Desk, Mood
from robotd.express.midi.own_time import OwnTime
from robotd.express.midi.plan import Plan
from robotd.music.compose.variation import vary

if TYPE_CHECKING:
    from collections.abc import Callable

    from robotd.config import Midi
    from robotd.express.midi.clock import Clock
    from robotd.express.midi.external_clock import ExternalClock
    from robotd.express.midi.order import Order
    from robotd.express.midi.scheduler import Scheduler
    from robotd.express.midi.timeline import AnyTimeline, Begun
    from robotd.music.bar import Bar, Composer

#: What is to be done when a bar begins waits for so long: its first notes need the interpreter more.
SETTLED_S = 0.04
#: Where no bar is there so long before it should begin, the last one varies, unless one comes after all.
FILL_S = 0.15


@dataclass(frozen=True, slots=True)
class Playing:
    """What is being played.

    Attributes:
        quadrant: the feeling that it answers.
        tempo_bpm: quarter notes a minute, at the end of the bar.
        key: for instance `D dorian`.
        bar: its number since the music began.
        judged: whether a model has found it fit for the quadrant.
    """

    quadrant: Quadrant
    tempo_bpm: float
    key: str
    bar: int
    judged: bool = False


@dataclass(slots=True)
class Counts:
    """What became of the bars.

    Attributes:
        played: have begun.
        late: were not there in time, so that the last one varied.
        replaced: were composed once more, since the feeling had moved.
    """

    played: int = 0
    late: int = 0
    replaced: int = 0


class Performer:
    """Plays what a composer makes of the newest feeling, bar by bar (see `Plan` for what is composed when).

    If a bar is not there in time, the one before it varies. `run` follows the machine's clock. For another clock
    call `catch_up` each time it has moved. All methods belong to the event loop; the composer works in a thread.

    Args:
        composer: is asked for bars.
        scheduler: plays the messages.
        config: channels, programs, and what they are shaped by; whether a clock is sent.
        clock: the scheduler's clock.
        on_bar: called when a bar begins, with None when the music falls silent.
        external: another instrument's clock to follow; None: the music has its own tempo.

    Attributes:
        timeline: where bars are placed.
        counts: what became of them.
        changes: how soon changes of feeling were heard.
    """

    def __init__(
        self,
        composer: Composer,
        scheduler: Scheduler,
        config: Midi,
        clock: Clock,
        *,
        on_bar: Callable[[Playing | None], None] = lambda _: None,
        external: ExternalClock | None = None,
    ) -> None:
        instruments = Instruments(config)
        self.timeline: AnyTimeline = (
            OwnTime(scheduler, instruments, clock_out=config.clock == "out")
            if external is None
            else FollowedTime(scheduler, instruments, external)
        )
        self.counts = Counts()
        self.changes = ChangeMeter()
        self._desk = Desk(composer)
        self._plan = Plan(self.timeline)
        self._scheduler = scheduler
        self._clock = clock
        self._on_bar = on_bar
        self._woken = asyncio.Event()
        self._done_s = clock.now()
        self._muted = False
        #: What is felt; None: there is nobody to answer.
        self._mood: Mood | None = None
        #: The bar that was composed last, and how often it has varied since.
        self._composed: Bar | None = None
        self._varied = 0
        self._variation: Bar | None = None
        self._silent = True

    @property
    def muted(self) -> bool:
        """Whether nothing is to be played."""
        return self._muted

    def feel(self, valence: float, arousal: float, quadrant: Quadrant | None = None) -> None:
        """Let the music follow a feeling from the next bar on; it begins if there was none.

        Args:
            valence: -1..1.
            arousal: -1..1.
            quadrant: None: the one at this point.
        """
        self._mood = Mood(valence, arousal, quadrant or quadrant_at(valence, arousal))
        if (placed := self._plan.placed) is not None:
            self.changes.felt(self._clock.now(), self._mood, placed.mood)
        self._woken.set()

    def rest(self) -> None:
        """Let the music come to a soft end after this bar, as there is nobody to answer."""
        self._mood = None
        self._woken.set()

    def mute(self) -> None:
        """Fall silent at once, until `unmute`."""
        if not self._muted:
            self._muted = True
            self.panic()

    def unmute(self) -> None:
        """Play again, if there is a feeling to answer."""
        self._muted = False
        self._woken.set()

    def panic(self) -> None:
        """End every note and reset the instrument at once; unless muted, the music begins anew."""
        self.timeline.cut()
        self._desk.give_up()
        self._fall_silent()
        self._woken.set()

    async def run(self) -> None:
        """Play until cancelled; then silence.

        Raises:
            Exception: whatever the composer raises.
        """
        self.timeline.wake = partial(_set_from_a_thread, asyncio.get_running_loop(), self._woken)
        try:
            while True:
                self._woken.clear()
                self._step(self._clock.now())
                due_s = min(self._due_s(self._clock.now()), self.timeline.due_s + SETTLED_S)
                wait_s = min(due_s - self._clock.now(), self.timeline.watch_every_s)
                # Not asyncio.wait_for: before Python 3.12 it swallows a cancellation that meets a wake-up.
                with contextlib.suppress(TimeoutError):
                    async with timeout(None if wait_s == math.inf else max(wait_s, 0)):
                        await self._woken.wait()
        finally:
            self.timeline.wake = _nobody
            self.timeline.cut()
            self.close()

    def close(self) -> None:
        """Have nothing composed any more."""
        self._desk.close()

    async def catch_up(self) -> None:
        """Play all that is due by the clock's time, in one go."""
        until_s, now_s = self._clock.now(), self._done_s
        while now_s <= until_s:
            self._scheduler.run_until(now_s)
            self._step(now_s)
            if self._desk.busy:
                await self._desk.finished()
            else:
                now_s = min(self._due_s(now_s), self.timeline.due_s)
        self._scheduler.run_until(until_s)
        self._done_s = until_s

    def _due_s(self, now_s: float) -> float:
        """Return when there is something to do, besides what follows from a bar that begins."""
        if self._desk.busy:
            return self.timeline.line_s - FILL_S if self._can_fill else math.inf
        return self._plan.due_s(self._mood, now_s)

    def _step(self, now_s: float) -> None:
        """Do what is due."""
        self.timeline.watch(now_s)
        if (collected := self._desk.collect()) is not None:
            self._take(*collected, now_s)
        # Before what is over is told to be: also a bar that is late after all is followed by its variation.
        if self._desk.busy and self._can_fill and self.timeline.line_s - now_s <= FILL_S:
            self._fill(now_s)
        for begun in self.timeline.begun(now_s):
            if begun is None:
                self._fall_silent()
            else:
                self._begin(begun)
        if self._mood is None and not self.timeline.playing:
            self.timeline.take_back()
        if not self._desk.busy and not self._muted:
            order = self._plan.wanted(self._mood, now_s)
            if order is not None:
                self._desk.hand_in(order, self._woken.set)

    def _take(self, order: Order, bar: Bar, now_s: float) -> None:
        """Place a bar that was ordered, unless it comes too late to replace another."""
        line = self.timeline
        in_time = line.ahead and now_s <= line.replaceable_until_s
        variation = line.ahead and line.last_bar is self._variation
        if in_time and (order.instead or variation) and line.take_back():
            self.counts.replaced += not variation
        elif order.instead:
            self._plan.missed = True
            return
        self._plan.placed, self._plan.missed = order, False
        self._composed, self._varied = bar, 0
        line.place(bar, now_s, final=order.final)
        self.changes.placed(bar, order.mood, instead=order.instead)

    @property
    def _can_fill(self) -> bool:
        """Whether the bar that plays can be followed by its variation."""
        return self.timeline.playing and not self.timeline.ahead and not self.timeline.ending

    def _fill(self, now_s: float) -> None:
        """Let the last bar vary, as the next one is not there."""
        assert self._composed is not None, "something is being played"
        self._varied += 1
        self._variation = replace(vary(self._composed, self._varied))
        self.timeline.place(self._variation, now_s)

    def _begin(self, begun: Begun) -> None:
        """Tell that a bar has begun."""
        bar = begun.bar
        self._silent, self._plan.missed = False, False
        self.counts.played += 1
        self.counts.late += bar is self._variation
        self.changes.begun(begun)
        self._on_bar(Playing(bar.quadrant, round(begun.tempo_bpm, 1), bar.key, bar.index, bar.judged))

    def _fall_silent(self) -> None:
        """Tell that there is silence."""
        self.changes.fell_silent()
        if not self._silent:
            self._silent = True
            self._on_bar(None)


def _set_from_a_thread(loop: asyncio.AbstractEventLoop, event: asyncio.Event) -> None:
    # A loop that has ended waits for nothing.
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(event.set)


def _nobody() -> None:
    """Nobody waits."""
