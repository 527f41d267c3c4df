"""From what MPD plays to how our songs were received: heard to the end, or skipped."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from robotd.express.mpd.status import Status

log = logging.getLogger(__name__)

#: A song that is left so little before its end was heard to its end: what a player says of the length of a file is
#: not exact, and we look from outside.
END_S, END_SHARE = 2.0, 0.03
#: A song that is left so early was not heard: nobody skips as fast as MPD skips what it can't play.
FAILED_S = 0.5


@dataclass(frozen=True, slots=True)
class Queued:
    """A song of ours in MPD's queue.

    Attributes:
        song_id: its number in our library.
        recommendation_id: what brought it.
        file: its uri at MPD.
        duration_s: how long it is, if known before it plays.
    """

    song_id: int
    recommendation_id: str
    file: str
    duration_s: float | None = None


@dataclass(frozen=True, slots=True)
class Reaction:
    """What a listener did with a song.

    Attributes:
        song_id: its number in the library.
        recommendation_id: what brought it.
        kind: `played`: to its end; `skip`: another song was wanted.
        value: of `played` the share that was heard, 0..1, less than 1 where somebody jumped ahead; of `skip` the
            second at which it came.
    """

    song_id: int
    recommendation_id: str
    kind: Literal["played", "skip"]
    value: float


@dataclass(slots=True)
class _Hearing:
    """The current song, as of `seen_s`."""

    song: int
    playing: bool
    at_s: float
    seen_s: float
    heard_s: float = 0.0


class Listening:
    """Follows MPD by its states, one after the other, and says of each song of ours once how it was received.

    Songs are known by MPD's ids, which never change while it runs. Other people's songs are no concern of ours.
    """

    def __init__(self) -> None:
        self._ours: dict[int, Queued] = {}
        self._over: dict[int, Queued] = {}
        self._current: _Hearing | None = None
        self._last: Status | None = None

    def add(self, mpd_id: int, queued: Queued) -> None:
        """Count a song as ours from now on."""
        self._ours[mpd_id] = queued

    def cut(self, mpd_id: int) -> None:
        """Take note that we ourselves end a song: that says nothing of the listener."""
        if (song := self._ours.pop(mpd_id, None)) is not None:
            self._over[mpd_id] = song

    @property
    def playing(self) -> Queued | None:
        """The song of ours that was playing, or paused, at the last look."""
        return self._ours.get(self._current.song) if self._current else None

    @property
    def removable(self) -> tuple[int, ...]:
        """The songs that we put into the queue and that are over or have not begun, by MPD's ids."""
        current = self._current.song if self._current else None
        return tuple(sorted(mpd_id for mpd_id in self._ours.keys() | self._over if mpd_id != current))

    def removed(self, mpd_id: int) -> None:
        """Forget a song that was taken out of the queue."""
        self._ours.pop(mpd_id, None)
        self._over.pop(mpd_id, None)

    def resume(self, files: Mapping[int, str], status: Status) -> None:
        """Go on after a time in which nothing was seen.

        A song of ours that is still in the queue stays ours. One that played before and does no more may have
        ended in any way: nothing is said of it.

        Args:
            files: MPD's queue, the uri of each id.
            status: as it is now.
        """
        # After a restart of MPD an id may be another song's.
        self._ours = {mpd_id: song for mpd_id, song in self._ours.items() if files.get(mpd_id) == song.file}
        self._over = {mpd_id: song for mpd_id, song in self._over.items() if files.get(mpd_id) == song.file}
        if self._current is not None and (status.song != self._current.song or status.song not in self._ours):
            self._ours.pop(self._current.song, None)
            self._current = None

    def look(self, status: Status, now_s: float) -> Reaction | None:
        """Take a state of MPD and return what it says of the song before, if that was ours and is over.

        Args:
            status: as it is now.
            now_s: a monotonic time.
        """
        before, last = self._current, self._last
        self._last = status
        over = before is not None and (status.song != before.song or status.state == "stop")
        reaction = self._judge(before, last, status, now_s) if over and before and last else None
        if status.song is None or status.state == "stop":
            self._current = None
        elif before is None or over:
            self._current = _Hearing(status.song, status.playing, status.at_s, now_s)
        else:
            forward_s = min(max(status.at_s - before.at_s, 0.0), now_s - before.seen_s)
            heard_s = before.heard_s + forward_s
            self._current = _Hearing(before.song, status.playing, status.at_s, now_s, heard_s)
        return reaction

    def _judge(self, before: _Hearing, last: Status, now: Status, now_s: float) -> Reaction | None:
        song = self._ours.pop(before.song, None)
        if song is None:
            return None
        self._over[before.song] = song
        duration_s = last.duration_s or song.duration_s
        if duration_s is None:
            return None  # a stream: its end and its skip look alike
        since_s = now_s - before.seen_s if before.playing else 0.0
        at_s = min(before.at_s + since_s, duration_s)
        left_s = max(duration_s - at_s - last.crossfade_s, 0.0)
        unheard_s = max(duration_s - before.heard_s - since_s - last.crossfade_s, 0.0)
        near_s = max(END_S, END_SHARE * duration_s)
        if before.playing and left_s <= near_s:
            share = 1.0 if unheard_s <= near_s else max(1 - unheard_s / duration_s, 0.0)
            return Reaction(song.song_id, song.recommendation_id, "played", round(share, 3))
        if now.error and now.error != last.error:
            log.warning("MPD could not play %s: %s", song.file, now.error)
            return None
        stopped = now.state == "stop" and not now.ran_out
        if stopped or at_s < FAILED_S:
            return None  # who stops the music may just leave
        return Reaction(song.song_id, song.recommendation_id, "skip", round(at_s, 1))
