"""What is asked of a recommender and what it answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from robotd.config import Limits, Target
    from robotd.music.journey import Plan, Point
    from robotd.music.opinion import Counted
    from robotd.music.relevance import Parts


@dataclass(frozen=True, slots=True)
class Wish:
    """What songs are wanted for.

    Attributes:
        valence: of the person, -1..1.
        arousal: likewise.
        emotions: probabilities of the 8 emotions of what was said, in the order of `EMOTIONS`; None: nothing.
        keywords: of what was said, with their significance, 0..1.
        target: where to lead the mood; None: as configured. `stay`: songs for the mood as it is.
        steps: how many songs; None: as configured.
        limits: which songs are allowed; None: as configured.
        listener: whose taste counts; None: as configured.
        hour: time of day where the listener is, 0..24; None: not known.
    """

    valence: float
    arousal: float
    emotions: Sequence[float] | None = None
    keywords: Sequence[tuple[str, float]] = ()
    target: Target | None = None
    steps: int | None = None
    limits: Limits | None = None
    listener: str | None = None
    hour: float | None = None


@dataclass(frozen=True, slots=True)
class Track:
    """A recommended song.

    Attributes:
        song_id: its number in the library.
        title: its name.
        artist: who made it; may be empty.
        uri: where a player finds it.
        valence: -1..1.
        arousal: -1..1.
        score: 1 (all that is wanted) .. 0.
        parts: its relevance in numbers.
        liking: how much the listener is expected to like it, -1..1; None: nothing is known of the listener.
        why: one sentence for the listener.
        expected: the mood that is to be expected after it.
    """

    song_id: int
    title: str
    artist: str
    uri: str
    valence: float
    arousal: float
    score: float
    parts: Parts
    liking: float | None
    why: str
    expected: Point

    def payload(self) -> dict[str, Any]:
        """Return it as published."""
        parts = {"feeling": self.parts.feeling, "lyrics": self.parts.lyrics, "keywords": self.parts.keywords}
        return {
            "song_id": self.song_id,
            "title": self.title,
            "artist": self.artist,
            "uri": self.uri,
            "valence": round(self.valence, 3),
            "arousal": round(self.arousal, 3),
            "score": round(self.score, 3),
            "parts": {name: _rounded(value) for name, value in (parts | {"liking": self.liking}).items()},
            "why": self.why,
            "expected": _told(self.expected),
        }


@dataclass(frozen=True, slots=True)
class Recommendation:
    """Songs to play one after the other.

    Attributes:
        id: unique; feedback names it.
        ttl_s: how long a player may take it up.
        plan: the way that they lead.
        listener: for whom.
        tracks: one for each step, in order; fewer if the library has fewer.
    """

    id: str
    ttl_s: float
    plan: Plan
    listener: str
    tracks: tuple[Track, ...]

    def payload(self) -> dict[str, Any]:
        """Return it as published."""
        return {
            "id": self.id,
            "ttl_s": self.ttl_s,
            "listener": self.listener,
            "from": _told(self.plan.start),
            "to": _told(self.plan.goal),
            "steps": [_told(place) for place in self.plan.steps],
            "replanned": self.plan.replanned,
            "tracks": [track.payload() for track in self.tracks],
        }


@dataclass(frozen=True, slots=True)
class Noted:
    """How feedback was taken.

    Attributes:
        song_id: the song.
        listener: whose it is.
        reward: what it says, -1..1.
        counted: `new`, `replaced`: in the place of an earlier one; `kept`: the earlier one stands.
    """

    song_id: int
    listener: str
    reward: float
    counted: Counted


def _told(point: Point) -> dict[str, float]:
    return {"valence": round(point.valence, 3), "arousal": round(point.arousal, 3)}


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
