"""How punctual live music is on this board: it is played, listened to, changed and stopped at random."""

from __future__ import annotations

import asyncio
import math
import random
import threading
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from robotd.aio import timeout
from robotd.config import Band, Programs
from robotd.emotion import MOODS, Quadrant
from robotd.express.midi.clock import RealClock
from robotd.express.midi.ear import Due, Ear, listening
from robotd.express.midi.hearing import Jitter, breaks, follows, jitter, sounding
from robotd.express.midi.performer import Counts, Performer
from robotd.express.midi.port import open_port
from robotd.express.midi.punctual import punctual
from robotd.express.midi.scheduler import Scheduler

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from robotd.config import Midi
    from robotd.express.midi.lateness import Lateness
    from robotd.express.midi.performer import Playing
    from robotd.music.bar import Composer

#: The program that stands for each quadrant, so that a listener knows which one a note belongs to.
PROGRAMS = {quadrant: number for number, quadrant in enumerate(Quadrant, start=1)}
#: A feeling lasts so long, in seconds.
SHORTEST_S, LONGEST_S = 1.0, 8.0
#: Music is stopped after so long; the ends of its notes are waited for in so long turns.
PLAYED_S, SETTLED_S, PATIENCE = 0.4, 0.1, 10
#: Music must have begun anew within this time.
BEGUN_S = 20.0
#: Between changes a feeling is told as often as by the robot, and drifts by up to so much each time.
TICK_S, DRIFT = 0.5, 0.03


@dataclass(frozen=True, slots=True)
class Beside:
    """Something else that this process does while it plays, such as reading a picture.

    Attributes:
        work: one round of it.
        every_s: how often it is done.
    """

    work: Callable[[], object]
    every_s: float


@dataclass(frozen=True, slots=True)
class LiveFigures:
    """How live music went.

    Attributes:
        where: where it was listened to: a port, or nowhere but where it is sent.
        seconds: how long it played.
        sent: how late notes were sent.
        clock_sent: how late clocks were sent.
        notes: how evenly notes arrived.
        clock: how evenly clocks arrived.
        bars: what became of the bars.
        dropped: how often the music was interrupted.
        changes: how many changes of feeling were followed.
        change_s: the longest time from a change of feeling to the first note of the new music.
        over_a_bar_s: the longest such time less the length of the bar before that note; 0 at least.
        stops: how often the music was stopped at random.
        hanging: how many notes then went on.
    """

    where: str
    seconds: float
    sent: Lateness
    clock_sent: Lateness
    notes: Jitter
    clock: Jitter
    bars: Counts
    dropped: int
    changes: int
    change_s: float
    over_a_bar_s: float
    stops: int
    hanging: int


def measure_live(
    config: Midi,
    composer: Composer,
    seconds: float,
    *,
    beside: Sequence[Beside] = (),
    stops: int = 200,
    seed: int = 0,
) -> LiveFigures:
    """Play on the configured port, with a clock, while the feeling changes at random; then stop at random.

    The programs stand for the quadrants meanwhile.

    Args:
        config: what to play on.
        composer: whose music.
        seconds: how long to play before the stops.
        beside: done in threads of this process meanwhile.
        stops: how often to stop.
        seed: of what is random.

    Raises:
        ValueError: nothing was heard, for instance because `seconds` is too short.
    """
    bands = {quadrant.value: Band(**dict.fromkeys(Band.model_fields, PROGRAMS[quadrant])) for quadrant in Quadrant}
    config = config.model_copy(update={"clock": "out", "programs": Programs(**bands)})
    with ExitStack() as stack:
        stack.enter_context(punctual())
        for work in beside:
            stack.enter_context(_done_beside(work))
        port = stack.enter_context(open_port(config)) if config.enabled else None
        ear = stack.enter_context(listening(config, None if port is None else port.send))
        due = Due()
        channels = tuple(config.channels.from_zero.values())
        scheduler = stack.enter_context(Scheduler(ear.send, channels=channels, ahead=due))
        return asyncio.run(_Show(config, composer, scheduler, ear, due, seed=seed).measured(seconds, stops))


class _Show:
    """Plays, with changes of feeling and with stops at random."""

    def __init__(
        self, config: Midi, composer: Composer, scheduler: Scheduler, ear: Ear, due: Due, *, seed: int
    ) -> None:
        self._scheduler = scheduler
        self._ear = ear
        self._due = due
        self._roll = random.Random(seed)  # noqa: S311 - for a measurement
        self._begun = asyncio.Event()
        self._performer = Performer(composer, scheduler, config, RealClock(), on_bar=self._begins)
        self._playing: asyncio.Task[None]
        self._quadrant = Quadrant.Q1

    def _begins(self, playing: Playing | None) -> None:
        if playing is not None:
            self._begun.set()

    async def measured(self, seconds: float, stops: int) -> LiveFigures:
        """Play and return how it went."""
        self._playing = asyncio.create_task(self._performer.run())
        try:
            changes = await self._change(seconds)
            heard, due = self._ear.heard(), list(self._due.log)
            counts, gaps = replace(self._performer.counts), self._performer.timeline.gaps
            sent, clock_sent = self._scheduler.lateness, self._scheduler.clock_lateness
            hanging = await self._stop(stops)
        finally:
            self._playing.cancel()
            await asyncio.wait({self._playing})
        waits = follows(heard, due, changes)
        return LiveFigures(
            where=self._ear.where,
            seconds=seconds,
            sent=sent,
            clock_sent=clock_sent,
            notes=jitter(heard, due, "note_on"),
            clock=jitter(heard, due, "clock"),
            bars=counts,
            dropped=max(gaps, breaks(heard)),
            changes=len(waits),
            change_s=max((wait_s for wait_s, _ in waits), default=0.0),
            over_a_bar_s=max([0.0, *(over_s for _, over_s in waits)]),
            stops=stops,
            hanging=hanging,
        )

    async def _change(self, seconds: float) -> list[tuple[float, int]]:
        """Let the feeling change, and drift meanwhile; returns when it changed, and the program of the new music."""
        changes: list[tuple[float, int]] = []
        ends_s = time.monotonic() + seconds
        next_s = -math.inf
        point = (0.0, 0.0)
        while time.monotonic() < ends_s:
            if time.monotonic() >= next_s:
                self._quadrant = self._roll.choice([other for other in Quadrant if other != self._quadrant])
                point = MOODS[self._quadrant]
                next_s = time.monotonic() + self._roll.uniform(SHORTEST_S, LONGEST_S)
                changes.append((time.monotonic(), PROGRAMS[self._quadrant]))
            point = (point[0] + self._roll.uniform(-DRIFT, DRIFT), point[1] + self._roll.uniform(-DRIFT, DRIFT))
            self._performer.feel(*point, self._quadrant)
            await self._wait(min(TICK_S, max(next_s - time.monotonic(), 0.0)))
        # The first of them is the beginning.
        return changes[1:]

    async def _stop(self, stops: int) -> int:
        """Stop in the midst of music; returns how many notes go on after that."""
        hanging, heard = 0, len(self._ear.heard())
        for _ in range(stops):
            self._begun.clear()
            self._performer.unmute()
            self._performer.feel(self._roll.uniform(-1, 1), self._roll.uniform(-1, 1))
            async with timeout(BEGUN_S):
                await self._begun.wait()
            await self._wait(self._roll.uniform(0, PLAYED_S))
            self._performer.mute()
            # What is still on its way is no fault, what never comes is.
            for _ in range(PATIENCE):
                await self._wait(SETTLED_S)
                came = self._ear.heard(heard)
                if not sounding(came):
                    break
            hanging += len(sounding(came))
            heard += len(came)
        return hanging

    async def _wait(self, seconds: float) -> None:
        """Let time pass; a composer that fails is told at once."""
        await asyncio.wait({self._playing}, timeout=seconds)
        if self._playing.done():
            self._playing.result()


@contextmanager
def _done_beside(beside: Beside) -> Iterator[None]:
    """Do something again and again in a thread of its own."""
    done = threading.Event()

    def work() -> None:
        while not done.wait(beside.every_s):
            beside.work()

    worker = threading.Thread(target=work, name="beside")
    worker.start()
    try:
        yield
    finally:
        done.set()
        worker.join()
