"""Why a song is recommended, in one plain sentence."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from robotd.emotion import EMOTIONS, Quadrant, quadrant_at
from robotd.music.relevance import DIAGONAL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from robotd.music.journey import Plan, Point
    from robotd.music.relevance import Parts
    from robotd.music.selection import Pick

MOOD_WORDS = {
    Quadrant.Q1: "happy, lively",
    Quadrant.Q2: "tense, agitated",
    Quadrant.Q3: "sad, low-energy",
    Quadrant.Q4: "calm, low-energy",
}
#: So near the middle of the plane a mood is neither.
EVEN, EVEN_WORDS = 0.15, "even"
#: How far away a song may be for each way to say it.
NEARNESS = ((0.25, "close to"), (0.6, "not far from"), (math.inf, "rather far from"))
#: From so much on a likeness is worth a word.
ALIKE_LYRICS, ALIKE_KEYWORDS, LIKED = 0.8, 0.1, 0.25
#: Of two words that differ only in such an ending one is a form of the other.
ENDINGS, SHORTEST_STEM = frozenset({"", "s", "es", "y", "ing", "ed", "ly"}), 3
#: So many shared keywords are named.
NAMED = 3


def mood_words(point: Point) -> str:
    """Return a mood in words, such as `calm, low-energy`."""
    return EVEN_WORDS if math.hypot(*point) < EVEN else MOOD_WORDS[quadrant_at(*point)]


def why(
    pick: Pick,
    plan: Plan,
    parts: Parts,
    shared: Sequence[tuple[str, str, float]] = (),
    emotions: tuple[Sequence[float], Sequence[float]] | None = None,
) -> str:
    """Return the reason for a song.

    Args:
        pick: the song.
        plan: the way that it is a step of.
        parts: its likeness in numbers.
        shared: pairs of keywords: of the text, of the song, how much they count; most first.
        emotions: those of the text and those of the lyrics, if both are known.
    """
    clauses = [_feeling(pick, plan, parts)]
    if parts.lyrics is not None and parts.lyrics >= ALIKE_LYRICS and emotions is not None:
        said, sung = (EMOTIONS[int(np.argmax(shares))].value for shares in emotions)
        if said == sung:
            clauses.append(f"its lyrics are {sung} like your words")
    clauses += _keywords([pair for pair in shared if pair[2] >= ALIKE_KEYWORDS])
    if pick.tried:
        clauses.append("to learn whether you like such songs")
    elif pick.liking is not None and pick.liking >= LIKED:
        clauses.append("of a kind that you like")
    return "; ".join(clauses)


def _feeling(pick: Pick, plan: Plan, parts: Parts) -> str:
    away = (1 - parts.feeling) * DIAGONAL
    nearness = next(words for up_to, words in NEARNESS if away <= up_to)
    start, place, goal = (mood_words(point) for point in (plan.start, pick.place, plan.goal))
    if pick.place == plan.start:
        return f"{nearness} your {start} mood"
    if start == goal:
        return (
            f"{nearness} your {start} mood, a step on" if place == start else f"{nearness} {place}, a step on your way"
        )
    if place == goal:
        return f"{nearness} the {goal} mood that we are heading for"
    if place == start:
        return f"{nearness} your {start} mood, a step towards a {goal} one"
    return f"{nearness} {place}, a step from your {start} mood towards a {goal} one"


def _keywords(shared: Sequence[tuple[str, str, float]]) -> list[str]:
    same = list(dict.fromkeys(word for said, sung, _ in shared for word in _common(said, sung)))[:NAMED]
    if same:
        return [f"shares {_listed(same)} with what you said"]
    return [f"speaks of {_quoted(sung)}, like your {_quoted(said)}" for said, sung, _ in shared[:1]]


def _common(said: str, sung: str) -> list[str]:
    """Return the words of a song's keyword that a keyword of the text has, too, perhaps in another form."""
    return [word for word in sung.split() if any(_same(word.casefold(), other) for other in said.casefold().split())]


def _same(a: str, b: str) -> bool:
    short, long = sorted((a, b), key=len)
    return (long.startswith(short) and long[len(short) :] in ENDINGS and len(short) >= SHORTEST_STEM) or a == b


def _listed(words: Sequence[str]) -> str:
    *first, last = map(_quoted, words)
    return f"{', '.join(first)} and {last}" if first else last


def _quoted(word: str) -> str:
    return f"'{word}'"
