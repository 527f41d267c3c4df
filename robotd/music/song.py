"""A song, and all that is known of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Facts:
    """What can be known of a song; texts are empty and the rest is None where unknown.

    Attributes:
        title: its name.
        artist: who made it.
        uri: where a player finds it; unique in a library.
        valence: -1 (unpleasant) to 1 (pleasant).
        arousal: -1 (quiet) to 1 (excited).
        album: where it came out.
        year: when.
        genre: in the words of its tags.
        language: of its words, ISO 639.
        explicit: whether its words are unfit for children.
        duration_s: how long it is.
        tempo_bpm: beats a minute.
        key: such as `C major`.
        moods: 8 ratings of what it expresses, 1..9, in the order of `table.MOODS`.
        mid_level: 7 perceptual features, 1..9, in the order of `table.MID_LEVEL`.
        gems: 9 shares of listeners that feel what `table.GEMS` names, 0..1.
        lyrics_emotions: shares of the eight emotions in its words, in the order of `EMOTIONS`.
        keywords: of its words or tags, each with its significance, 0..1.
    """

    title: str
    artist: str = ""
    uri: str
    valence: float
    arousal: float
    album: str = ""
    year: int | None = None
    genre: str = ""
    language: str = ""
    explicit: bool | None = None
    duration_s: float | None = None
    tempo_bpm: float | None = None
    key: str = ""
    moods: tuple[float, ...] | None = None
    mid_level: tuple[float, ...] | None = None
    gems: tuple[float, ...] | None = None
    lyrics_emotions: tuple[float, ...] | None = None
    keywords: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Entry(Facts):
    """A song that is to be put into a library.

    Attributes:
        curve: [seconds, 2] float32, valence and arousal of each second, -1..1.
    """

    curve: NDArray[np.float32] | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Song(Facts):
    """A song of a library.

    Attributes:
        id: its number there.
        source: where the entry comes from: `album`, `scan`, or the name of the imported file.
        missing: its file was not there at the last scan, so it is not recommended.
    """

    id: int
    source: str
    missing: bool = False
