"""The measurement as a whole: train, compose, listen."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from robotd.emotion import Quadrant
from robotd.perceive.features.score import windows
from robotd.perceive.features.symbolic import note_features

from .listeners import JUDGE, composing_judge, judge_listener, listeners
from .pieces import compose
from .songs import first_half, part

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from robotd.music.compose.judge import Judge

    from ..train.judge import Scores
    from .listeners import Listener
    from .pieces import Factory, Piece, Watch

QUADRANTS = tuple(quadrant.value for quadrant in Quadrant)
#: Which quadrants share the sign of valence (of arousal).
_PLEASANT, _EXCITED = np.array([1, 0, 0, 1], np.bool_), np.array([1, 1, 0, 0], np.bool_)
#: Of the normal distribution, for intervals of 95 %.
_Z = 1.96


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """What somebody heard in some pieces or clips.

    Attributes:
        wanted: [n] indices of the quadrants that they were composed for (or that people heard).
        named: [n] of the quadrants that were heard.
    """

    wanted: NDArray[np.int64]
    named: NDArray[np.int64]

    def of(self, quadrant: int) -> Answers:
        """Return those about one wanted quadrant."""
        chosen = self.wanted == quadrant
        return Answers(self.wanted[chosen], self.named[chosen])

    @property
    def right(self) -> int:
        """How many were heard as wanted."""
        return int((self.wanted == self.named).sum())

    @property
    def share(self) -> float:
        """Share that was heard as wanted."""
        return self.right / len(self.wanted)

    @property
    def confusion(self) -> NDArray[np.int64]:
        """[4, 4] how many of each wanted quadrant (rows) were heard as each (columns)."""
        counts = np.zeros((len(QUADRANTS), len(QUADRANTS)), np.int64)
        np.add.at(counts, (self.wanted, self.named), 1)
        return counts

    def sign(self, axis: Literal["valence", "arousal"]) -> float:
        """Return the share whose valence (or arousal) was heard on the wanted side."""
        side = _PLEASANT if axis == "valence" else _EXCITED
        return float((side[self.wanted] == side[self.named]).mean())


@dataclass(frozen=True, slots=True, eq=False)
class Setting:
    """Pieces that were composed in one way, and what was heard in them.

    Attributes:
        name: `judging off` or `judging on`.
        pieces: all of them.
        features: [n, features] of the pieces, mean over windows of at most 120 s.
        answers: by listener; `judge` is the one that composing may ask.
    """

    name: str
    pieces: Sequence[Piece]
    features: NDArray[np.float32]
    answers: Mapping[str, Answers]

    def of(self, quadrant: int) -> list[Piece]:
        """Return the pieces for one quadrant."""
        return [piece for piece in self.pieces if piece.quadrant == quadrant]


@dataclass(frozen=True, slots=True, eq=False)
class Heard:
    """All that was measured.

    Attributes:
        listeners: who was asked; the last is the composing judge.
        real: by listener, what it names real clips of songs that it has not learnt from.
        settings: without judging first.
        songs: EMOPIA's clips.
        first: [clips] which lie in the half that the composing judge learnt from.
        bars: of each piece.
    """

    listeners: Sequence[Listener]
    real: Mapping[str, Answers]
    settings: Sequence[Setting]
    songs: Scores
    first: NDArray[np.bool_]
    bars: int


def wilson(right: int, count: int) -> tuple[float, float]:
    """Return the 95 % interval of a share (Wilson 1927, JASA 22; it holds near 0 and 1 too)."""
    share, extra = right / count, _Z**2 / count
    centre = share + extra / 2
    spread = _Z * math.sqrt(share * (1 - share) / count + extra / (4 * count))
    return (centre - spread) / (1 + extra), (centre + spread) / (1 + extra)


def measure(
    songs: Scores,
    factory: Factory,
    checkpoints: Path,
    watch: Watch = lambda all_, _: all_,
    *,
    pieces: int,
    bars: int,
    judging: bool = True,
    seed: int = 0,
    dealing: int = 0,
) -> Heard:
    """Train a judge and listeners on a half of the songs each, have pieces composed, and ask what is heard in them.

    Args:
        songs: EMOPIA's clips.
        factory: makes a composer from a seed and the judge that it may ask.
        checkpoints: folder for the trainings' states; one that is finished is not done again.
        watch: shows progress.
        pieces: so many a quadrant.
        bars: of each piece.
        judging: compose with a judge as well as without.
        seed: of the feelings and of the composers.
        dealing: which of the ways to deal songs into halves.
    """
    first = first_half(songs, dealing)
    checkpoints = checkpoints / f"heard_{dealing}"
    checkpoints.mkdir(exist_ok=True)
    mine, others = part(songs, first), part(songs, ~first)
    asked = (*listeners(others, checkpoints), judge_listener(mine, checkpoints))
    real = {
        one.name: Answers(unseen.truth, one.shares(unseen.inputs).argmax(axis=1))
        for one in asked
        for unseen in [(mine if one.name == JUDGE else others).tests["others"]]
    }
    ways: list[tuple[str, Judge | None]] = [("judging off", None)]
    if judging:
        ways.append(("judging on", composing_judge(mine, checkpoints)))
    settings = []
    for name, judge in ways:
        composed = compose(factory, judge, pieces=pieces, bars=bars, seed=seed, watch=watch)
        settings.append(listen(name, composed, asked, watch))
    return Heard(asked, real, settings, songs, first, bars)


def listen(name: str, pieces: Sequence[Piece], asked: Sequence[Listener], watch: Watch) -> Setting:
    """Ask listeners what they hear in pieces: of a long one the mean over windows of at most 120 s."""
    heard = [
        np.array([note_features(window) for window in windows(piece.notes)]) for piece in watch(pieces, "listening")
    ]
    wanted = np.array([piece.quadrant for piece in pieces])
    answers = {
        one.name: Answers(wanted, np.array([one.shares(each).mean(axis=0).argmax() for each in heard])) for one in asked
    }
    return Setting(name, pieces, np.array([each.mean(axis=0) for each in heard]), answers)
