"""Composer, performer and the way out for MIDI as one thing that plays."""

from __future__ import annotations

import asyncio
import logging
from contextlib import AsyncExitStack
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from robotd.errors import MediaError
from robotd.express.midi import open_midi
from robotd.express.midi.clock import MediaClock
from robotd.express.midi.external_clock import ExternalClock
from robotd.express.midi.input import open_input
from robotd.express.midi.performer import Performer

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from typing_extensions import Self

    from robotd.config import Midi
    from robotd.emotion import Quadrant
    from robotd.express.midi import Lateness, MidiOut
    from robotd.express.midi.performer import Playing
    from robotd.express.midi.scheduler import Ahead
    from robotd.music.bar import Composer

log = logging.getLogger(__name__)


class Band:
    """Plays what a composer makes of a feeling, on the port and into the record.

    Args:
        config: the port, channel, programs and record.
        composer: writes the bars.
        on_bar: called when a bar begins, with None when the music falls silent.
        media_time: go by the times given to `advance` instead of the machine's clock, and play on no port:
            a clip at full speed is music for nobody's ears.
        ahead: is told in time of everything that will be played.

    Attributes:
        external_clock: another instrument's, that is followed if `config.clock` is `in`.
    """

    def __init__(
        self,
        config: Midi,
        composer: Composer,
        on_bar: Callable[[Playing | None], None],
        *,
        media_time: bool = False,
        ahead: Ahead | None = None,
    ) -> None:
        follows = config.clock == "in" and not media_time
        self.external_clock = ExternalClock() if follows else None
        self._config = config
        self._composer = composer
        self._on_bar = on_bar
        self._ahead = ahead
        self._media_clock = MediaClock() if media_time else None
        self._stack = AsyncExitStack()
        self._out: MidiOut
        self._performer: Performer
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._out = await self._stack.enter_async_context(open_midi(self._config, self._media_clock, ahead=self._ahead))
        self._performer = Performer(
            self._composer,
            self._out.scheduler,
            self._config,
            self._out.clock,
            on_bar=self._on_bar,
            external=self.external_clock,
        )
        if self._media_clock is None:
            hear = self.external_clock.hear if self.external_clock else None
            await self._stack.enter_async_context(open_input(self._config, self.panic, hear))
            if self._out.port is not None:
                self._out.port.on_return = self._restore
            self._task = asyncio.create_task(self._performer.run(), name="performer")
            self._task.add_done_callback(_tell_failure)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
        self._performer.close()
        # What is being played is kept by the broker: it must not outlive the music.
        self._on_bar(None)
        try:
            await self._stack.aclose()
        except MediaError as problem:
            log.error("%s", problem)
        else:
            if self._config.record is not None:
                log.info("what was played is in %s", self._config.record)

    @property
    def bars_played(self) -> int:
        """How many bars have begun."""
        return self._performer.counts.played

    @property
    def notes_played(self) -> int:
        """How many notes have begun."""
        return self._out.scheduler.notes_played

    @property
    def connected(self) -> bool:
        """Whether notes reach a port, or none is wanted."""
        return self._out.port is None or self._out.port.name is not None

    @property
    def failed(self) -> bool:
        """Whether the composer has given up."""
        return self._task is not None and self._task.done()

    def feel(self, valence: float, arousal: float, quadrant: Quadrant | None = None) -> None:
        """Let the music follow a feeling."""
        self._performer.feel(valence, arousal, quadrant)

    def rest(self) -> None:
        """Let the music come to an end, as there is nobody to answer."""
        self._performer.rest()

    def mute(self, *, muted: bool) -> None:
        """Fall silent at once, or play again."""
        if muted:
            self._performer.mute()
        else:
            self._performer.unmute()

    def panic(self) -> None:
        """End every note at once; the music goes on with a new bar."""
        self._performer.panic()

    async def advance(self, time_s: float) -> None:
        """Tell how far the clip is; without `media_time` nothing follows from it."""
        if self._media_clock is not None:
            self._media_clock.advance(time_s)
            await self._performer.catch_up()

    def diagnostics(self) -> dict[str, Any]:
        """Return the port, how late notes begin, what became of the bars and how soon changes were heard."""
        scheduler, line, counts = self._out.scheduler, self._performer.timeline, self._performer.counts
        changes = self._performer.changes.times
        return {
            "port": self._out.port.name if self._out.port else None,
            "clock": line.state,
            "notes": self.notes_played,
            "late_ms": _milliseconds(scheduler.lateness),
            "clock_late_ms": _milliseconds(scheduler.clock_lateness),
            "bars": {**asdict(counts), "dropped": line.gaps},
            "change_to_music_s": {
                "count": changes.count,
                "p50": round(changes.p50_s, 3),
                "max": round(changes.max_s, 3),
                "over_a_bar": round(changes.over_a_bar_s, 3),
            },
        }

    def _restore(self) -> None:
        """Tell an instrument that has just been connected what it should know; on a thread of the port's."""
        self._out.scheduler.refresh()
        self._performer.timeline.tell_again()


def _milliseconds(lateness: Lateness) -> dict[str, float]:
    return {"p50": round(lateness.p50_ms, 3), "p99": round(lateness.p99_ms, 3)}


def _tell_failure(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("the composer failed; there is no more music", exc_info=error)
