"""Speech to text by a Wyoming server, such as faster-whisper in a Home Assistant.

Each utterance is asked about over a connection of its own, as servers hang up after an answer: `transcribe`,
`audio-start`, `audio-chunk`s, `audio-stop` go out, `transcript` comes back
(https://github.com/OHF-Voice/wyoming, "Event Types" and "Speech to Text").
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING

import numpy as np
from wyoming.asr import Transcribe, Transcript
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.client import AsyncClient
from wyoming.error import Error

from robotd.aio import timeout
from robotd.sense.sample import RATE_HZ

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from robotd.config import Asr
    from robotd.sense.utterance import Utterance

log = logging.getLogger(__name__)

FIRST_RETRY_S, LAST_RETRY_S = 1.0, 60.0
_CONNECT_S = 3.0
_CLOSE_S = 1.0
_CHUNK_SAMPLES = 1024
_WIDTH_BYTES = 2
#: What a server may say is read no further than this.
_MOST_CHARACTERS = 10_000


class _NoAnswerError(Exception):
    """The server was there, but gave no transcript."""


class WyomingServer:
    """Has utterances transcribed by a server; while there is none they are lost, for nobody waits for old words.

    Loss and return are told once. After a failure the server is left alone for 1 s, then twice as long each time up to
    60 s.
    """

    name = "wyoming"

    def __init__(self, asr: Asr) -> None:
        self.health = "ok"
        self.lost = 0
        self._asr = asr
        self._retry_s = FIRST_RETRY_S
        self._not_before_s = 0.0

    async def transcribe(self, utterance: Utterance) -> str | None:
        """Return what the server understood, None where that is nothing, or there is no server."""
        clock = asyncio.get_running_loop().time
        if clock() < self._not_before_s:
            self.lost += 1
            return None
        try:
            async with timeout(self._asr.timeout_s), self._connected() as client:
                text = await self._ask(client, utterance)
        except TimeoutError:
            self._fail(f"no answer within {self._asr.timeout_s:g} s", "silent")
        except OSError as error:
            self._fail(f"can't be reached ({error})", "missing")
        except _NoAnswerError as error:
            self._fail(str(error), "refusing")
        except (ValueError, LookupError, TypeError, AttributeError, EOFError) as error:
            # What the library makes of it where something else comes back.
            self._fail(f"it does not speak Wyoming ({type(error).__name__})", "refusing")
        else:
            self._succeed()
            return " ".join(text[:_MOST_CHARACTERS].split()) or None
        self.lost += 1
        self._not_before_s = clock() + self._retry_s
        self._retry_s = min(2 * self._retry_s, LAST_RETRY_S)
        return None

    @contextlib.asynccontextmanager
    async def _connected(self) -> AsyncIterator[AsyncClient]:
        client = AsyncClient.from_uri(self._asr.uri)
        async with timeout(_CONNECT_S):
            await client.connect()
        try:
            yield client
        finally:
            with contextlib.suppress(OSError, TimeoutError):
                async with timeout(_CLOSE_S):
                    await client.disconnect()

    async def _ask(self, client: AsyncClient, utterance: Utterance) -> str:
        pcm = (np.clip(utterance.samples, -1.0, 1.0) * 32767).astype("<i2")
        sound = {"rate": RATE_HZ, "width": _WIDTH_BYTES, "channels": 1}
        await client.write_event(Transcribe(language=self._asr.language).event())
        await client.write_event(AudioStart(**sound).event())
        for start in range(0, len(pcm), _CHUNK_SAMPLES):
            chunk = pcm[start : start + _CHUNK_SAMPLES].tobytes()
            await client.write_event(AudioChunk(audio=chunk, **sound).event())
        await client.write_event(AudioStop().event())
        while (event := await client.read_event()) is not None:
            if Transcript.is_type(event.type):
                text = Transcript.from_event(event).text
                if not isinstance(text, str):
                    raise _NoAnswerError("it gave a transcript without text")
                return text
            if Error.is_type(event.type):
                raise _NoAnswerError(f"it says: {str(Error.from_event(event).text)[:200]}")
        raise _NoAnswerError("it hung up without an answer")

    def _fail(self, what: str, health: str) -> None:
        level = logging.WARNING if self.health != health else logging.DEBUG
        log.log(level, "the speech-to-text server %s: %s; trying again until it works", self._asr.uri, what)
        self.health = health

    def _succeed(self) -> None:
        if self.health != "ok":
            log.info("the speech-to-text server %s answers again", self._asr.uri)
        self.health = "ok"
        self._retry_s = FIRST_RETRY_S
