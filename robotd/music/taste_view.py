"""A learnt taste in words and numbers for people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from robotd.music.table import FEATURES
from robotd.music.taste import CONTEXT, CROSSED, SONG_FEATURES, genre_numbers, joint_features

if TYPE_CHECKING:
    from collections.abc import Sequence

    from robotd.music.taste import Taste
    from robotd.music.taste_book import Opinion

#: What `analysed` says of songs is about our files, not about a taste.
_SOUNDS = tuple(name for name in SONG_FEATURES if name in FEATURES[:-1] or name == "year")


@dataclass(frozen=True, slots=True)
class Effect:
    """What one thing adds to the reward that is expected of a song.

    Attributes:
        of: `sound`, `genre`, or `moment`: a sound in a moment.
        name: the thing.
        reward: how much it adds for a song (and a moment) that has one deviation more of it than usual, or is of the
            genre; rewards are -1..1.
    """

    of: str
    name: str
    reward: float


def effects(taste: Taste, genres: Sequence[str] = ()) -> list[Effect]:
    """Return what a taste is made of, the strongest first.

    Args:
        taste: the taste.
        genres: names to tell the liking of.
    """
    songs = np.eye(len(SONG_FEATURES), dtype=np.float32)
    usual = np.zeros(len(CONTEXT), np.float32)
    nothing = taste.coefficients[0]
    found = [
        Effect("sound", name, float(reward - nothing))
        for name, reward in zip(SONG_FEATURES, joint_features(usual, songs) @ taste.coefficients, strict=True)
        if name in _SOUNDS
    ]
    for genre in genres:
        song = np.zeros((1, len(SONG_FEATURES)), np.float32)
        song[0, -len(genre_numbers(genre)) :] = genre_numbers(genre)
        found.append(Effect("genre", genre, float((joint_features(usual, song) @ taste.coefficients)[0] - nothing)))
    for number, moment in enumerate(CONTEXT):
        context = np.zeros(len(CONTEXT), np.float32)
        context[number] = 1
        crossed = (joint_features(context, songs) - joint_features(usual, songs)) @ taste.coefficients
        found += [Effect("moment", f"{SONG_FEATURES[i]} when {moment} is high", float(crossed[i])) for i in CROSSED]
    return sorted(found, key=lambda effect: -abs(effect.reward))


def opinion_payload(opinion: Opinion) -> dict[str, Any]:
    """Return an opinion as it is exported."""
    return {
        "time": opinion.time,
        "listener": opinion.listener,
        "recommendation_id": opinion.recommendation_id or None,
        "song_id": opinion.song_id,
        "kind": opinion.kind,
        "reward": round(opinion.reward, 4),
        "context": _named(CONTEXT, opinion.context.tolist()),
        "song": _named(SONG_FEATURES, opinion.song.tolist()),
    }


def _named(names: Sequence[str], numbers: Sequence[float]) -> dict[str, float] | list[float]:
    """Return numbers by name, or as they are where an earlier release had others."""
    if len(names) != len(numbers):
        return [round(number, 4) for number in numbers]
    return {name: round(number, 4) for name, number in zip(names, numbers, strict=True)}
