"""Writes down what is said: utterances go to speech to text, and every text, wherever it comes from, is read."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from robotd.aio import end
from robotd.channel import BoundedQueue
from robotd.errors import RobotdError
from robotd.sense.transcriber import open_transcriber

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from types import TracebackType

    from typing_extensions import Self

    from robotd.config import Asr
    from robotd.sense.transcriber import Transcriber
    from robotd.sense.utterance import Utterance

log = logging.getLogger(__name__)

#: So many utterances and texts wait; of more the oldest are dropped.
_MOST_WAITING = 8


@dataclass
class Counts:
    """What became of it.

    Attributes:
        texts: read.
        unread: texts in which nothing could be read.
        silent: utterances in which nothing was understood.
    """

    texts: int = 0
    unread: int = 0
    silent: int = 0


class Scribe:
    """Takes utterances and texts at any time, and handles one after the other in the background.

    Without speech to text (`asr.kind: off`) utterances are forgotten at once. No text is logged or kept.

    Args:
        asr: the settings.
        read: takes each text.
    """

    def __init__(self, asr: Asr, read: Callable[[str], Awaitable[object]]) -> None:
        self.counts = Counts()
        self._asr = asr
        self._read = read
        self._transcriber: Transcriber | None = None
        self._waiting: BoundedQueue[Utterance | str] = BoundedQueue(_MOST_WAITING)
        self._task: asyncio.Task[None] | None = None
        self._missing = False

    async def __aenter__(self) -> Self:
        try:
            self._transcriber = await asyncio.to_thread(open_transcriber, self._asr)
        except RobotdError as error:
            self._missing = True
            log.error("%s; going on without speech to text", error)
        self._task = asyncio.create_task(self._serve(), name="scribe")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._task is not None
        await end(self._task)

    def hear(self, utterance: Utterance) -> None:
        """Take an utterance, if anybody listens to it."""
        if self._transcriber is not None and utterance.final:
            self._waiting.put(utterance)

    def take(self, text: str) -> None:
        """Take a text."""
        self._waiting.put(text)

    @property
    def trouble(self) -> str | None:
        """What is wrong with speech to text, in a word; None: nothing."""
        if self._missing:
            return "missing"
        if self._transcriber is None or self._transcriber.health == "ok":
            return None
        return self._transcriber.health

    def diagnostics(self) -> dict[str, int | str]:
        """Return what became of all that was taken."""
        lost = self._transcriber.lost if self._transcriber else 0
        return {
            "speech_to_text": self._transcriber.name if self._transcriber else "off",
            "texts": self.counts.texts,
            "unread": self.counts.unread,
            "silent": self.counts.silent,
            "lost": lost + self._waiting.overflowed,
        }

    async def _serve(self) -> None:
        while True:
            try:
                await self._handle(await self._waiting.get())
            except Exception as error:  # noqa: BLE001 - whatever a recogniser raises, the robot goes on
                # Without its text, which might quote a person.
                log.error("speech to text: unforeseen trouble (%s); going on", type(error).__name__)

    async def _handle(self, taken: Utterance | str) -> None:
        text: str | None
        if isinstance(taken, str):
            text = taken
        else:
            assert self._transcriber is not None
            lost = self._transcriber.lost
            text = await self._transcriber.transcribe(taken)
            self.counts.silent += text is None and self._transcriber.lost == lost
        if text is None:
            return
        try:
            await self._read(text)
        except RobotdError:
            self.counts.unread += 1
        else:
            self.counts.texts += 1
