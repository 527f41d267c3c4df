"""Composer, performer and the way out for MIDI as one thing that plays."""

from __future__ import annotations

import asyncio
import logging
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

from robotd.errors import MediaError
from robotd.express.midi import open_midi
from robotd.express.midi.clock import MediaClock
from robotd.express.midi.performer import Performer

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from typing_extensions import Self

    from robotd.config import Midi
    from robotd.emotion import Quadrant
    from robotd.express.midi import MidiOut
    from robotd.express.midi.performer import Playing
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

    Attributes:
        bars_played: how many bars have begun.
    """

    def __init__(
        self, config: Midi, composer: Composer, on_bar: Callable[[Playing | None], None], *, media_time: bool = False
    ) -> None:
        self.bars_played = 0
        self._config = config
        self._composer = composer
        self._on_bar = on_bar
        self._media_clock = MediaClock() if media_time else None
        self._stack = AsyncExitStack()
        self._out: MidiOut
        self._performer: Performer
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._out = await self._stack.enter_async_context(open_midi(self._config, self._media_clock))
        self._performer = Performer(
            self._composer, self._out.scheduler, self._config, self._out.clock, on_bar=self._begin_bar
        )
        if self._media_clock is None:
            self._task = asyncio.create_task(self._performer.run(), name="performer")
            self._task.add_done_callback(_tell_failure)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
        try:
            await self._stack.aclose()
        except MediaError as problem:
            log.error("%s", problem)
        else:
            if self._config.record is not None:
                log.info("what was played is in %s", self._config.record)

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
        """Return the port and how late notes begin."""
        lateness = self._out.scheduler.lateness
        return {
            "port": self._out.port.name if self._out.port else None,
            "notes": self.notes_played,
            "late_ms": {"p50": round(lateness.p50_ms, 3), "p99": round(lateness.p99_ms, 3)},
        }

    def _begin_bar(self, playing: Playing | None) -> None:
        self.bars_played += playing is not None
        self._on_bar(playing)


def _tell_failure(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("the composer failed; there is no more music", exc_info=error)
