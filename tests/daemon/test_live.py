from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from tests.daemon.robots import SCENE, RunningRobot
from tests.servers.mqtt import HOST, Mosquitto, eventually, free_port, listen
from tests.servers.sound import PulseAudio

R = "robotd/tester/"


@contextmanager
def network_camera() -> Iterator[str]:
    """Show the built-in scene as MJPEG over HTTP, for one client."""
    address = f"http://{HOST}:{free_port()}/camera.mjpg"
    show = ["ffmpeg", "-loglevel", "error", "-re", "-stream_loop", "-1", "-i", str(SCENE), "-an", "-q:v", "5"]
    process = subprocess.Popen([*show, "-f", "mpjpeg", "-listen", "1", address], stdin=subprocess.DEVNULL)
    try:
        yield address
    finally:
        process.kill()
        process.wait()


def spoken(folder: Path) -> Path:
    path = folder / "speech.wav"
    extract = ["ffmpeg", "-loglevel", "error", "-i", str(SCENE), "-vn", "-ar", "16000", "-ac", "1", str(path)]
    subprocess.run(extract, check=True)
    return path


async def test_a_network_camera_and_a_sound_server_run_the_same_chain(tmp_path: Path) -> None:
    pulse_folder, broker_folder = tmp_path / "pulse", tmp_path / "broker"
    pulse_folder.mkdir()
    broker_folder.mkdir()
    with Mosquitto(broker_folder) as broker, PulseAudio(pulse_folder) as pulse, network_camera() as camera:
        settings = (
            "robot_id=tester",
            "midi.enabled=false",
            f"mqtt.host={HOST}",
            f"mqtt.port={broker.port}",
            f"camera.source={camera}",
            "microphone.device=pulse",
            # A busy machine takes its time to open them, which is not what is tried here.
            "camera.stall_s=30",
            "microphone.stall_s=30",
        )
        async with listen(broker.port) as listener:
            with RunningRobot(tmp_path, *settings) as robot:
                await eventually(lambda: "microphone is open" in robot.log, lambda: robot.log)
                pulse.play(spoken(tmp_path))
                await eventually(lambda: any(feeling["face"] for feeling in robot.said("feeling")))
                await eventually(lambda: any(feeling["voice"] for feeling in robot.said("feeling")))
                await listener.wait_for(R + "status", "online")

                # One for the camera, one for the microphone; a busy machine may have to start one again.
                await eventually(lambda: len(psutil.Process(robot.pid).children()) == 2)
                muted = await listener.ask(R + "command/mute", json.dumps({"camera": True, "microphone": True}))
                assert muted["status"] == "ok"
                assert psutil.Process(robot.pid).children() == []
                assert pulse.recorders() == 0

                await listener.ask(R + "command/mute", json.dumps({"microphone": False}))
                await eventually(lambda: pulse.recorders() == 1)
                assert robot.stop() == 0


async def test_devices_that_are_missing_are_told_and_the_rest_runs_on(tmp_path: Path) -> None:
    with Mosquitto(tmp_path) as broker:
        settings = (
            "robot_id=tester",
            "input=devices",
            "midi.backend=jack",
            f"mqtt.host={HOST}",
            f"mqtt.port={broker.port}",
            "camera.source=/dev/video77",
            "microphone.device=no such microphone",
        )
        async with listen(broker.port) as listener:
            with RunningRobot(tmp_path, *settings, env={"JACK_DEFAULT_SERVER": "robotd-none"}) as robot:
                await listener.wait_for(R + "status", "degraded")
                feeling = (await listener.wait_for(R + "feeling")).json
                assert (feeling["label"], feeling["valence"], feeling["face"]) == ("unknown", None, None)
                await eventually(lambda: "/dev/video77" in robot.log and "no such microphone" in robot.log)
                assert "no MIDI system" in robot.log
                assert (await listener.ask(R + "command/panic"))["status"] == "ok"
                assert robot.stop() == 0
                assert "Traceback" not in robot.log


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_everything_in_good_order(tmp_path: Path, number: signal.Signals) -> None:
    with Mosquitto(tmp_path) as broker:
        settings = ("robot_id=tester", "input=scene", f"mqtt.host={HOST}", f"mqtt.port={broker.port}")
        async with listen(broker.port) as listener:
            with RunningRobot(tmp_path, *settings) as robot:
                await listener.wait_for(R + "feeling")
                assert robot.stop(number) == 0
            await listener.wait_for(R + "status", "offline")


async def test_without_a_broker_one_of_its_own_is_started(tmp_path: Path) -> None:
    port = free_port()
    with RunningRobot(tmp_path, "robot_id=tester", "input=scene", "midi.enabled=false", f"mqtt.port={port}") as robot:
        await eventually(lambda: f"127.0.0.1:{port}" in robot.log and "connected" in robot.log, lambda: robot.log)
        async with listen(port, R + "#") as listener:
            await listener.wait_for(R + "feeling")
        assert robot.stop() == 0
