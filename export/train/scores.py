"""Music as sequences that nets learn from and are measured on: windows of pieces, computed as they are needed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from robotd.music.compose.stepnet import Condition

from ..recipe import Examples
from ..sequence import PADDING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from ..data.grids import Grid
    from ..recipe import Batch

#: Where the labels of the quadrants Q1..Q4 lie in the plane of valence and arousal: in the middle of the half of
#: it that most feelings are in.
_VALENCE, _AROUSAL = (0.6, -0.6, -0.6, 0.6), (0.5, 0.5, -0.5, -0.5)
#: So many of the first test's sequences are there to compare files by.
_COMPARED = 16
#: So many pieces tell how often each event comes.
_COUNTED = 200


class Piece(Protocol):
    """A piece of music as a row of events, and what a net is told before each of them."""

    @property
    def group(self) -> int:
        """Which song it is from: intervals are drawn by songs."""
        ...

    def __len__(self) -> int:
        """How many events it has."""
        ...

    def window(self, start: int, stop: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Return [stop - start, features] and the events [stop - start] that come."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Sequences:
    """Pieces to train on, and others to test with.

    Attributes:
        pieces: each is gone through once an epoch.
        tests: sequences of pieces that are not trained on.
        length: events of a window at most.
        batch: windows of a batch.
        beside: further pieces, of which each epoch gets some windows, drawn anew.
        share: how many these are, as a share of the windows of `pieces`.
        base: what the recipe's base is trained on.
    """

    pieces: Sequence[Piece]
    tests: Mapping[str, Examples]
    length: int
    batch: int
    beside: Sequence[Piece] = ()
    share: float = 0.0
    base: Sequences | None = None

    @property
    def calibration(self) -> NDArray[np.float32]:
        """Some of the first test's sequences, to compare the shipped file with its net."""
        inputs: NDArray[np.float32] = next(iter(self.tests.values())).inputs[:_COMPARED]
        return inputs

    @property
    def steps(self) -> int:
        """How many batches an epoch has."""
        own = sum(map(self._windows, self.pieces))
        return math.ceil((own + self._beside(own)) / self.batch)

    def batches(self, rng: np.random.Generator) -> Iterator[Batch]:
        """Go once through the pieces, cut into windows at other places each time, in a new order."""
        cuts = [cut for piece in self.pieces for cut in self._cut(piece, rng)]
        beside = [cut for piece in self.beside for cut in self._cut(piece, rng)]
        drawn = rng.permutation(len(beside))[: self._beside(len(cuts))]
        cuts += [beside[n] for n in drawn]
        order = rng.permutation(len(cuts))
        for first in range(0, len(order), self.batch):
            chosen = [cuts[n] for n in order[first : first + self.batch]]
            yield _padded([piece.window(start, stop) for piece, start, stop in chosen])

    def shares(self, classes: int) -> NDArray[np.float64]:
        """Return how often each event comes, as shares, in some of the pieces."""
        some = self.pieces[:: max(1, len(self.pieces) // _COUNTED)]
        events = np.concatenate([piece.window(0, len(piece))[1] for piece in some])
        return np.bincount(events, minlength=classes) / len(events)

    def _windows(self, piece: Piece) -> int:
        return math.ceil(len(piece) / self.length)

    def _beside(self, own: int) -> int:
        return min(round(self.share * own), sum(map(self._windows, self.beside)))

    def _cut(self, piece: Piece, rng: np.random.Generator) -> Iterator[tuple[Piece, int, int]]:
        """Cut a piece into as few windows as it takes, the first and the last of them shorter by chance."""
        spare = self._windows(piece) * self.length - len(piece)
        start = -int(rng.integers(0, spare + 1)) if len(piece) > self.length else 0
        for place in range(start, len(piece), self.length):
            if place + self.length > 0:
                yield piece, max(place, 0), min(place + self.length, len(piece))


def examples(pieces: Sequence[Piece], most: int = 1 << 20) -> Examples:
    """Return whole pieces to test with, each cut at so many events and padded to the longest."""
    inputs, truth = _padded([piece.window(0, min(len(piece), most)) for piece in pieces])
    return Examples(inputs, truth, np.array([piece.group for piece in pieces], np.int64))


def _padded(windows: Sequence[tuple[NDArray[np.float32], NDArray[np.int64]]]) -> Batch:
    longest = max(len(events) for _, events in windows)
    inputs = np.zeros((len(windows), longest, windows[0][0].shape[1]), np.float32)
    targets = np.full((len(windows), longest), PADDING, np.int64)
    for n, (features, events) in enumerate(windows):
        inputs[n, : len(events)] = features
        targets[n, : len(events)] = events
    return inputs, targets


def condition_of(grid: Grid) -> Condition:
    """Return the feeling and the mode of a piece."""
    if grid.quadrant is None:
        return Condition(known=False, minor=grid.minor)
    return Condition(_VALENCE[grid.quadrant], _AROUSAL[grid.quadrant], minor=grid.minor)
