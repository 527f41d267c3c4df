"""The performer: asks a composer for one bar after the other and has it played in time."""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections import deque
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from mido import Message

from robotd.aio import timeout
from robotd.emotion import Quadrant, quadrant_at
from robotd.music.smf import note_messages, set_tempo
from robotd.music.tempo import Glide, approach

if TYPE_CHECKING:
    from collections.abc import Callable

    from robotd.config import Midi
    from robotd.express.midi.clock import Clock
    from robotd.express.midi.scheduler import Scheduler
    from robotd.music.bar import Bar, Composer, Part

#: A bar is asked for so long before it begins: time enough to compose it, short enough to follow the feeling.
LEAD_S = 0.4
#: A bar that comes late, or the first one, begins so long after it is there.
HEADROOM_S = 0.02
#: Music that begins anew begins at a multiple of so many bars.
PERIOD_BARS = 8
#: The program is told again with every phrase, for an instrument that was connected meanwhile.
PROGRAM_EVERY_BARS = 4


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


@dataclass(frozen=True, slots=True)
class _Mood:
    valence: float
    arousal: float
    quadrant: Quadrant


class Performer:
    """Plays what a composer makes of the newest feeling, bar by bar.

    `run` follows the machine's clock. For another clock call `catch_up` each time it has moved. All methods
    belong to the event loop; the composer works in a thread.

    Args:
        composer: asked for one bar ahead.
        scheduler: plays the messages.
        config: channels and programs.
        clock: the scheduler's clock.
        on_bar: called when a bar begins, with None when the music falls silent.
        lead_s: how long before it begins a bar is asked for, at most the bar before.
    """

    def __init__(
        self,
        composer: Composer,
        scheduler: Scheduler,
        config: Midi,
        clock: Clock,
        *,
        on_bar: Callable[[Playing | None], None] = lambda _: None,
        lead_s: float = LEAD_S,
    ) -> None:
        self._composer = composer
        self._scheduler = scheduler
        self._channels = config.channels.from_zero
        self._programs = config.programs.by_quadrant
        self._clock = clock
        self._on_bar = on_bar
        self._lead_s = lead_s
        self._mood: _Mood | None = None
        self._answered: _Mood | None = None
        self._muted = False
        self._woken = asyncio.Event()
        self._cuts = 0
        self._index = 0
        #: Of the last bar; None while there is no music that the next bar would follow.
        self._tempo_bpm: float | None = None
        self._told: dict[Part, int] = {}
        self._starts_s, self._ends_s = -math.inf, -math.inf
        self._begins: deque[tuple[float, Playing | None]] = deque()

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
        self._mood = _Mood(valence, arousal, quadrant or quadrant_at(valence, arousal))
        self._wake()

    def rest(self) -> None:
        """Let the music come to a soft end after this bar, as there is nobody to answer."""
        self._mood = None

    def mute(self) -> None:
        """Fall silent at once, until `unmute`."""
        if not self._muted:
            self._muted = True
            self.panic()

    def unmute(self) -> None:
        """Play again, if there is a feeling to answer."""
        self._muted = False
        self._wake()

    def panic(self) -> None:
        """End every note and reset the instrument at once; unless muted, the music begins anew."""
        self._scheduler.panic()
        self._cuts += 1
        self._begins.clear()
        self._starts_s, self._ends_s = -math.inf, -math.inf
        if self._tempo_bpm is not None:
            self._tempo_bpm = None
            self._on_bar(None)
        self._wake()

    async def run(self) -> None:
        """Play until cancelled; then silence.

        Raises:
            Exception: whatever the composer raises.
        """
        try:
            while True:
                self._woken.clear()
                await self._advance(self._clock.now)
                wait_s = self._due_s - self._clock.now()
                # Not asyncio.wait_for: before Python 3.12 it swallows a cancellation that meets a wake-up.
                with contextlib.suppress(TimeoutError):
                    async with timeout(None if wait_s == math.inf else max(wait_s, 0)):
                        await self._woken.wait()
        finally:
            self._scheduler.panic()

    async def catch_up(self) -> None:
        """Play all that is due by the clock's time, in one go."""
        until_s = self._clock.now()
        while (due_s := self._due_s) <= until_s:
            self._scheduler.run_until(due_s)
            await self._advance(partial(float, due_s))
        self._scheduler.run_until(until_s)

    def _wake(self) -> None:
        if self._tempo_bpm is None:
            # The next bar begins now, or when the last sound of the music before it has ended.
            self._ends_s = max(self._ends_s, self._clock.now())
            self._woken.set()

    @property
    def _ask_s(self) -> float:
        """When the next bar is to be asked for."""
        if self._muted or (self._mood is None and self._tempo_bpm is None):
            return math.inf
        return max(self._ends_s - self._lead_s, self._starts_s)

    @property
    def _due_s(self) -> float:
        """When there is something to do."""
        return min(self._ask_s, self._begins[0][0] if self._begins else math.inf)

    async def _advance(self, now: Callable[[], float]) -> None:
        """Do what is due."""
        while self._begins and self._begins[0][0] <= now():
            self._on_bar(self._begins.popleft()[1])
        if self._ask_s <= now():
            cuts, ending = self._cuts, self._mood is None
            bar = await self._next_bar()
            if cuts == self._cuts:
                self._schedule(bar, max(self._ends_s, now() + HEADROOM_S))
                if ending:
                    self._begins.append((self._ends_s, None))
                    self._tempo_bpm = None

    async def _next_bar(self) -> Bar:
        if self._tempo_bpm is None:
            # A new beginning is the beginning of a period.
            self._index = math.ceil(self._index / PERIOD_BARS) * PERIOD_BARS
        compose = self._composer.ending if self._mood is None else self._composer.bar
        self._answered = mood = self._mood or self._answered
        assert mood is not None, "only what was begun is ended"
        return await asyncio.to_thread(compose, mood.valence, mood.arousal, self._index, mood.quadrant)

    def _schedule(self, bar: Bar, start_s: float) -> None:
        """Hand the messages of a bar to the scheduler."""
        before_bpm = self._tempo_bpm or bar.tempo_bpm
        glide = Glide(before_bpm, approach(before_bpm, bar.tempo_bpm), bar.beats)
        for quarter in range(math.ceil(bar.beats)):
            middle = min(quarter + 0.5, bar.beats)
            self._scheduler.play(start_s + glide.seconds_at(quarter), set_tempo(glide.tempo_at(middle)))
        self._tell_programs(bar, start_s)
        for beat, message in note_messages(bar, self._channels):
            self._scheduler.play(start_s + glide.seconds_at(beat), message)
        self._scheduler.bar_line(start_s)
        self._begins.append((start_s, Playing(bar.quadrant, round(glide.end_bpm, 1), bar.key, bar.index, bar.judged)))
        self._starts_s, self._ends_s = start_s, start_s + glide.duration_s
        self._tempo_bpm = glide.end_bpm
        self._index += 1

    def _tell_programs(self, bar: Bar, start_s: float) -> None:
        for part in sorted({note.part for note in bar.notes}):
            program = self._programs[bar.quadrant][part]
            if program != self._told.get(part) or bar.index % PROGRAM_EVERY_BARS == 0:
                message = Message("program_change", program=program, channel=self._channels[part])
                self._scheduler.play(start_s, message)
            self._told[part] = program
