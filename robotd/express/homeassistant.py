"""How Home Assistant finds the robot: MQTT discovery in its device form.

See https://www.home-assistant.io/integrations/mqtt/#device-discovery-payload.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

from robotd import __version__
from robotd.config import Config
from robotd.emotion import EMOTIONS, UNKNOWN, Quadrant
from robotd.express import topics
from robotd.feel.event import EventName

if TYPE_CHECKING:
    from collections.abc import Callable

    Name = Callable[[str], str]

#: Published on the discovery topic, it makes Home Assistant forget the robot.
REMOVAL = ""


def discovery_topic(prefix: str, robot_id: str) -> str:
    """Return the topic, retained, that Home Assistant learns the robot from."""
    return f"{prefix}/device/{_device_id(robot_id)}/config"


def discovery_payload(robot_id: str) -> dict[str, Any]:
    """Return the description of the robot and of its entities."""

    def name(topic: str) -> str:
        return topics.full_name(robot_id, topic)

    components = _feelings(name) | _events(name) | _controls(name) | _diagnostics(name)
    for key, component in components.items():
        component["unique_id"] = f"{_device_id(robot_id)}_{key}"
    return {
        "dev": {
            "ids": [_device_id(robot_id)],
            "name": f"robotd {robot_id}",
            "mdl": "robotd",
            "sw": __version__,
        },
        "o": {"name": "robotd", "sw": __version__},
        "cmps": components,
        # Degraded means that the rest works.
        "availability": [
            {
                "topic": name("status"),
                "value_template": "{{ 'offline' if value == 'offline' else 'online' }}",
            }
        ],
        "qos": 1,
    }


def _device_id(robot_id: str) -> str:
    return f"robotd_{robot_id}"


def _feelings(name: Name) -> dict[str, dict[str, Any]]:
    measured = {"p": "sensor", "state_class": "measurement"}
    plane = {**measured, "state_topic": name("feeling"), "suggested_display_precision": 2}
    return {
        "label": {
            "p": "sensor",
            "name": "Feeling",
            "icon": "mdi:emoticon-outline",
            "state_topic": name("feeling"),
            "value_template": "{{ value_json.label }}",
            "device_class": "enum",
            "options": [*(emotion.value for emotion in EMOTIONS), UNKNOWN],
        },
        "valence": {**plane, "name": "Valence", "value_template": "{{ value_json.valence }}"},
        "arousal": {**plane, "name": "Arousal", "value_template": "{{ value_json.arousal }}"},
        "quadrant": {
            "p": "sensor",
            "name": "Quadrant",
            "state_topic": name("feeling"),
            "value_template": "{{ value_json.quadrant }}",
            "device_class": "enum",
            "options": [quadrant.value for quadrant in Quadrant],
        },
        "confidence": {
            **measured,
            "name": "Confidence",
            "state_topic": name("feeling"),
            "value_template": "{{ (value_json.confidence * 100) | round(0) }}",
            "unit_of_measurement": "%",
        },
        "tempo": {
            **measured,
            "name": "Tempo",
            "icon": "mdi:metronome",
            "state_topic": name("music"),
            "value_template": "{{ value_json.tempo_bpm }}",
            "unit_of_measurement": "bpm",
        },
    }


def _events(name: Name) -> dict[str, dict[str, Any]]:
    return {
        "event": {
            "p": "event",
            "name": "Event",
            "state_topic": name("event"),
            "event_types": list(get_args(EventName)),
        }
    }


def _controls(name: Name) -> dict[str, dict[str, Any]]:
    def mute(sense: str, icon: str) -> dict[str, Any]:
        return {
            "p": "switch",
            "name": f"Mute {sense}",
            "icon": icon,
            "command_topic": name("command/mute"),
            "payload_on": f'{{"{sense}": true}}',
            "payload_off": f'{{"{sense}": false}}',
            "state_topic": name("switches"),
            "value_template": f"{{{{ 'ON' if value_json.{sense}_muted else 'OFF' }}}}",
            "state_on": "ON",
            "state_off": "OFF",
        }

    def mood(axis: str, icon: str) -> dict[str, Any]:
        return {
            "p": "number",
            "name": f"Mood {axis}",
            "icon": icon,
            "command_topic": name("command/mood"),
            "command_template": f'{{"{axis}": {{{{ value }}}}}}',
            "state_topic": name("switches"),
            # Without a mood set by hand the slider has no value.
            "value_template": f"{{{{ value_json.mood.{axis} if value_json.mood else 'None' }}}}",
            "min": -1,
            "max": 1,
            "step": 0.05,
            "mode": "slider",
        }

    return {
        "mood_valence": mood("valence", "mdi:emoticon-happy-outline"),
        "mood_arousal": mood("arousal", "mdi:lightning-bolt-outline"),
        "mood_clear": {
            "p": "button",
            "name": "Follow the feeling",
            "icon": "mdi:account-heart-outline",
            "command_topic": name("command/mood"),
            "payload_press": '{"clear": true}',
        },
        "mute_microphone": mute("microphone", "mdi:microphone-off"),
        "mute_camera": mute("camera", "mdi:camera-off"),
        "mute_music": mute("music", "mdi:volume-off"),
        "mode": {
            "p": "select",
            "name": "Mode",
            "icon": "mdi:music",
            "command_topic": name("command/mode"),
            "state_topic": name("switches"),
            "value_template": "{{ value_json.mode }}",
            "options": list(get_args(Config.model_fields["mode"].annotation)),
        },
        "panic": {
            "p": "button",
            "name": "Panic",
            "icon": "mdi:music-off",
            "command_topic": name("command/panic"),
            "payload_press": "{}",
        },
    }


def _diagnostics(name: Name) -> dict[str, dict[str, Any]]:
    diagnostic = {
        "p": "sensor",
        "state_class": "measurement",
        "entity_category": "diagnostic",
        "state_topic": name("diagnostics"),
    }
    return {
        "cpu": {
            **diagnostic,
            "name": "Processor",
            "icon": "mdi:cpu-64-bit",
            "value_template": "{{ value_json.cpu_percent }}",
            "unit_of_measurement": "%",
        },
        "rss": {
            **diagnostic,
            "name": "Memory",
            "value_template": "{{ value_json.rss_mb }}",
            "device_class": "data_size",
            "unit_of_measurement": "MB",
        },
    }
