"""The blueprint for Home Assistant, as far as it can be checked without one.

See https://www.home-assistant.io/docs/blueprint/schema/ and https://www.home-assistant.io/docs/automation/yaml/.
"""

from __future__ import annotations

import re
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import yaml

from robotd.daemon.commands import FeedbackPayload
from robotd.express.payload import recommendation_payload
from robotd.express.topics import full_name
from tests.express.mpd.recommended import recommendation

BLUEPRINT = Path(__file__).parents[1] / "docs" / "homeassistant" / "play_recommendation.yaml"


class Input(str):
    """A place that the user fills in."""

    __slots__ = ()


class Loader(yaml.SafeLoader):
    """Knows Home Assistant's tag."""


def read_input(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> Input:
    return Input(loader.construct_scalar(node))


Loader.add_constructor("!input", read_input)


def read() -> dict[str, Any]:
    document = yaml.load(BLUEPRINT.read_text(encoding="utf-8"), Loader)
    assert isinstance(document, dict)
    return document


def strings(value: Any) -> list[str]:
    """All texts within."""
    if isinstance(value, dict):
        return [text for one in value.values() for text in strings(one)]
    if isinstance(value, list):
        return [text for one in value for text in strings(one)]
    return [value] if isinstance(value, str) else []


def test_has_the_shape_of_an_automation_blueprint() -> None:
    document = read()
    about = document.pop("blueprint")
    assert set(about) <= {"name", "description", "domain", "author", "homeassistant", "input", "source_url"}
    assert about["domain"] == "automation"
    assert re.fullmatch(r"\d+\.\d+\.\d+", about["homeassistant"]["min_version"])
    for one in about["input"].values():
        assert set(one) <= {"name", "description", "default", "selector"}
        assert len(one["selector"]) == 1
    assert set(document) == {"mode", "max", "trigger_variables", "triggers", "variables", "conditions", "actions"}


def test_every_input_is_declared_and_used() -> None:
    document = read()
    declared = set(document.pop("blueprint")["input"])
    assert {str(text) for text in strings(document) if isinstance(text, Input)} == declared


def test_listens_and_answers_where_robotd_speaks_and_listens() -> None:
    said = BLUEPRINT.read_text(encoding="utf-8")
    assert "'robotd/' ~ robot ~ '/recommendation'" in said
    assert full_name("tin", "recommendation") == "robotd/tin/recommendation"
    assert "robotd/{{ robot_id }}/command/feedback" in said
    assert full_name("tin", "command/feedback") == "robotd/tin/command/feedback"


def test_speaks_of_what_recommendations_hold(tmp_path: Path) -> None:
    payload = recommendation_payload(recommendation("r", tmp_path / "a.flac"), datetime.now(timezone.utc))
    said = " ".join(strings(read()))
    assert set(re.findall(r"recommendation\.(\w+)", said)) <= set(payload)
    assert set(re.findall(r"(?:song|repeat\.item|tracks\[[^]]+\])\.(\w+)", said)) <= set(payload["tracks"][0])


def test_variables_are_what_home_assistant_can_hand_on() -> None:
    """A template's result is text that is read back: what has no such text, as a whole state, stays text."""
    for text in strings(read()):
        for said in re.findall(r"{{(.*?)}}", text, re.DOTALL):
            assert not re.search(r"(?:from_state|to_state|attributes)\s*(?:\||$)", said.strip()), said
        assert not re.search(r"\w\.(?:items|keys|values|get|copy)\b(?!\()", text), "a method of dict, not a key"


def test_asks_for_the_home_assistant_that_has_its_actions() -> None:
    """`search` and `get_queue` came to the Music Assistant integration with 2025.1."""
    said = BLUEPRINT.read_text(encoding="utf-8")
    actions = set(re.findall(r"action: (music_assistant\.\w+)", said))
    assert actions == {f"music_assistant.{name}" for name in ("search", "get_queue", "play_media")}
    assert read()["blueprint"]["homeassistant"]["min_version"] >= "2025.1.0"


def test_its_feedback_is_understood() -> None:
    said = BLUEPRINT.read_text(encoding="utf-8")
    keys = set(re.findall(r"'(id|song_id|kind|value)':", said))
    assert keys == {"id", "song_id", "kind", "value"}
    assert keys <= set(FeedbackPayload.model_fields)
    for kind in re.findall(r"'kind': '(\w+)'", said):
        FeedbackPayload.model_validate({"id": "r", "song_id": 1, "kind": kind, "value": 1})
