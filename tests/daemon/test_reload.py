from __future__ import annotations

import json
import signal
from pathlib import Path

import psutil

from tests.daemon.robots import RunningRobot
from tests.servers.camera import MjpegCamera
from tests.servers.mqtt import HOST, Mosquitto, eventually, listen

R = "robotd/tester/"


def base(broker: Mosquitto, **sections: object) -> str:
    """Return a configuration as JSON, which is YAML too."""
    mqtt = {"host": HOST, "port": broker.port}
    return json.dumps({"robot_id": "tester", "mqtt": mqtt, "midi": {"enabled": False}} | sections)


async def test_muted_music_stays_muted_when_its_port_is_opened_anew(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    with Mosquitto(tmp_path) as broker:
        config.write_text(base(broker, input="scene"))
        async with listen(broker.port) as listener:
            with RunningRobot(tmp_path, config=config) as robot:
                await listener.wait_for(R + "music")
                await listener.ask(R + "command/mute", '{"music": true}')
                config.write_text(base(broker, input="scene", midi={"enabled": False, "transpose": 5}))
                robot.send(signal.SIGHUP)
                await eventually(lambda: "configuration reloaded" in robot.log)
                told = len(listener.on(R + "feeling"))
                await listener.wait_for(R + "feeling", count=told + 6)
                assert listener.on(R + "music")[-1].json["playing"] is False
                assert robot.stop() == 0


async def test_no_camera_stays_open_behind_a_reload(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    with Mosquitto(tmp_path) as broker, MjpegCamera() as camera:

        def settings(rate_hz: float) -> str:
            looking = {"source": camera.address, "rate_hz": rate_hz}
            return base(broker, camera=looking, microphone={"enabled": False})

        config.write_text(settings(10))
        async with listen(broker.port) as listener:
            with RunningRobot(tmp_path, config=config) as robot:
                await eventually(lambda: camera.watchers == 1, lambda: robot.log)
                for rate_hz in (9, 8, 7, 6):
                    config.write_text(settings(rate_hz))
                    robot.send(signal.SIGHUP)
                    for mode in ("off", "both"):
                        assert (await listener.ask(R + "command/mode", mode))["status"] == "ok"
                await eventually(lambda: robot.log.count("configuration reloaded") >= 1)
                assert (await listener.ask(R + "command/mute", '{"camera": true}'))["status"] == "ok"
                await eventually(lambda: psutil.Process(robot.pid).children() == [])
                await eventually(lambda: camera.watchers == 0)
                assert robot.stop() == 0


async def test_a_mode_in_the_configuration_holds_until_somebody_switches_it(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    with Mosquitto(tmp_path) as broker:
        config.write_text(base(broker, input="scene", mode="off"))
        async with listen(broker.port) as listener:
            with RunningRobot(tmp_path, config=config) as robot:
                assert (await listener.wait_for(R + "switches")).json["mode"] == "off"
                await listener.ask(R + "command/mute", '{"camera": true}')
                config.write_text(base(broker, input="scene", mode="recommend"))
                robot.send(signal.SIGHUP)
                await eventually(lambda: listener.on(R + "switches")[-1].json["mode"] == "recommend")
                await listener.ask(R + "command/mode", "compose")
                robot.send(signal.SIGHUP)
                await eventually(lambda: robot.log.count("configuration reloaded") == 2)
                assert listener.on(R + "switches")[-1].json["mode"] == "compose"
                assert robot.stop() == 0
