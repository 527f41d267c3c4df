"""`robotd midi-listen` as a process, between a real broker and a real MIDI system."""

from __future__ import annotations

import signal
import subprocess
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from mido import Message

from robotd.config import Mqtt
from robotd.express.midi.remote import TOPIC, Sharing
from robotd.express.mqtt import MqttLink
from tests.daemon.robots import bare, command, environment
from tests.express.midi.test_port import Listener, listener
from tests.servers.jack import jack_server
from tests.servers.mqtt import HOST, Mosquitto, eventually

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from robotd.express.mqtt_commands import Command

ON, OFF = Message("note_on", note=60, velocity=64), Message("note_off", note=60)


@contextmanager
def midi_listen(folder: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        command("midi-listen", *arguments, settings=("midi.backend=jack",)),
        env=environment(folder),
        cwd=bare(folder),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


async def _nothing(_: Command) -> Mapping[str, Any]:
    return {}


async def until_heard(heard: Listener, sharing: Sharing) -> None:
    """Play a note again and again until it is heard, and let it sound."""

    def sounds() -> bool:
        sharing.scheduled(time.monotonic(), ON, 0)
        return 60 in heard.sounding

    await eventually(sounds, within_s=60)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_it_plays_what_the_robot_tells_and_leaves_in_silence(tmp_path: Path, number: signal.Signals) -> None:
    with jack_server(), Mosquitto(tmp_path) as broker, listener(named="Grand Piano") as heard:
        async with MqttLink(Mqtt(host=HOST, port=broker.port), "tin", _nothing) as link:
            sharing = Sharing(lambda payload: link.publish(TOPIC, payload))
            options = ("--host", f"{HOST}:{broker.port}", "--robot", "tin", "--port", "grand", "--delay-ms", "20", "-v")
            with midi_listen(tmp_path, *options) as process:
                await until_heard(heard, sharing)
                process.send_signal(number)
                said, log = process.communicate(timeout=30)
                await eventually(lambda: heard.sounding == set())
    assert process.returncode == 0
    assert "the robot tin is online" in log
    assert "'listener:Grand Piano'" in log
    assert log.splitlines()[-1].endswith("0 lost, 0 broken")
    assert all("delay" in line for line in said.splitlines())


def test_a_broker_that_refuses_us_ends_it_with_the_reason(tmp_path: Path) -> None:
    broker = Mosquitto(tmp_path, users={"box": "secret"})
    with jack_server(), broker, midi_listen(tmp_path, "--host", f"{HOST}:{broker.port}") as process:
        _, log = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "refuses a login without a user" in log
    assert "Traceback" not in log


def test_it_waits_for_a_broker_that_is_not_there(tmp_path: Path) -> None:
    broker = Mosquitto(tmp_path)
    with jack_server(), midi_listen(tmp_path, "--host", f"{HOST}:{broker.port}", "--for", "2") as process:
        _, log = process.communicate(timeout=60)
    assert process.returncode == 0
    assert log.count("trying again until it works") == 1
    assert log.splitlines()[-1].startswith("0 notes")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--robot", "no such name"), "robot_id"),
        (("--host", "box:port"), "mqtt.port"),
        (("--delay-ms", "5000"), "--delay-ms"),
        (("--synth", "kazoo"), "--synth"),
    ],
)
def test_a_mistake_is_told_before_anything_is_opened(tmp_path: Path, arguments: tuple[str, ...], told: str) -> None:
    with midi_listen(tmp_path, *arguments) as process:
        said, log = process.communicate(timeout=60)
    assert process.returncode not in {0, None}
    assert told in said + log
    assert "Traceback" not in log
