from __future__ import annotations

from typing import Any

import pytest

from robotd.config import Config
from robotd.daemon.answer import Answer
from robotd.daemon.commands import (
    Action,
    CommandTable,
    Data,
    FeedbackPayload,
    ModePayload,
    MoodPayload,
    MutePayload,
    NoPayload,
)
from robotd.daemon.robot import Robot
from robotd.daemon.switches import Switches
from robotd.errors import CommandError
from robotd.express.topics import COMMANDS


async def echo(payload: Any) -> Data:
    return dict(payload.model_dump(exclude_defaults=True))


TABLE = CommandTable(
    {
        "mode": Action(ModePayload, echo, bare="mode"),
        "mute": Action(MutePayload, echo),
        "mood": Action(MoodPayload, echo, bare="quadrant"),
        "feedback": Action(FeedbackPayload, echo),
        "panic": Action(NoPayload, echo),
    }
)


@pytest.mark.parametrize(
    ("name", "payload", "data"),
    [
        ("mode", "off", {"mode": "off"}),
        ("mode", {"mode": "both"}, {"mode": "both"}),
        ("mute", {"microphone": True}, {"microphone": True}),
        ("mood", "Q4", {"quadrant": "Q4"}),
        ("mood", {"valence": 0.5, "arousal": -1}, {"valence": 0.5, "arousal": -1.0}),
        ("mood", {"clear": True}, {"clear": True}),
        ("feedback", {"song_id": 3, "kind": "like"}, {"song_id": 3, "kind": "like"}),
        ("feedback", {"song_id": 3, "kind": "rating", "value": 4}, {"song_id": 3, "kind": "rating", "value": 4.0}),
        ("panic", "", {}),
        ("panic", {}, {}),
    ],
)
async def test_commands_take_objects_and_bare_text(name: str, payload: Any, data: dict[str, Any]) -> None:
    assert await TABLE.run(name, payload) == data


@pytest.mark.parametrize(
    ("name", "payload", "said"),
    [
        ("dance", "", "there are: mode, mute, mood, feedback, panic"),
        ("mode", "loud", "mode: "),
        ("mode", "", "mode: mode: Field required"),
        ("mute", {}, "say what to mute"),
        ("mute", "microphone", "takes a JSON object"),
        ("mute", {"microfone": True}, "microfone"),
        ("mood", {"valence": 2, "arousal": 0}, "valence"),
        ("mood", {"quadrant": "Q1", "clear": True}, "give a quadrant"),
        ("feedback", {"song_id": True, "kind": "like"}, "feedback: song_id: Input should be a valid integer"),
        ("feedback", {"song_id": "3", "kind": "like"}, "feedback: song_id: Input should be a valid integer"),
        (
            "feedback",
            {"song_id": 3, "kind": "rating", "value": True},
            "feedback: value: Input should be a valid number",
        ),
        ("feedback", {"song_id": 3, "kind": "rating", "value": "3"}, "feedback: value: Input should be a valid number"),
        ("panic", "now", "takes a JSON object"),
    ],
)
async def test_wrong_commands_say_what_is_wrong(name: str, payload: Any, said: str) -> None:
    with pytest.raises(CommandError, match=said):
        await TABLE.run(name, payload)


def test_every_command_of_the_table_of_topics_can_be_carried_out() -> None:
    robot = Robot(Config(), Switches(), Answer(Config(), None, "both"), Config)
    assert set(robot.commands.names) == set(COMMANDS)
