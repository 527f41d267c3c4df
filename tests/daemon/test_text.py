"""What a person says in words: by command, from a voice assistant, from speech to text."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from robotd.config import Config
from robotd.daemon.mind import Mind
from robotd.emotion import EMOTIONS, Emotion, Feeling
from robotd.errors import CommandError
from robotd.sense.sample import Tick
from tests.daemon.robots import RunningRobot
from tests.servers.mqtt import HOST, Mosquitto, eventually, listen

R = "robotd/tester/"
SECRET = "My dog died and I cry all the time"


def settings(broker: Mosquitto, *more: str) -> tuple[str, ...]:
    return (
        "robot_id=tester",
        "input=scene",
        "midi.enabled=false",
        f"mqtt.host={HOST}",
        f"mqtt.port={broker.port}",
        *more,
    )


def written(folder: Path) -> bytes:
    """Return all that a robot left in a folder: its log, its state."""
    files = [path for path in folder.rglob("*") if path.is_file() and "broker" not in path.parts]
    assert folder / "robot.log" in files
    return b"".join(path.read_bytes() for path in files)


async def feeling_at(mind: Mind, time_s: float) -> Feeling:
    (feeling,) = [outcome async for outcome in mind.take(Tick(time_s))]
    assert isinstance(feeling, Feeling)
    return feeling


async def test_words_alone_make_a_feeling_that_ages() -> None:
    async with Mind(Config()) as mind:
        assert not (await feeling_at(mind, 5.0)).known
        (feeling,) = await mind.read_text(SECRET, "mia")
        assert isinstance(feeling, Feeling)
        assert (feeling.label, feeling.time_s, set(feeling.readings)) == ("sad", 5.0, {"words"})
        said = mind.said
        assert said is not None
        assert (said.time_s, said.listener) == (5.0, "mia")
        assert said.emotions[EMOTIONS.index(Emotion.SAD)] > 0.5
        assert "died" in " ".join(keyword.word for keyword in said.keywords)
        assert SECRET not in repr(said)
        assert not (await feeling_at(mind, 60.0)).known
        mind.forget_senses()
        assert mind.said is None


async def test_without_a_weight_words_are_read_and_do_not_count() -> None:
    config = Config.model_validate({"fusion": {"weights": {"words": 0}}})
    async with Mind(config) as mind:
        (feeling,) = await mind.read_text(SECRET)
        assert isinstance(feeling, Feeling)
        assert not feeling.known
        assert mind.said is not None


@pytest.mark.parametrize("text", ["мне грустно", "--", "%"])
async def test_what_cannot_be_read_is_told_without_quoting_it(text: str) -> None:
    async with Mind(Config()) as mind:
        with pytest.raises(CommandError, match=r"no words in it that can be read \(English is wanted\)$"):
            await mind.read_text(text)
        assert mind.said is None


async def test_without_a_model_texts_are_refused_and_the_senses_go_on() -> None:
    async with Mind(Config.model_validate({"words": {"model": "wards"}})) as mind:
        assert list(mind.refused) == ["words"]
        with pytest.raises(CommandError, match="there is no model for them"):
            await mind.read_text("I am glad")
        assert "face" in mind.models


async def test_a_command_with_a_text_moves_the_feeling_and_is_answered(broker: Mosquitto, tmp_path: Path) -> None:
    async with listen(broker.port) as listener:
        with RunningRobot(tmp_path, *settings(broker)) as robot:
            await listener.wait_for(R + "feeling")
            said = json.dumps({"text": SECRET, "listener": "mia", "transaction": 1})
            answer = await listener.ask(R + "command/text", said)
            assert (answer["status"], answer["data"]["label"], answer["transaction"]) == ("ok", "sad", 1)
            assert any("died" in keyword["word"] for keyword in answer["data"]["keywords"])
            await eventually(lambda: (listener.on(R + "feeling")[-1].json["words"] or {}).get("label") == "sad")

            bare = await listener.ask(R + "command/text", "What a wonderful party!")
            assert bare["data"]["label"] == "happy"
            for wrong in ('{"text": ""}', "{}", '{"text": 7}', "", json.dumps({"text": "x" * 30_000}), "мне грустно"):
                refused = await listener.ask(R + "command/text", wrong)
                assert refused["status"] == "error", wrong
            assert "мне" not in refused["error"]
            assert robot.stop() == 0
        commands = [message for message in listener.heard if "/command/" not in message.topic]
        assert not any(SECRET.encode() in message.payload for message in commands)
    assert SECRET.encode() not in written(tmp_path)


async def test_a_voice_assistant_may_hand_over_what_it_understood(broker: Mosquitto, tmp_path: Path) -> None:
    def captured(**fields: Any) -> str:
        return json.dumps({"text": SECRET, "siteId": "kitchen"} | fields)

    heard = settings(broker, "asr.hermes=true", "asr.site=kitchen")
    async with listen(broker.port) as listener:
        await listener.say("hermes/asr/textCaptured", captured(text="I am so happy"), retain=True)
        with RunningRobot(tmp_path, *heard) as robot:
            await listener.wait_for(R + "feeling")
            await listener.say("hermes/asr/textCaptured", "nonsense")
            await listener.say("hermes/asr/textCaptured", captured(siteId="bedroom", text="What a wonderful party!"))
            await listener.say("hermes/asr/textCaptured", captured())
            await eventually(lambda: any(message.json["words"] for message in listener.on(R + "feeling")))
            labels = [message.json["words"]["label"] for message in listener.on(R + "feeling") if message.json["words"]]
            assert set(labels) == {"sad"}
            assert robot.stop() == 0


async def test_speech_to_text_hears_the_scene(broker: Mosquitto, tmp_path: Path) -> None:
    pytest.importorskip("wyoming", reason="wyoming is not installed (pip install robotd[asr])")
    pytest.importorskip("pocketsphinx", reason="pocketsphinx is not installed (pip install robotd[asr])")
    from tests.servers.wyoming import WyomingProcess

    with WyomingProcess() as server:
        asr = ("asr.kind=wyoming", f"asr.uri={server.uri}", "speech.interim_s=8")
        async with listen(broker.port) as listener:
            with RunningRobot(tmp_path, *settings(broker, *asr)) as robot:
                await listener.wait_for(R + "status", "online")
                await eventually(
                    lambda: any(message.json["words"] for message in listener.on(R + "feeling")), within_s=40
                )
                await eventually(lambda: listener.on(R + "diagnostics")[-1].json["text"]["texts"] > 0)
                server.stop()
                await eventually(lambda: "can't be reached" in robot.log, within_s=40)
                assert robot.stop() == 0
