"""Songs for a feeling: the nearest ones in valence and arousal that were not recommended lately."""

from __future__ import annotations

import math
import uuid
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from robotd.config import Recommend
from robotd.emotion import Quadrant, quadrant_at
from robotd.errors import LibraryError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from robotd.music.library import Library, Song

#: The distance between two opposite corners of the plane.
DIAGONAL = 2 * math.sqrt(2)
#: How many songs that were recommended last rest by default, and how many are remembered at most.
RESTING, REMEMBERED = 30, 1000
#: For another artist a list goes at most so much farther away than the nearest song.
DETOUR = 0.2

MOODS = {
    Quadrant.Q1: "happy, lively",
    Quadrant.Q2: "tense, agitated",
    Quadrant.Q3: "sad, low-energy",
    Quadrant.Q4: "calm, low-energy",
}
#: How far away a song may be for each way to say it; beyond the last it is just the nearest there is.
NEARNESS = ((0.25, "close to"), (0.6, "not far from"))


@dataclass(frozen=True, slots=True)
class Point:
    """A place in the plane of feelings, both in -1..1."""

    valence: float
    arousal: float


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
        score: 1 (exactly the wanted feeling) .. 0 (the opposite corner of the plane).
        why: one sentence for the listener.
    """

    song_id: int
    title: str
    artist: str
    uri: str
    valence: float
    arousal: float
    score: float
    why: str


@dataclass(frozen=True, slots=True)
class Recommendation:
    """Songs to play one after the other.

    Attributes:
        id: unique; feedback names it.
        ttl_s: how long a player may take it up.
        start: the feeling that it meets.
        goal: the feeling that it leads to.
        tracks: best first; empty if the library is.
    """

    id: str
    ttl_s: float
    start: Point
    goal: Point
    tracks: tuple[Track, ...]

    def payload(self) -> dict[str, Any]:
        """Return it as published: `id`, `ttl_s`, `from`, `to`, `tracks`."""
        return {
            "id": self.id,
            "ttl_s": self.ttl_s,
            "from": {"valence": round(self.start.valence, 3), "arousal": round(self.start.arousal, 3)},
            "to": {"valence": round(self.goal.valence, 3), "arousal": round(self.goal.arousal, 3)},
            "tracks": [
                {
                    "song_id": track.song_id,
                    "title": track.title,
                    "artist": track.artist,
                    "uri": track.uri,
                    "valence": round(track.valence, 3),
                    "arousal": round(track.arousal, 3),
                    "score": round(track.score, 3),
                    "why": track.why,
                }
                for track in self.tracks
            ],
        }


class Recommender:
    """Recommends songs of a library; for one thread at a time.

    Args:
        library: read again only when it has changed.
        config: how many tracks, and for how long a recommendation stands.
    """

    def __init__(self, library: Library, config: Recommend | None = None) -> None:
        self._library = library
        self._config = config or Recommend()
        self._recent: deque[int] = deque(maxlen=REMEMBERED)
        self._version: tuple[int, int] | None = None
        self._songs: tuple[Song, ...] = ()
        self._points: NDArray[np.float64] = np.empty((0, 2))

    def configure(self, config: Recommend) -> None:
        """Take new settings."""
        self._config = config

    def recommend(
        self, valence: float, arousal: float, count: int | None = None, exclude_recent: int = RESTING
    ) -> Recommendation:
        """Return the songs that are nearest to a feeling.

        The `exclude_recent` songs that were recommended last rest, but never so many that fewer than `count`
        are left. No artist comes twice in a row as long as another one is not much farther away.

        Args:
            valence: of the listener, -1..1.
            arousal: likewise.
            count: how many tracks; None: as configured.
            exclude_recent: how many songs rest.

        Raises:
            LibraryError: the library has no songs, or can't be read.
        """
        self._refresh()
        if not self._songs:
            raise LibraryError("the library has no songs: import some with `robotd library import FILE.csv`")
        count = min(self._config.tracks if count is None else count, len(self._songs))
        here = Point(valence, arousal)
        distances = np.hypot(self._points[:, 0] - valence, self._points[:, 1] - arousal)
        order = np.argsort(distances, kind="stable")
        resting = self._resting(min(exclude_recent, len(self._songs) - count))
        waiting = [int(i) for i in order if self._songs[i].id not in resting]
        chosen: list[int] = []
        while len(chosen) < count:
            place = self._next(waiting, distances, chosen[-1] if chosen else None)
            chosen.append(waiting.pop(place))
        self._recent.extend(self._songs[i].id for i in chosen)
        tracks = tuple(_track(self._songs[i], float(distances[i]), here) for i in chosen)
        return Recommendation(uuid.uuid4().hex, self._config.ttl_s, here, here, tracks)

    def _refresh(self) -> None:
        version = self._library.version
        if version == self._version:
            return
        self._songs = self._library.songs()
        self._points = np.array([(song.valence, song.arousal) for song in self._songs]).reshape(-1, 2)
        self._version = version

    def _resting(self, most: int) -> set[int]:
        """Return the ids of the songs that were recommended last, at most so many."""
        latest = dict.fromkeys(reversed(self._recent))
        return set(list(latest)[: max(most, 0)])

    def _next(self, waiting: list[int], distances: NDArray[np.float64], before: int | None) -> int:
        """Return the place in the queue of the next song, the nearest one by another artist if that is near."""
        if before is None:
            return 0
        limit = distances[waiting[0]] + DETOUR
        for place, i in enumerate(waiting):
            if distances[i] > limit:
                break
            if self._songs[i].artist != self._songs[before].artist:
                return place
        return 0


def _track(song: Song, distance: float, here: Point) -> Track:
    score = max(1 - distance / DIAGONAL, 0.0)
    nearness = next((words for up_to, words in NEARNESS if distance <= up_to), "the nearest we have to")
    why = (
        f"{nearness} your {MOODS[quadrant_at(here.valence, here.arousal)]} mood "
        f"(valence {here.valence:+.1f}, arousal {here.arousal:+.1f}; {distance:.2f} away)"
    )
    return Track(song.id, song.title, song.artist, song.uri, song.valence, song.arousal, score, why)
