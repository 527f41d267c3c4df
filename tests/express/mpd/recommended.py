"""Recommendations without a library."""

from __future__ import annotations

from typing import TYPE_CHECKING

from robotd.music.journey import Plan, Point
from robotd.music.recommendation import Recommendation, Track
from robotd.music.relevance import Parts

if TYPE_CHECKING:
    from pathlib import Path

HERE = Point(0.5, 0.5)


def track(song_id: int, uri: str, artist: str = "", title: str = "song") -> Track:
    return Track(
        song_id=song_id,
        title=title,
        artist=artist,
        uri=uri,
        valence=HERE.valence,
        arousal=HERE.arousal,
        score=1.0,
        parts=Parts(feeling=1.0),
        liking=None,
        why="close to your mood",
        expected=HERE,
    )


def recommendation(name: str, *tracks: Track | Path, ttl_s: float = 60.0) -> Recommendation:
    """Recommend tracks; files are numbered from 1."""
    songs = tuple(
        one if isinstance(one, Track) else track(number, one.as_uri()) for number, one in enumerate(tracks, 1)
    )
    plan = Plan(HERE, HERE, (HERE,) * len(songs), 0.4)
    return Recommendation(id=name, ttl_s=ttl_s, plan=plan, listener="default", tracks=songs)
