"""Songs for what is felt and said, over a real broker, and what is learnt from thumbs."""

from __future__ import annotations

import json
from pathlib import Path

from tests.daemon.robots import RunningRobot
from tests.daemon.test_text import R, settings
from tests.servers.mqtt import Mosquitto, eventually, listen


async def test_a_journey_is_published_and_thumbs_are_learnt_from(broker: Mosquitto, tmp_path: Path) -> None:
    quick = ("recommend.min_interval_s=1", "recommend.tracks=4", "recommend.target=calm")
    async with listen(broker.port) as listener:
        with RunningRobot(tmp_path, *settings(broker, *quick)) as robot:
            first = (await listener.wait_for(R + "recommendation")).json
            assert len(first["tracks"]) == len(first["steps"]) == 4
            assert first["from"] != first["to"]
            assert all(track["why"] for track in first["tracks"])

            # New words bring new songs.
            said = await listener.ask(R + "command/text", json.dumps({"text": "i miss home, it rains"}))
            assert {"home"} <= {keyword["word"] for keyword in said["data"]["keywords"]}
            again = (await listener.wait_for(R + "recommendation", count=2)).json
            assert again["id"] != first["id"]

            for track in again["tracks"]:
                thumb = {"id": again["id"], "song_id": track["song_id"], "kind": "like"}
                answer = await listener.ask(R + "command/feedback", json.dumps(thumb))
                assert answer["data"]["reward"] > 0
                assert answer["data"]["counted"] == "new"
            twice = await listener.ask(R + "command/feedback", json.dumps(thumb))
            assert twice["data"]["counted"] != "new"
            unknown = await listener.ask(R + "command/feedback", json.dumps(thumb | {"id": "nobody"}))
            assert "nobody" in unknown["error"]
            assert robot.stop() == 0


def damage(library: Path) -> None:
    """Put nonsense in the place of a library that is open."""
    for path in list(library.parent.glob(f"{library.name}*")):
        path.rename(path.with_name(f"away-{path.name}"))
    library.write_bytes(b"nonsense" * 1000)


async def test_a_library_damaged_under_way_is_told_until_another_is_there(broker: Mosquitto, tmp_path: Path) -> None:
    library = tmp_path / "library.sqlite3"
    quick = ("recommend.min_interval_s=0.5", "recommend.refresh_s=0.5")
    async with listen(broker.port) as listener:
        with RunningRobot(tmp_path, *settings(broker, *quick)) as robot:
            await listener.wait_for(R + "recommendation")
            damage(library)
            await listener.wait_for(R + "status", "degraded")
            diagnostics = listener.on(R + "diagnostics")[-1].json
            assert diagnostics["trouble"] == ["song library damaged"]

            library.unlink()
            told = len(listener.on(R + "recommendation"))
            await listener.wait_for(R + "recommendation", count=told + 2)
            await eventually(lambda: listener.on(R + "status")[-1].payload == b"online")
            assert robot.stop() == 0
        assert robot.log.count("nothing to recommend") == 1
        assert robot.log.count("songs are recommended again") == 1
