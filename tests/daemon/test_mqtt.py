from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.daemon.robots import RunningRobot
from tests.servers.mqtt import HOST, Listener, Mosquitto, eventually, listen

R = "robotd/tester/"
TRANSIENT = ("event", "recommendation", "response/")


def settings(broker: Mosquitto, *more: str) -> tuple[str, ...]:
    return (
        "robot_id=tester",
        "input=scene",
        "midi.enabled=false",
        f"mqtt.host={HOST}",
        f"mqtt.port={broker.port}",
        *more,
    )


def latest(listener: Listener, name: str) -> Any:
    return listener.on(R + name)[-1].json


async def test_a_robot_tells_its_status_and_feeling_and_answers_commands(broker: Mosquitto, tmp_path: Path) -> None:
    async with listen(broker.port) as listener:
        with RunningRobot(tmp_path, *settings(broker)) as robot:
            await listener.wait_for(R + "status", "online")
            feeling = (await listener.wait_for(R + "feeling")).json
            assert sum(feeling["probabilities"].values()) == pytest.approx(1.0, abs=1e-6)
            recommendation = (await listener.wait_for(R + "recommendation")).json
            await listener.wait_for(R + "music")

            answer = await listener.ask(R + "command/mode", json.dumps({"mode": "recommend", "transaction": 7}))
            assert (answer["status"], answer["transaction"], answer["data"]["mode"]) == ("ok", 7, "recommend")
            await eventually(lambda: latest(listener, "switches")["mode"] == "recommend")
            await eventually(lambda: latest(listener, "music")["playing"] is False)

            wrong = await listener.ask(R + "command/mode", "loud")
            assert wrong["status"] == "error"
            assert "recommend" in wrong["error"]
            unknown = await listener.ask(R + "command/dance")
            assert unknown["status"] == "error"
            assert "mute" in unknown["error"]
            malformed = await listener.ask(R + "command/mute", "{")
            assert malformed["status"] == "error"

            track = recommendation["tracks"][0]
            liked = {"song_id": track["song_id"], "kind": "like", "id": recommendation["id"]}
            assert (await listener.ask(R + "command/feedback", json.dumps(liked)))["status"] == "ok"
            lost = await listener.ask(R + "command/feedback", json.dumps({"song_id": 10**6, "kind": "like"}))
            assert lost["error"] == "no song 1000000 in the library: see `robotd library list`"

            await listener.ask(R + "command/mode", "both")
            await eventually(lambda: latest(listener, "music")["playing"] is True)
            assert robot.stop() == 0
        await listener.wait_for(R + "status", "offline")

    async with listen(broker.port) as late:
        # What the broker keeps does not outlive the music.
        assert (await late.wait_for(R + "music")).json["playing"] is False
        assert (await late.wait_for(R + "feeling")).retained
        assert (await late.wait_for(R + "status", "offline")).retained
        assert not any(name in message.topic for message in late.heard for name in TRANSIENT)


async def test_muting_closes_a_sense_and_survives_a_restart(broker: Mosquitto, tmp_path: Path) -> None:
    async with listen(broker.port) as listener:
        with RunningRobot(tmp_path, *settings(broker)) as robot:
            await listener.wait_for(R + "feeling")
            answer = await listener.ask(R + "command/mute", '{"camera": true}')
            assert answer["data"]["camera_muted"] is True
            await eventually(lambda: latest(listener, "feeling")["face"] is None)
            assert robot.stop() == 0
        seen = len(listener.on(R + "switches"))
        with RunningRobot(tmp_path, *settings(broker)) as robot:
            assert (await listener.wait_for(R + "switches", count=seen + 1)).json["camera_muted"] is True
            await eventually(lambda: latest(listener, "diagnostics")["senses"]["camera"] == "muted")
            assert robot.stop() == 0


async def test_a_mood_set_by_hand_takes_the_place_of_what_is_felt(broker: Mosquitto, tmp_path: Path) -> None:
    async with listen(broker.port) as listener:
        with RunningRobot(tmp_path, *settings(broker)) as robot:
            await listener.wait_for(R + "music")
            assert (await listener.ask(R + "command/mood", "Q3"))["status"] == "ok"
            await eventually(lambda: latest(listener, "music")["quadrant"] == "Q3")
            half = await listener.ask(R + "command/mood", '{"valence": 0.5}')
            assert half["data"] == {"mood": {"valence": 0.5, "arousal": -0.4}}
            assert robot.stop() == 0
        with RunningRobot(tmp_path, *settings(broker)) as robot:
            await eventually(lambda: latest(listener, "music")["quadrant"] == "Q4")
            assert latest(listener, "switches")["mood"] == half["data"]["mood"]
            assert (await listener.ask(R + "command/mood", '{"clear": true}'))["data"] == {"mood": None}
            assert robot.stop() == 0


async def test_a_killed_robot_is_offline(broker: Mosquitto, tmp_path: Path) -> None:
    async with listen(broker.port) as listener:
        with RunningRobot(tmp_path, *settings(broker)) as robot:
            await listener.wait_for(R + "status", "online")
            robot.send(signal.SIGKILL)
            await listener.wait_for(R + "status", "offline")


async def test_a_broker_restart_loses_nothing_and_repeats_nothing(broker: Mosquitto, tmp_path: Path) -> None:
    with RunningRobot(tmp_path, *settings(broker)) as robot:
        async with listen(broker.port) as before:
            await before.wait_for(R + "recommendation")
            await before.wait_for(R + "event")
            await before.wait_for(R + "switches")
        told = {m.payload for m in before.heard if any(name in m.topic for name in TRANSIENT)}
        broker.kill()
        broker.start()
        async with listen(broker.port) as after:
            for name in ("status", "feeling", "music", "switches", "diagnostics"):
                await after.wait_for(R + name)
            await after.wait_for("homeassistant/device/robotd_tester/config")
            await eventually(lambda: len(after.on(R + "feeling")) >= 4)
            assert not told & {m.payload for m in after.heard}
        assert robot.stop() == 0


async def test_a_wrong_password_is_told_and_the_rest_runs_on(tmp_path: Path) -> None:
    with Mosquitto(tmp_path, users={"robot": "right"}) as broker:
        chosen = settings(broker, "mqtt.username=robot", "mqtt.password=wrong")
        with RunningRobot(tmp_path, *chosen) as robot:
            await eventually(lambda: "robot" in robot.log and "ERROR" in robot.log, lambda: robot.log)
            await eventually(lambda: robot.said("feeling"))
            assert "wrong" not in robot.log.replace("wrong password", "")
            assert robot.stop() == 0


async def test_sighup_reloads_without_dropping_what_did_not_change(broker: Mosquitto, tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    base = f"robot_id: tester\ninput: scene\nmidi: {{enabled: false}}\nmqtt: {{host: {HOST}, port: {broker.port}}}\n"
    config.write_text(base)
    async with listen(broker.port) as listener:
        with RunningRobot(tmp_path, config=config) as robot:
            await listener.wait_for(R + "feeling")
            config.write_text(base + "fusion: {weights: {face: 0.0, voice: 1.0}}\nfeeling: {tick_s: 0.25}\n")
            robot.send(signal.SIGHUP)
            await eventually(lambda: "configuration reloaded" in robot.log, lambda: robot.log)
            config.write_text(base + "fusoin: {}\n")
            answer = await listener.ask(R + "command/reload")
            assert "did you mean fusion?" in answer["error"]
            await listener.wait_for(R + "feeling", count=len(listener.on(R + "feeling")) + 3)
            assert robot.stop() == 0
        await listener.wait_for(R + "status", "offline")
        assert robot.log.count("connected to the MQTT broker") == 1
        assert [m.payload for m in listener.on(R + "status")] == [b"online", b"offline"]
