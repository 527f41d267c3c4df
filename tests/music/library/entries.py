"""Songs for the tests."""

from __future__ import annotations

from typing import Any

from robotd.music.song import Entry


def entry(title: str = "One", uri: str = "x:1", **facts: Any) -> Entry:
    """Return a song that is in the middle of everything, but for what is said of it."""
    known: dict[str, Any] = {"artist": "A", "valence": 0.0, "arousal": 0.0}
    return Entry(title=title, uri=uri, **known | facts)
