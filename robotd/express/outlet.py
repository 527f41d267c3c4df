"""Everything that the robot says, said once and carried to MQTT and to `--json`."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from robotd.express.payload import event_payload, feeling_payload, recommendation_payload
from robotd.express.topics import topic_named

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from robotd.emotion import Feeling
    from robotd.express.jsonlines import JsonLines
    from robotd.express.midi.performer import Playing
    from robotd.express.mqtt import MqttLink
    from robotd.feel.event import Event
    from robotd.music.recommend import Recommendation

#: Topics that only concern the broker's clients, not a reader of `--json`.
_BROKER_ONLY = {"diagnostics", "switches", "status", "midi/out"}


class Outlet:
    """Says things to whoever listens.

    Args:
        link: gives the MQTT link of this moment, None where there is none.
        lines: the stream of `--json`, if asked for.
    """

    def __init__(self, link: Callable[[], MqttLink | None], lines: JsonLines | None) -> None:
        self._link = link
        self._lines = lines
        self.said: Counter[str] = Counter()

    def feeling(self, feeling: Feeling) -> None:
        """Tell how the person feels."""
        self._say("feeling", feeling_payload(feeling, _now()))

    def event(self, event: Event) -> None:
        """Tell what happened."""
        self._say("event", event_payload(event.name, _now(), {"time_s": round(event.time_s, 3), **event.detail}))

    def recommendation(self, recommendation: Recommendation) -> None:
        """Tell which songs would do."""
        self._say("recommendation", recommendation_payload(recommendation, _now()))

    def music(self, playing: Playing | None) -> None:
        """Tell what is being played; None: nothing."""
        fields: dict[str, Any] = dict.fromkeys(("quadrant", "tempo_bpm", "key", "bar", "judged"))
        self._say("music", {"playing": playing is not None, **fields, **(asdict(playing) if playing else {})})

    def midi(self, payload: Mapping[str, Any]) -> None:
        """Tell MIDI messages ahead of their time (see `robotd.express.midi.remote`)."""
        self._say("midi/out", payload)

    def state(self, topic: str, payload: Mapping[str, Any]) -> None:
        """Tell a state of the robot itself: `diagnostics`, `switches`."""
        self._say(topic, payload)

    def _say(self, topic: str, payload: Mapping[str, Any]) -> None:
        self.said[topic] += 1
        if self._lines is not None and topic not in _BROKER_ONLY:
            self._lines.write(topic, payload)
        link = self._link()
        if link is None:
            return
        if topic_named(topic).retained:
            link.publish_retained(topic, payload)
        else:
            link.publish(topic, payload)


def _now() -> datetime:
    return datetime.now(timezone.utc)
