"""Speech to text by a real Wyoming server around pocketsphinx (see `tests.servers.wyoming`)."""

from __future__ import annotations

import asyncio
import logging
import socket
from typing import Any

import pytest

pytest.importorskip("wyoming", reason="wyoming is not installed (pip install robotd[asr])")
pytest.importorskip("pocketsphinx", reason="pocketsphinx is not installed (pip install robotd[asr])")

from robotd.config import Asr
from robotd.sense import wyoming_server
from robotd.sense.transcriber import open_transcriber
from robotd.sense.wyoming_server import WyomingServer
from tests.sense.speech import TIRED, tired
from tests.servers.mqtt import HOST, free_port
from tests.servers.wyoming import WyomingProcess


def asking(uri: str, **settings: Any) -> WyomingServer:
    return WyomingServer(Asr(kind="wyoming", uri=uri, **settings))


async def test_what_is_said_comes_back_as_text() -> None:
    with WyomingProcess() as server:
        transcriber = asking(server.uri, language="en")
        assert await transcriber.transcribe(tired()) == TIRED
        # Servers hang up after each answer; the next utterance gets a connection of its own.
        assert await transcriber.transcribe(tired()) == TIRED
        assert (transcriber.health, transcriber.lost) == ("ok", 0)


async def test_nothing_understood_is_no_loss() -> None:
    with WyomingProcess("blank") as server:
        transcriber = asking(server.uri)
        assert await transcriber.transcribe(tired()) is None
        assert (transcriber.health, transcriber.lost) == ("ok", 0)


@pytest.mark.parametrize(
    ("mood", "health", "told"),
    [
        ("silent", "silent", "no answer within 0.5 s"),
        ("cross", "refusing", "it says: out of memory"),
        ("deaf", "refusing", "it hung up without an answer"),
    ],
)
async def test_a_server_that_gives_no_answer_is_told(
    mood: str, health: str, told: str, caplog: pytest.LogCaptureFixture
) -> None:
    with WyomingProcess(mood) as server:
        transcriber = asking(server.uri, timeout_s=0.5)
        assert await transcriber.transcribe(tired()) is None
    assert (transcriber.health, transcriber.lost) == (health, 1)
    assert told in caplog.text


async def test_loss_and_return_are_told_once(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wyoming_server, "FIRST_RETRY_S", 0.0)
    caplog.set_level(logging.INFO)
    server = WyomingProcess()
    transcriber = asking(server.uri)
    for _ in range(3):
        assert await transcriber.transcribe(tired()) is None
    assert (transcriber.health, transcriber.lost) == ("missing", 3)
    with server:
        assert await transcriber.transcribe(tired()) == TIRED
    levels = [record.levelname for record in caplog.records if "speech-to-text server" in record.getMessage()]
    assert levels == ["WARNING", "INFO"]
    assert transcriber.health == "ok"


async def test_a_missing_server_is_left_alone_for_a_while() -> None:
    transcriber = asking(f"tcp://{HOST}:{free_port()}")
    assert await transcriber.transcribe(tired()) is None
    with socket.create_server((HOST, int(transcriber._asr.uri.rpartition(":")[2]))) as back:
        back.setblocking(False)
        assert await transcriber.transcribe(tired()) is None
        with pytest.raises(BlockingIOError):
            back.accept()
    assert transcriber.lost == 2


HTTP = b"HTTP/1.1 400 Bad Request\r\n\r\n"


@pytest.mark.parametrize("nonsense", [HTTP, b'{"type": "transcript"}\n', b"[1]\n", b"7" * 100_000])
async def test_a_server_of_another_kind_is_refused(nonsense: bytes) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(nonsense)
        await writer.drain()
        # All that comes is read, so that the end of the connection is one in good order.
        await reader.read()
        writer.close()

    async with await asyncio.start_server(answer, HOST, 0) as server:
        port = server.sockets[0].getsockname()[1]
        transcriber = asking(f"tcp://{HOST}:{port}")
        assert await transcriber.transcribe(tired()) is None
    assert transcriber.health == "refusing"


def test_off_opens_nothing() -> None:
    assert open_transcriber(Asr()) is None
    transcriber = open_transcriber(Asr(kind="wyoming"))
    assert transcriber is not None
    assert transcriber.name == "wyoming"


@pytest.mark.parametrize("uri", ["127.0.0.1:10300", "http://host:1", "tcp://host", "tcp://host:99999", "unix://"])
def test_an_address_that_is_none_is_told(uri: str) -> None:
    with pytest.raises(ValueError, match=r"tcp://HOST:PORT or unix:///PATH|out of range"):
        Asr(kind="wyoming", uri=uri)
