"""Commands: whatever comes, an answer goes."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from robotd.config import Mqtt
from robotd.errors import CommandError, LibraryError
from robotd.express import mqtt_commands
from robotd.express.mqtt import MqttLink
from robotd.express.mqtt_commands import MAX_PAYLOAD_BYTES, MAX_WAITING, Command, CommandDesk, parse
from tests.servers.mqtt import HOST, Mosquitto, eventually, listen

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

NAMES = ("mode", "text", "wait")


class Desk:
    """A desk whose handler echoes, and whose answers are kept."""

    def __init__(self) -> None:
        self.answers: list[tuple[str, Mapping[str, Any]]] = []
        self.carried_out: list[Command] = []
        self.go_on = asyncio.Event()
        self.desk = CommandDesk(self.handle, NAMES, lambda name, answer: self.answers.append((name, answer)))

    async def handle(self, command: Command) -> Mapping[str, Any] | None:
        self.carried_out.append(command)
        if command.name == "wait":
            await self.go_on.wait()
        if command.payload == "wrong":
            raise CommandError("that is wrong")
        if command.payload == "unread":
            raise LibraryError("the library can't be read")
        if command.payload == "bug":
            raise RuntimeError("secret detail")
        if command.payload == "late":
            raise TimeoutError
        if command.payload == "nan":
            return {"value": float("nan")}
        return {"payload": command.payload} if command.payload else None

    async def ask(self, name: str, payload: bytes = b"", *, retained: bool = False) -> Mapping[str, Any]:
        before = len(self.answers)
        self.desk.receive(name, payload, retained=retained)
        await eventually(lambda: len(self.answers) > before)
        answered, answer = self.answers[-1]
        assert answered == answer["command"] == name
        return answer


@asynccontextmanager
async def open_desk() -> AsyncIterator[Desk]:
    desk = Desk()
    serving = asyncio.create_task(desk.desk.serve())
    try:
        yield desk
    finally:
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)


async def test_answers_with_data_and_transaction() -> None:
    async with open_desk() as desk:
        assert await desk.ask("mode", b'{"mode": "off", "transaction": {"id": 7}}') == {
            "status": "ok",
            "command": "mode",
            "data": {"payload": {"mode": "off"}},
            "error": None,
            "transaction": {"id": 7},
        }


async def test_bare_text() -> None:
    async with open_desk() as desk:
        assert (await desk.ask("text", "  schön \n".encode()))["data"] == {"payload": "schön"}
        assert (await desk.ask("mode"))["data"] is None


@pytest.mark.parametrize(
    ("payload", "error"),
    [
        (b'{"mode": ', "not valid JSON"),
        (b'{"mode": NaN}', "not a JSON value"),
        (b'{"a":' * 10_000, "not valid JSON"),
        (b"\xff\xfe", "not UTF-8"),
        (b"x" * (MAX_PAYLOAD_BYTES + 1), "more than 65536"),
        (b"wrong", "that is wrong"),
        (b"unread", "the library can't be read"),
    ],
)
async def test_answers_errors(payload: bytes, error: str) -> None:
    async with open_desk() as desk:
        answer = await desk.ask("mode", payload)
        assert answer["status"] == "error"
        assert error in answer["error"]
        assert answer["data"] is None


async def test_unknown_command_lists_the_known_ones() -> None:
    async with open_desk() as desk:
        answer = await desk.ask("fly", b'{"transaction": 1}')
        assert answer["error"] == "unknown command 'fly'; there are mode, text, wait"
        assert answer["transaction"] == 1


async def test_a_bug_is_logged_here_and_hidden_there(caplog: pytest.LogCaptureFixture) -> None:
    async with open_desk() as desk:
        assert (await desk.ask("mode", b"bug"))["error"] == "internal error"
        assert "secret detail" in caplog.text
        assert (await desk.ask("mode", b"late"))["error"] == "internal error"
        assert (await desk.ask("mode", b"fine"))["status"] == "ok"


async def test_a_retained_command_is_not_carried_out(caplog: pytest.LogCaptureFixture) -> None:
    async with open_desk() as desk:
        answer = await desk.ask("mode", b'{"mode": "off", "transaction": 1}', retained=True)
        assert "retain flag" in answer["error"]
        assert answer["transaction"] == 1
        assert desk.carried_out == []
        assert [record.levelno for record in caplog.records] == [logging.WARNING]


async def test_a_slow_handler_keeps_the_order_and_blocks_nothing() -> None:
    async with open_desk() as desk:
        desk.desk.receive("wait", b"first", retained=False)
        for number in range(3):
            desk.desk.receive("mode", str(number).encode(), retained=False)
        assert "unknown" in (await desk.ask("fly"))["error"]
        desk.go_on.set()
        await eventually(lambda: len(desk.answers) == 5)
        assert [command.payload for command in desk.carried_out] == ["first", "0", "1", "2"]


async def test_too_many_commands_are_refused() -> None:
    async with open_desk() as desk:
        desk.desk.receive("wait", b"", retained=False)
        await eventually(lambda: desk.carried_out)
        for _ in range(MAX_WAITING):
            desk.desk.receive("mode", b"", retained=False)
        assert desk.answers == []
        assert (await desk.ask("mode"))["error"] == "busy: 32 commands are waiting"
        desk.go_on.set()
        await eventually(lambda: len(desk.answers) == MAX_WAITING + 2)


async def test_a_handler_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mqtt_commands, "HANDLER_TIMEOUT_S", 0.01)
    async with open_desk() as desk:
        assert (await desk.ask("wait"))["error"] == "wait took longer than 0.01 s"
        assert (await desk.ask("mode", b"fine"))["status"] == "ok"


async def test_stopping_answers_what_was_begun_and_what_waits() -> None:
    async with open_desk() as desk:
        desk.desk.receive("wait", b'{"transaction": 1}', retained=False)
        desk.desk.receive("mode", b'{"transaction": 2}', retained=False)
        await eventually(lambda: desk.carried_out)
    assert [answer["transaction"] for _, answer in desk.answers] == [1, 2]
    assert {answer["error"] for _, answer in desk.answers} == {"robotd is stopping"}


@given(st.binary(max_size=200))
def test_any_bytes_are_a_command_or_a_command_error(payload: bytes) -> None:
    with contextlib.suppress(CommandError):
        assert parse("mode", payload).name == "mode"


@given(st.dictionaries(st.text(), st.integers() | st.text() | st.none()))
def test_any_object_comes_through(fields: dict[str, Any]) -> None:
    command = parse("mode", json.dumps(fields).encode())
    transaction = fields.pop("transaction", None)
    assert (command.payload, command.transaction) == (fields, transaction)


async def test_over_a_real_broker(tmp_path: Path) -> None:
    desk = Desk()
    with Mosquitto(tmp_path) as broker:
        async with listen(broker.port) as listener:
            await listener.say("robotd/tin/command/mode", "both", retain=True)
            link = MqttLink(Mqtt(host=HOST, port=broker.port), "tin", desk.handle, NAMES)
            async with link:
                await link.wait_connected()
                refused = await listener.wait_for("robotd/tin/response/mode")
                assert "retain flag" in refused.json["error"]
                ask = listener.ask
                assert (await ask("robotd/tin/command/mode", '{"transaction": "ä"}'))["transaction"] == "ä"
                assert (await ask("robotd/tin/command/mode", '{"transaction": "\\ud800"}'))["status"] == "ok"
                assert (await ask("robotd/tin/command/mode", "nan"))["error"] == "internal error"
                assert "not valid JSON" in (await ask("robotd/tin/command/mode", "{"))["error"]
                assert "not UTF-8" in (await ask("robotd/tin/command/text", b"\xff"))["error"]
                assert "more than" in (await ask("robotd/tin/command/text", b"x" * 70_000))["error"]
                assert "unknown command ''" in (await ask("robotd/tin/command/"))["error"]
                await listener.say("robotd/tin/command/wait", '{"transaction": 9}')
                await eventually(lambda: desk.carried_out[-1].name == "wait")
            stopped = await listener.wait_for("robotd/tin/response/wait")
            assert stopped.json["error"] == "robotd is stopping"


@pytest.mark.parametrize("payload", [b'{"transaction": 1e999}', b'{"transaction": NaN}', b'{"a": -1e400}'])
def test_numbers_that_json_can_not_say_back_are_refused(payload: bytes) -> None:
    with pytest.raises(CommandError, match="not valid JSON"):
        parse("mode", payload)
