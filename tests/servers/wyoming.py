"""A real Wyoming speech-to-text server in a process of its own: the wyoming library's, around pocketsphinx.

    python -m tests.servers.wyoming PORT [MOOD]

It understands plain English words as well as pocketsphinx's own model does. In the mood `silent` it hears everything
and never answers, `deaf` it hangs up, `cross` it answers with an error, and `blank` it understands nothing.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

import pocketsphinx
from wyoming.asr import Transcribe, Transcript
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.error import Error
from wyoming.event import Event
from wyoming.server import AsyncEventHandler, AsyncServer

from tests.servers.mqtt import HOST, START_TIMEOUT_S, _listens, free_port
from tests.servers.process import Server

RATE_HZ = 16_000


class Recogniser(AsyncEventHandler):
    """One client: `transcribe`, the sound, then the transcript, and the connection ends."""

    def __init__(self, decoder: Any, mood: str, *streams: Any) -> None:
        super().__init__(*streams)
        self._decoder = decoder
        self._mood = mood
        self._asked = self._started = False
        self._sound = b""

    async def handle_event(self, event: Event) -> bool:
        if Transcribe.is_type(event.type):
            self._asked = True
        elif AudioStart.is_type(event.type):
            start = AudioStart.from_event(event)
            self._started = (start.rate, start.width, start.channels) == (RATE_HZ, 2, 1)
        elif AudioChunk.is_type(event.type):
            self._sound += AudioChunk.from_event(event).audio
        elif AudioStop.is_type(event.type):
            assert self._asked
            assert self._started
            return await self._answer()
        return True

    async def _answer(self) -> bool:
        if self._mood == "silent":
            return True
        if self._mood == "cross":
            await self.write_event(Error(text="out of memory").event())
        elif self._mood != "deaf":
            await self.write_event(Transcript(text="" if self._mood == "blank" else self._understood()).event())
        return False

    def _understood(self) -> str:
        self._decoder.start_utt()
        self._decoder.process_raw(self._sound, full_utt=True)
        self._decoder.end_utt()
        found = self._decoder.hyp()
        return found.hypstr if found else ""


class WyomingProcess(Server):
    """Runs the server for the length of a `with` block, or from `start` to `stop`."""

    def __init__(self, mood: str = "") -> None:
        self.port = free_port()
        self.uri = f"tcp://{HOST}:{self.port}"
        self._mood = mood

    def start(self) -> None:
        arguments = [sys.executable, "-m", "tests.servers.wyoming", str(self.port), self._mood]
        self._process = subprocess.Popen(arguments, cwd=Path(__file__).parents[2])
        deadline_s = time.monotonic() + START_TIMEOUT_S
        while not _listens(self.port):
            if self._process.poll() is not None or time.monotonic() > deadline_s:
                raise RuntimeError("the Wyoming server did not start")
            time.sleep(0.01)


async def serve(port: int, mood: str) -> None:
    decoder = pocketsphinx.Decoder(loglevel="FATAL")
    await AsyncServer.from_uri(f"tcp://{HOST}:{port}").run(partial(Recogniser, decoder, mood))


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), sys.argv[2]))
