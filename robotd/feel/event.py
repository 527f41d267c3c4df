"""Things that happen once: told at once or never, and never again."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

EventName = Literal["feeling_changed", "utterance", "face_seen", "face_lost"]


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened.

    Attributes:
        name: what.
        time_s: when, in seconds since the input began.
        detail: numbers and labels that belong to it.
    """

    name: EventName
    time_s: float
    detail: Mapping[str, Any] = field(default_factory=dict)
