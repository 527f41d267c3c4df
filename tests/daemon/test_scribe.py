"""Texts and utterances on their way to be read."""

from __future__ import annotations

import asyncio

import pytest

from robotd.config import Asr
from robotd.daemon.scribe import Scribe
from robotd.errors import CommandError
from tests.sense.speech import TIRED, tired
from tests.servers.mqtt import HOST, eventually, free_port


async def test_texts_are_read_one_after_the_other_in_their_order() -> None:
    read: list[str] = []

    async def slowly(text: str) -> None:
        await asyncio.sleep(0)
        read.append(text)

    async with Scribe(Asr(), slowly) as scribe:
        for number in range(5):
            scribe.take(f"text {number}")
        await eventually(lambda: scribe.counts.texts == 5)
    assert read == [f"text {number}" for number in range(5)]
    assert scribe.trouble is None


async def test_a_text_that_cannot_be_read_is_counted_and_said_nowhere(caplog: pytest.LogCaptureFixture) -> None:
    async def refuse(text: str) -> None:
        raise CommandError("no words in it") if text == "мне" else ValueError(text)

    async with Scribe(Asr(), refuse) as scribe:
        scribe.take("мне")
        scribe.take("my secret")
        scribe.take("мне")
        await eventually(lambda: scribe.counts.unread == 2)
    assert "unforeseen trouble (ValueError)" in caplog.text
    assert "secret" not in caplog.text


async def test_of_too_many_texts_the_oldest_are_lost_and_counted() -> None:
    going = asyncio.Event()
    read: list[str] = []

    async def wait(text: str) -> None:
        await going.wait()
        read.append(text)

    async with Scribe(Asr(), wait) as scribe:
        for number in range(20):
            scribe.take(str(number))
        going.set()
        await eventually(lambda: "19" in read)
        assert scribe.diagnostics()["lost"] == 20 - len(read) > 0


async def test_without_speech_to_text_nobody_listens() -> None:
    async def read(text: str) -> None:
        raise AssertionError(text)

    async with Scribe(Asr(), read) as scribe:
        scribe.hear(tired())
        await asyncio.sleep(0)
        assert scribe.diagnostics() == {"speech_to_text": "off", "texts": 0, "unread": 0, "silent": 0, "lost": 0}


async def test_an_utterance_becomes_a_text() -> None:
    pytest.importorskip("pocketsphinx", reason="pocketsphinx is not installed (pip install robotd[asr])")
    pytest.importorskip("wyoming", reason="wyoming is not installed (pip install robotd[asr])")
    from tests.servers.wyoming import WyomingProcess

    read: list[str] = []

    async def note(text: str) -> None:
        read.append(text)

    with WyomingProcess() as server:
        async with Scribe(Asr(kind="wyoming", uri=server.uri), note) as scribe:
            scribe.hear(tired())
            await eventually(lambda: bool(read))
    assert read == [TIRED]


async def test_a_server_that_is_not_there_is_trouble() -> None:
    pytest.importorskip("wyoming", reason="wyoming is not installed (pip install robotd[asr])")

    async def read(text: str) -> None:
        raise AssertionError(text)

    async with Scribe(Asr(kind="wyoming", uri=f"tcp://{HOST}:{free_port()}"), read) as scribe:
        scribe.hear(tired())
        await eventually(lambda: scribe.trouble == "missing")
        assert scribe.diagnostics()["lost"] == 1


async def test_settings_that_ask_for_the_impossible_leave_it_out(caplog: pytest.LogCaptureFixture) -> None:
    pytest.importorskip("pocketsphinx", reason="pocketsphinx is not installed (pip install robotd[asr])")

    async def read(text: str) -> None:
        raise AssertionError(text)

    async with Scribe(Asr(kind="pocketsphinx", phrases=("xyzzyx",)), read) as scribe:
        assert scribe.trouble == "missing"
    assert "xyzzyx; try other words; going on without speech to text" in caplog.text
