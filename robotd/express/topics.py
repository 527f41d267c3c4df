"""Every MQTT topic and command in one table; all else looks up here.

A robot's topics live below `robotd/<robot_id>/`. Everything is sent with QoS 1.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic.

    Attributes:
        name: below the robot's prefix; `<name>` stands for the name of a command.
        retained: whether the broker keeps the newest message for those who come later. What is not
            retained is never sent again, neither after a reconnect.
        description: what it carries.
    """

    name: str
    retained: bool
    description: str


TOPICS: tuple[Topic, ...] = (
    Topic("status", True, "`online`, `degraded` (something is missing, the rest works) or `offline` (also the will)"),
    Topic("feeling", True, "the one estimate of how the person feels, and what the face, the voice and the words say"),
    Topic("music", True, "what is being played: quadrant, tempo, key, bar and how it was judged"),
    Topic("switches", True, "what is muted, and the mode"),
    Topic("diagnostics", True, "rates, latencies, drops, reconnects, processor time, memory, models"),
    Topic("event", False, "what just happened: `feeling_changed`, `utterance`, `face_seen`, `face_lost`"),
    Topic("recommendation", False, "songs that suit the feeling, and why"),
    Topic(
        "midi/out", False, "with `midi.over_mqtt`: MIDI messages with the times at which they are due, ahead of them"
    ),
    Topic("command/<name>", False, "what others ask of the robot: a JSON object or bare text"),
    Topic("response/<name>", False, "the answer to every command, errors too; `transaction` is echoed"),
)

#: The commands and what they do.
COMMANDS: dict[str, str] = {
    "mode": "`off`, `recommend`, `compose` or `both`",
    "mute": "closes or opens `microphone` and `camera`, silences `music`; each true or false",
    "text": "what a person said, in English",
    "feedback": "how a recommended song was received",
    "mood": "a feeling set by hand, which takes the place of what is felt until `clear`",
    "panic": "silences every note",
    "reload": "reads the configuration again",
}

_BY_FIRST_LEVEL = {topic.name.partition("/")[0]: topic for topic in TOPICS}


def topic_named(name: str) -> Topic:
    """Return the table's entry for a name such as `event` or `response/mode`.

    Raises:
        ValueError: there is no such topic.
    """
    try:
        return _BY_FIRST_LEVEL[name.partition("/")[0]]
    except KeyError:
        raise ValueError(f"there is no topic {name!r}") from None


def full_name(robot_id: str, name: str) -> str:
    """Return the whole name of a robot's topic."""
    return f"robotd/{robot_id}/{name}"
