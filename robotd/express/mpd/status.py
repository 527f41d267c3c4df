"""What MPD says of itself at a moment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from typing_extensions import Self


@dataclass(frozen=True, slots=True)
class Status:
    """What plays, and where in it.

    Attributes:
        state: `play`, `pause` or `stop`.
        song: the id of the current song in MPD's queue. Stopped by somebody, MPD keeps it; None where the queue
            ran out or nothing was ever played.
        place: its place in the queue.
        at_s: how far it has come.
        duration_s: how long it is; None of a stream without an end.
        crossfade_s: so much earlier a song makes way for the next one.
        error: what went wrong last; it stands until something else plays.
    """

    state: str
    song: int | None = None
    place: int | None = None
    at_s: float = 0.0
    duration_s: float | None = None
    crossfade_s: float = 0.0
    error: str | None = None

    @property
    def playing(self) -> bool:
        """Whether something sounds."""
        return self.state == "play"

    @property
    def ran_out(self) -> bool:
        """Whether nothing plays because there was nothing more to play, and not because somebody stopped it."""
        return self.state == "stop" and self.song is None

    @classmethod
    def read(cls, answer: Mapping[str, str]) -> Self:
        """Read MPD's answer to the command `status`."""
        song, place, duration = answer.get("songid"), answer.get("song"), answer.get("duration")
        return cls(
            state=answer["state"],
            song=None if song is None else int(song),
            place=None if place is None else int(place),
            at_s=float(answer.get("elapsed", 0)),
            duration_s=float(duration) or None if duration else None,
            crossfade_s=float(answer.get("xfade", 0)),
            error=answer.get("error"),
        )
