"""The link against a real mosquitto."""

from __future__ import annotations

import asyncio
import json
import logging
import signal
import socket
import sys
from typing import TYPE_CHECKING, Any

import pytest

from robotd.config import Mqtt
from robotd.express import mqtt, mqtt_connection
from robotd.express.mqtt import MqttLink
from tests.servers.mqtt import HOST, Mosquitto, eventually, listen

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from robotd.express.mqtt_commands import Command

STATUS = "robotd/tin/status"
FEELING = "robotd/tin/feeling"
EVENT = "robotd/tin/event"
CONFIG = "homeassistant/device/robotd_tin/config"


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with Mosquitto(tmp_path) as mosquitto:
        yield mosquitto


async def echo(command: Command) -> Mapping[str, Any]:
    return {"heard": command.payload}


def link_to(port: int, **settings: Any) -> MqttLink:
    return MqttLink(Mqtt(host=HOST, port=port, **settings), "tin", echo)


async def test_says_online_then_offline(broker: Mosquitto) -> None:
    async with listen(broker.port) as listener:
        async with link_to(broker.port) as link:
            await listener.wait_for(STATUS, "online")
            await link.wait_connected()
        await listener.wait_for(STATUS, "offline")
        assert not link.connected
    async with listen(broker.port) as late:
        assert (await late.wait_for(STATUS, "offline")).retained


async def test_retained_topics_wait_for_those_who_come_later_and_events_do_not(broker: Mosquitto) -> None:
    async with link_to(broker.port) as link:
        await link.wait_connected()
        link.publish_retained("status", "degraded")
        link.publish("event", {"event_type": "face_seen"})
        link.publish_retained("feeling", {"label": "sad"})
        link.publish_retained("feeling", {"label": "glücklich"})
        await eventually(lambda: link.counters.published >= 4)
        async with listen(broker.port) as late:
            assert (await late.wait_for(FEELING)).json == {"label": "glücklich"}
            assert (await late.wait_for(STATUS)).payload == b"degraded"
            link.publish("event", {"event_type": "face_lost"})
            assert (await late.wait_for(EVENT)).json == {"event_type": "face_lost"}
            assert not late.on(EVENT)[0].retained
            assert len(late.on(EVENT)) == 1


async def test_what_was_said_before_the_first_connection(tmp_path: Path) -> None:
    mosquitto = Mosquitto(tmp_path)
    async with link_to(mosquitto.port) as link:
        link.publish_retained("feeling", {"label": "calm"})
        link.publish("event", {"event_type": "face_seen"})
        assert link.counters.dropped == 1
        with mosquitto:
            async with listen(mosquitto.port) as listener:
                assert (await listener.wait_for(FEELING)).json == {"label": "calm"}
                await listener.wait_for(CONFIG)
                assert listener.on(EVENT) == []


async def test_the_table_decides_what_is_retained() -> None:
    link = link_to(1)
    with pytest.raises(ValueError, match="never retained"):
        link.publish_retained("event", {})
    with pytest.raises(ValueError, match="always retained"):
        link.publish("feeling", {})
    with pytest.raises(ValueError, match="there is no topic"):
        link.publish("gossip", {})
    with pytest.raises(ValueError, match="not JSON compliant"):
        link.publish("event", {"valence": float("nan")})


async def test_a_restarted_broker_gets_all_that_is_retained_and_no_event_again(broker: Mosquitto) -> None:
    async with link_to(broker.port) as link:
        await link.wait_connected()
        link.publish_retained("feeling", {"label": "calm"})
        link.publish("event", {"event_type": "face_seen"})
        await eventually(lambda: link.counters.published >= 4)
        broker.kill()
        await eventually(lambda: not link.connected)
        link.publish("event", {"event_type": "face_lost"})
        link.publish_retained("feeling", {"label": "sad"})
        assert link.counters.dropped == 1
        broker.start()
        async with listen(broker.port) as listener:
            await eventually(lambda: link.connected)
            assert link.counters.reconnects == 1
            assert (await listener.wait_for(FEELING)).json == {"label": "sad"}
            await listener.wait_for(STATUS, "online")
            await listener.wait_for(CONFIG)
            link.publish("event", {"event_type": "feeling_changed"})
            await listener.wait_for(EVENT)
            assert [message.json["event_type"] for message in listener.on(EVENT)] == ["feeling_changed"]
            answer = await listener.ask("robotd/tin/command/mode", "off")
            assert answer["data"] == {"heard": "off"}


async def test_loss_and_return_are_each_logged_once(
    broker: Mosquitto, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "robotd")
    monkeypatch.setattr(mqtt, "FIRST_RETRY_S", 0.02)
    monkeypatch.setattr(mqtt, "LAST_RETRY_S", 0.02)
    attempts = 0

    async def count(*arguments: Any, **named: Any) -> Any:
        nonlocal attempts
        attempts += 1
        return await to_thread(*arguments, **named)

    to_thread = asyncio.to_thread
    monkeypatch.setattr(asyncio, "to_thread", count)
    async with link_to(broker.port) as link:
        await link.wait_connected()
        caplog.clear()
        broker.kill()
        await eventually(lambda: attempts > 4)
        assert [record.levelname for record in caplog.records] == ["WARNING"]
        assert f"{HOST}:{broker.port}" in caplog.text
        broker.start()
        await eventually(lambda: link.connected)
        assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]


async def test_a_robot_that_dies_is_offline(broker: Mosquitto) -> None:
    script = f"""
import asyncio
from robotd.config import Mqtt
from robotd.express.mqtt import MqttLink

async def main():
    async with MqttLink(Mqtt(host="{HOST}", port={broker.port}), "tin", None):
        await asyncio.Event().wait()

asyncio.run(main())
"""
    async with listen(broker.port) as listener:
        robot = await asyncio.create_subprocess_exec(sys.executable, "-c", script)
        try:
            await listener.wait_for(STATUS, "online")
        finally:
            robot.kill()
            await robot.wait()
        await listener.wait_for(STATUS, "offline")
    async with listen(broker.port) as late:
        assert (await late.wait_for(STATUS, "offline")).retained


async def test_a_late_will_does_not_keep_us_offline(broker: Mosquitto) -> None:
    async with listen(broker.port) as listener, link_to(broker.port):
        await listener.wait_for(STATUS, "online")
        await listener.say(STATUS, "offline", retain=True)
        await listener.wait_for(STATUS, "online", count=2)


async def test_refused_login_is_told_once_and_then_mended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(mqtt, "LAST_RETRY_S", 0.02)
    secret = tmp_path / "secret"
    secret.write_text("wrong\n")
    with Mosquitto(tmp_path, users={"tin": "right"}) as broker:
        async with link_to(broker.port, username="tin", password_file=secret) as link:
            await eventually(lambda: broker.log_file.read_text().count("not authorised") > 2)
            errors = [record for record in caplog.records if record.name == "robotd.express.mqtt"]
            assert [record.levelname for record in errors] == ["ERROR"]
            for part in ("'tin'", f"{HOST}:{broker.port}", "mqtt.username", "mqtt.password_file"):
                assert part in errors[0].getMessage()
            assert not link.connected
            secret.write_text("right\n")
            await eventually(lambda: link.connected)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({}, "a login without a user"),
        ({"username": "tin", "password": "wrong"}, "mqtt.password"),
        ({"username": "tin", "password_file": "/nowhere/secret"}, "mqtt.password_file /nowhere/secret"),
    ],
)
async def test_wrong_logins(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, settings: dict[str, Any], told: str
) -> None:
    with Mosquitto(tmp_path, users={"tin": "right"}) as broker:
        async with link_to(broker.port, **settings):
            await eventually(lambda: told in caplog.text)
    assert "wrong" not in caplog.text


async def test_access_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(mqtt, "REPLY_TIMEOUT_S", 0.2)
    acl = "user tin\ntopic readwrite robotd/other/#\ntopic write robotd/tin/event\nuser ear\ntopic read #\n"
    with Mosquitto(tmp_path, users={"tin": "a", "ear": "b"}, acl=acl) as broker:
        async with (
            listen(broker.port, username="ear", password="b") as listener,
            link_to(broker.port, username="tin", password="a") as link,
        ):
            await eventually(lambda: "access list" in caplog.text)
            assert STATUS in caplog.text
            assert link.connected
            link.publish("event", {"event_type": "face_seen"})
            await listener.wait_for(EVENT)
            assert listener.on(STATUS) == []


async def test_tls_with_an_authority_of_our_own(tmp_path: Path) -> None:
    with Mosquitto(tmp_path, tls=True, client_certificates=True) as broker:
        files = {
            "tls_ca_file": broker.ca_file,
            "tls_cert_file": broker.client_cert_file,
            "tls_key_file": broker.client_key_file,
        }
        async with link_to(broker.port, tls=True, **files) as link:
            await eventually(lambda: link.counters.published >= 2)
            link.publish("event", {"event_type": "utterance", "text": "x" * 200_000})
            await eventually(lambda: link.counters.published >= 3)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({}, "no TLS with"),
        ({"tls_ca_file": "/nowhere/ca.crt"}, "mqtt.tls_ca_file /nowhere/ca.crt"),
        ({"tls_insecure": True, "tls_cert_file": "/nowhere/me.crt"}, "mqtt.tls_cert_file /nowhere/me.crt"),
    ],
)
async def test_tls_mistakes(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, settings: dict[str, Any], told: str
) -> None:
    with Mosquitto(tmp_path, tls=True) as broker:
        async with link_to(broker.port, tls=True, **settings) as link:
            await eventually(lambda: told in caplog.text)
            assert not link.connected


async def test_tls_insecure_checks_nothing(tmp_path: Path) -> None:
    with Mosquitto(tmp_path, tls=True) as broker:
        async with link_to(broker.port, tls=True, tls_insecure=True) as link:
            await eventually(lambda: link.connected)


async def test_birth_of_home_assistant_gets_everything_again(broker: Mosquitto) -> None:
    async with listen(broker.port) as listener, link_to(broker.port) as link:
        link.publish_retained("feeling", {"label": "calm"})
        await listener.wait_for(FEELING)
        await listener.wait_for(CONFIG)
        link.publish("event", {"event_type": "face_seen"})
        await listener.say("homeassistant/status", "offline")
        await listener.say("homeassistant/status", "online")
        assert (await listener.wait_for(CONFIG, count=2)).json["o"]["name"] == "robotd"
        await listener.wait_for(FEELING, count=2)
        await listener.wait_for(STATUS, "online", count=2)
        assert len(listener.on(EVENT)) == 1


async def test_without_discovery_an_old_one_is_removed(broker: Mosquitto) -> None:
    async with link_to(broker.port, discovery_prefix="ha") as link:
        await eventually(lambda: link.counters.published >= 2)
    async with listen(broker.port) as late:
        await late.wait_for("ha/device/robotd_tin/config")
    async with link_to(broker.port, discovery_prefix="ha", discovery=False) as link:
        await eventually(lambda: link.counters.published >= 2)
    async with listen(broker.port) as late:
        await late.wait_for(STATUS, "offline")
        assert late.on("ha/device/robotd_tin/config") == []


async def test_a_frozen_broker_costs_the_newest_messages_nothing_and_the_caller_no_time(
    broker: Mosquitto, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mqtt_connection, "REPLY_TIMEOUT_S", 0.5)
    async with link_to(broker.port, queue_size=8) as link:
        await eventually(lambda: link.counters.published >= 2)
        broker.signal(signal.SIGSTOP)
        try:
            for number in range(100):
                link.publish("event", {"event_type": "utterance", "number": number})
            # All are in the queue of 8: the sender had no chance to take one.
            assert link.counters.dropped == 92
            await eventually(lambda: not link.connected)
            assert link.counters.dropped == 100
        finally:
            broker.signal(signal.SIGCONT)
        await eventually(lambda: link.connected)
        async with listen(broker.port) as listener:
            link.publish("event", {"event_type": "utterance", "number": 100})
            await listener.wait_for(EVENT)
            assert [message.json["number"] for message in listener.on(EVENT)] == [100]


async def test_closing_beside_a_frozen_broker_is_quick_and_leaves_the_will(
    broker: Mosquitto, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mqtt, "CLOSE_S", 0.1)
    async with listen(broker.port) as listener:
        async with link_to(broker.port):
            await listener.wait_for(STATUS, "online")
            broker.signal(signal.SIGSTOP)
        broker.signal(signal.SIGCONT)
        await listener.wait_for(STATUS, "offline")


async def test_closing_while_nobody_answers() -> None:
    with socket.create_server((HOST, 0)) as silent:
        link = link_to(silent.getsockname()[1])
        async with link:
            caller, _ = await asyncio.to_thread(silent.accept)
        with caller:
            assert not link.connected
            while caller.recv(1000):
                pass  # a login perhaps, then the end of the connection


async def test_two_robots_of_one_name_are_told(broker: Mosquitto, caplog: pytest.LogCaptureFixture) -> None:
    async with link_to(broker.port) as first:
        await first.wait_connected()
        async with link_to(broker.port):
            await eventually(lambda: "another client called 'robotd-tin'" in caplog.text)


async def test_what_is_said_last_still_leaves(broker: Mosquitto) -> None:
    async with listen(broker.port) as listener:
        async with link_to(broker.port) as link:
            await link.wait_connected()
            for number in range(20):
                link.publish("event", {"event_type": "utterance", "number": number})
        await listener.wait_for(STATUS, "offline")
        assert [message.json["number"] for message in listener.on(EVENT)] == list(range(20))


async def test_two_robots_do_not_hear_each_other(broker: Mosquitto) -> None:
    config = Mqtt(host=HOST, port=broker.port)
    async with listen(broker.port) as listener, link_to(broker.port), MqttLink(config, "zinc", echo):
        await listener.wait_for(STATUS, "online")
        await listener.wait_for("robotd/zinc/status", "online")
        await listener.ask("robotd/zinc/command/mode", json.dumps({"mode": "off", "transaction": 7}))
        assert listener.on("robotd/tin/response/mode") == []


async def test_topics_of_others_are_heard_live_only(broker: Mosquitto) -> None:
    heard: list[bytes] = []
    other = "hermes/asr/textCaptured"
    async with listen(broker.port) as listener:
        await listener.say(other, b"long ago", retain=True)
        link = MqttLink(Mqtt(host=HOST, port=broker.port), "tin", echo, others={other: heard.append})
        async with link:
            await listener.wait_for(STATUS, "online")
            await listener.say(other, b"now")
            await eventually(lambda: bool(heard))
            answer = await listener.ask("robotd/tin/command/mode", "off")
            assert answer["data"] == {"heard": "off"}
    assert heard == [b"now"]
