"""Pieces composed for each quadrant, with or without a judge beside the composer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from robotd.emotion import MOODS, Quadrant, quadrant_at
from robotd.music.bar import Composer
from robotd.music.compose.judge import notes_of

if TYPE_CHECKING:
    from robotd.music.bar import Bar
    from robotd.music.compose.judge import Judge
    from robotd.music.compose.studio import Tally
    from robotd.perceive.features.score import Notes

#: A piece's feeling lies at most this far from the point of its quadrant, in valence and in arousal.
_APART = 0.2


class Telling(Composer, Protocol):
    """A composer that tells how it went."""

    @property
    def tally(self) -> Tally:
        """What was composed and judged so far."""
        ...


#: Makes a composer from a seed and from the judge that it may ask, if any.
Factory = Callable[[int, "Judge | None"], Telling]
#: Goes through things and shows how far it has come.
Watch = Callable[[Sequence[Any], str], Iterable[Any]]


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """What was composed for one feeling.

    Attributes:
        quadrant: index of the wanted quadrant.
        valence: -1..1, the same in all bars.
        arousal: -1..1, the same in all bars.
        bars: in the order of playing; the last is an ending.
        tally: how composing it went.
    """

    quadrant: int
    valence: float
    arousal: float
    bars: tuple[Bar, ...]
    tally: Tally

    @property
    def notes(self) -> Notes:
        """The notes as a listener hears them: all parts but the drums."""
        return notes_of(self.bars)


def points(pieces: int, seed: int) -> list[tuple[int, float, float]]:
    """Return quadrant, valence and arousal of so many pieces a quadrant, one quadrant after the other."""
    apart = np.random.default_rng(seed).uniform(-_APART, _APART, (len(Quadrant), pieces, 2))
    return [
        (number, MOODS[quadrant][0] + float(in_valence), MOODS[quadrant][1] + float(in_arousal))
        for number, quadrant in enumerate(Quadrant)
        for in_valence, in_arousal in apart[number]
    ]


def compose(
    factory: Factory, judge: Judge | None, *, pieces: int, bars: int, seed: int = 0, watch: Watch = lambda all_, _: all_
) -> list[Piece]:
    """Compose pieces for each quadrant, each by a new composer.

    The n-th piece has the same seed and the same feeling with a judge as without one.

    Args:
        factory: makes the composers.
        judge: what they may ask.
        pieces: so many a quadrant.
        bars: of each piece, the ending among them; at least 2.
        seed: of the feelings and of the composers.
        watch: shows progress.
    """
    composed = []
    for number, (index, valence, arousal) in enumerate(watch(points(pieces, seed), "composing")):
        composer = factory(seed * len(Quadrant) * pieces + number, judge)
        quadrant = tuple(Quadrant)[index]
        assert quadrant_at(valence, arousal) is quadrant
        written = [composer.bar(valence, arousal, bar, quadrant) for bar in range(bars - 1)]
        written.append(composer.ending(valence, arousal, bars - 1, quadrant))
        composed.append(Piece(index, valence, arousal, tuple(written), composer.tally))
    return composed
