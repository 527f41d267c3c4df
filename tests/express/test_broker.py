"""Which broker is taken, and the one of our own under other people's clients."""

from __future__ import annotations

import asyncio
import logging
import socket
from typing import TYPE_CHECKING

import pytest

from robotd.config import Mqtt
from robotd.express.broker import local_broker
from robotd.express.mqtt import MqttLink
from tests.servers.mqtt import HOST, Mosquitto, eventually, free_port, listen

if TYPE_CHECKING:
    from pathlib import Path

    from robotd.express.mqtt_commands import Command


async def echo(command: Command) -> dict[str, object]:
    return {"heard": command.payload}


async def test_the_configured_broker_is_taken_unseen() -> None:
    async with local_broker(Mqtt(host="broker.example", port=8883)) as where:
        assert where == ("broker.example", 8883)
    async with local_broker(Mqtt(tls=True, port=8883)) as where:
        assert where == ("localhost", 8883)


async def test_a_broker_on_this_machine_is_taken(tmp_path: Path) -> None:
    with Mosquitto(tmp_path) as mosquitto:
        async with local_broker(Mqtt(port=mosquitto.port)) as where:
            assert where == ("localhost", mosquitto.port)


async def test_a_broker_that_would_not_let_us_in_is_still_the_broker(tmp_path: Path) -> None:
    with Mosquitto(tmp_path, users={"tin": "secret"}) as mosquitto:
        async with local_broker(Mqtt(port=mosquitto.port)) as where:
            assert where == ("localhost", mosquitto.port)


@pytest.mark.parametrize("greeting", [None, b"220 mail at your service\r\n"])
async def test_a_port_taken_by_something_else_is_left_alone(greeting: bytes | None) -> None:
    async def something_else(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if greeting:
            writer.write(greeting)
        await reader.read(1)
        writer.close()

    server = await asyncio.start_server(something_else, HOST, 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        async with local_broker(Mqtt(port=port)) as (host, own_port):
            assert host == HOST
            assert own_port != port
            socket.create_connection((host, own_port)).close()


async def test_our_own_broker_serves_the_mosquitto_tools(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    port = free_port()
    async with local_broker(Mqtt(port=port)) as (host, own_port):
        assert (host, own_port) == (HOST, port)
        assert f"mosquitto_sub -h {HOST} -p {port}" in caplog.text
        config = Mqtt(host=host, port=own_port)
        async with MqttLink(config, "tin", echo) as link:
            await eventually(lambda: link.counters.published >= 2)
            seen = await tool("mosquitto_sub", port, "-t", "robotd/tin/status", "-C", "1", "-v")
            assert seen == "robotd/tin/status online"
            answer, _ = await asyncio.gather(
                tool("mosquitto_sub", port, "-t", "robotd/tin/response/+", "-C", "1", "-W", "20"),
                keep_asking(port),
            )
            assert '"data": {"heard": "off"}' in answer
        assert await tool("mosquitto_sub", port, "-t", "robotd/tin/status", "-C", "1") == "offline"
        async with MqttLink(config, "tin", echo) as link:
            await eventually(lambda: link.connected)
    assert {record.name for record in caplog.records if record.name.startswith(("amqtt", "transitions"))} == set()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((HOST, port))


async def test_our_own_broker_closes_under_its_clients() -> None:
    before = asyncio.all_tasks()
    async with local_broker(Mqtt(port=free_port())) as (_, port):
        link = MqttLink(Mqtt(host=HOST, port=port), "tin", echo)
        await link.__aenter__()
        subscriber = await asyncio.create_subprocess_exec(
            "mosquitto_sub", "-h", HOST, "-p", str(port), "-t", "#", stdout=asyncio.subprocess.PIPE
        )
        assert subscriber.stdout is not None
        await subscriber.stdout.readline()
    await eventually(lambda: not link.connected)
    await link.__aexit__(None, None, None)
    subscriber.terminate()
    await subscriber.communicate()
    for _ in range(1000):
        if asyncio.all_tasks() <= before:
            break
        await asyncio.sleep(0.005)
    assert asyncio.all_tasks() <= before


async def test_the_will_works_there_too() -> None:
    async with local_broker(Mqtt(port=free_port())) as (_, port), listen(port) as listener:
        link = MqttLink(Mqtt(host=HOST, port=port), "tin", echo)
        async with link:
            await listener.wait_for("robotd/tin/status", "online")
        await listener.wait_for("robotd/tin/status", "offline")


async def tool(name: str, port: int, *arguments: str) -> str:
    """Run one of mosquitto's tools to its end and return what it wrote."""
    process = await asyncio.create_subprocess_exec(
        name, "-h", HOST, "-p", str(port), *arguments, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    assert process.returncode == 0
    return output.decode().strip()


async def keep_asking(port: int) -> None:
    """Send a few commands, as the subscriber may not be there for the first."""
    for _ in range(10):
        await tool("mosquitto_pub", port, "-t", "robotd/tin/command/mode", "-m", "off", "-q", "1")
