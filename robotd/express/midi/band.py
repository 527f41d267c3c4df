"""Composer, performer, scheduler, port and recorder as one thing that plays."""

from __future__ import annotations

import asyncio
import logging
from contextlib import AsyncExitStack, suppress
from typing import TYPE_CHECKING, Any

from robotd.errors import MediaError
from robotd.express.midi.clock import MediaClock, RealClock
from robotd.express.midi.performer import Performer
from robotd.express.midi.port import MidiPort
from robotd.express.midi.recorder import Recorder
from robotd.express.midi.scheduler import Scheduler

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from mido import Message, MetaMessage
    from typing_extensions import Self

    from robotd.config import Midi
    from robotd.emotion import Quadrant
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
        notes_played: how many notes have begun.
        bars_played: how many bars.
    """

    def __init__(
        self, config: Midi, composer: Composer, on_bar: Callable[[Playing | None], None], *, media_time: bool = False
    ) -> None:
        self.notes_played = 0
        self.bars_played = 0
        self._config = config
        self._composer = composer
        self._on_bar = on_bar
        self._media_clock = MediaClock() if media_time else None
        self._stack = AsyncExitStack()
        self._port: MidiPort | None = None
        self._recorder: Recorder | None = None
        self._scheduler: Scheduler
        self._performer: Performer
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        clock = self._media_clock or RealClock()
        if self._config.record is not None:
            self._recorder = Recorder(self._config.record, clock.now())
            self._stack.callback(self._save)
        if self._config.enabled and self._media_clock is None:
            self._port = await asyncio.to_thread(self._open_port)
            self._stack.push_async_callback(asyncio.to_thread, self._port.__exit__, None, None, None)
        self._scheduler = Scheduler(
            self._port.send if self._port else _nowhere,
            record=self._played,
            channels=(self._config.channel - 1,),
            now=clock.now,
        )
        if self._media_clock is None:
            self._stack.enter_context(self._scheduler)
        if self._port is not None:
            self._port.on_return = self._scheduler.refresh
        self._performer = Performer(self._composer, self._scheduler, self._config, clock, on_bar=self._begin_bar)
        if self._media_clock is None:
            self._task = asyncio.create_task(self._performer.run(), name="performer")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        await self._stack.aclose()

    @property
    def connected(self) -> bool:
        """Whether notes reach a port, or none is wanted."""
        return self._port is None or self._port.name is not None

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
        lateness = self._scheduler.lateness
        return {
            "port": self._port.name if self._port else None,
            "notes": self.notes_played,
            "late_ms": {"p50": round(lateness.p50_ms, 3), "p99": round(lateness.p99_ms, 3)},
        }

    def _open_port(self) -> MidiPort:
        return MidiPort(self._config).__enter__()

    def _begin_bar(self, playing: Playing | None) -> None:
        self.bars_played += playing is not None
        self._on_bar(playing)

    def _played(self, time_s: float, message: Message | MetaMessage) -> None:
        self.notes_played += message.type == "note_on" and message.velocity > 0
        if self._recorder is not None:
            self._recorder.write(time_s, message)

    def _save(self) -> None:
        assert self._recorder is not None
        try:
            self._recorder.save()
            log.info("what was played is in %s", self._config.record)
        except MediaError as error:
            log.error("%s", error)


def _nowhere(message: Message) -> None:
    """Without a port there is nobody to hear it."""
