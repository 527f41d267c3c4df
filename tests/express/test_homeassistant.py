"""Discovery, checked against the rules that Home Assistant checks."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from robotd.emotion import EMOTIONS
from robotd.express.homeassistant import REMOVAL, discovery_payload, discovery_topic
from robotd.express.topics import COMMANDS, TOPICS, full_name, topic_named

COMPONENTS = discovery_payload("tin")["cmps"]


@given(st.from_regex(r"^[A-Za-z0-9_-]{1,64}$", fullmatch=True))
def test_topic_of_any_robot(robot_id: str) -> None:
    # TOPIC_MATCHER of Home Assistant's discovery.
    assert re.fullmatch(r"ha/device/[a-zA-Z0-9_-]+/config", discovery_topic("ha", robot_id))


def test_device_form() -> None:
    payload = discovery_payload("tin")
    assert payload["dev"]["ids"] == ["robotd_tin"]
    assert payload["o"]["name"] == "robotd"
    assert "~" not in payload
    assert REMOVAL == ""
    assert json.loads(json.dumps(payload)) == payload


def test_unique_ids_are_stable_and_differ_between_robots() -> None:
    ids = [component["unique_id"] for component in COMPONENTS.values()]
    assert len(set(ids)) == len(ids)
    assert COMPONENTS["label"]["unique_id"] == "robotd_tin_label"
    assert not set(ids) & {component["unique_id"] for component in discovery_payload("zinc")["cmps"].values()}


@pytest.mark.parametrize("key", COMPONENTS)
def test_every_component_is_one_that_home_assistant_takes(key: str) -> None:
    component = COMPONENTS[key]
    assert component["p"] in {"sensor", "event", "switch", "select", "button", "number"}
    assert component["name"]
    if component.get("device_class") == "enum":
        assert component["options"]
        assert "state_class" not in component
        assert "unit_of_measurement" not in component
    if component["p"] == "button":
        assert "state_topic" not in component


@pytest.mark.parametrize("key", COMPONENTS)
def test_every_topic_is_in_the_table(key: str) -> None:
    component = COMPONENTS[key]
    prefix = full_name("tin", "")
    if "state_topic" in component:
        topic = topic_named(component["state_topic"].removeprefix(prefix))
        # A state must be there when Home Assistant comes; an event must not.
        assert topic.retained == (component["p"] != "event")
    if "command_topic" in component:
        assert component["command_topic"].removeprefix(f"{prefix}command/") in COMMANDS


def test_the_options() -> None:
    assert COMPONENTS["label"]["options"] == [*(emotion.value for emotion in EMOTIONS), "unknown"]
    assert COMPONENTS["mode"]["options"] == ["off", "recommend", "compose", "both"]
    assert COMPONENTS["event"]["event_types"] == ["feeling_changed", "utterance", "face_seen", "face_lost"]


def test_the_sliders_send_one_axis_of_the_mood_each() -> None:
    for axis in ("valence", "arousal"):
        slider = COMPONENTS[f"mood_{axis}"]
        # Home Assistant fills the template with Jinja, which here only means to put the number in.
        assert json.loads(slider["command_template"].replace("{{ value }}", "0.25")) == {axis: 0.25}
        assert (slider["min"], slider["max"]) == (-1, 1)
    assert json.loads(COMPONENTS["mood_clear"]["payload_press"]) == {"clear": True}


def test_the_switches_send_json() -> None:
    def sent(key: str) -> list[Any]:
        return [json.loads(COMPONENTS[key][payload]) for payload in ("payload_on", "payload_off")]

    assert sent("mute_microphone") == [{"microphone": True}, {"microphone": False}]
    assert sent("mute_camera") == [{"camera": True}, {"camera": False}]


def test_the_table_of_topics() -> None:
    assert len({topic.name for topic in TOPICS}) == len(TOPICS)
    assert {topic.name for topic in TOPICS if topic.retained} == {
        "status",
        "feeling",
        "music",
        "switches",
        "diagnostics",
    }
    assert topic_named("response/mode").name == "response/<name>"
    with pytest.raises(ValueError, match="there is no topic 'gossip'"):
        topic_named("gossip")
