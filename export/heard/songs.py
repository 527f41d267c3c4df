"""EMOPIA's songs in two halves: one for the judge that helps to compose, one for listeners that don't."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from robotd.perceive.features.symbolic import NAMES, note_features

from ..data.emopia import QUADRANTS, read_emopia
from ..train.judge import Scores, scores

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from ..data.emopia import Clip


def read_songs(data: Path, cache: Path) -> Scores:
    """Read the features of all clips of EMOPIA that are at hand, or what an earlier call wrote of them.

    Args:
        data: the folder of the data sets.
        cache: a file .npz, read if it has features of the same names, else written; delete it where one is computed
            in another way than before.

    Raises:
        FileNotFoundError: EMOPIA is not there, or incomplete.
    """
    if cache.is_file():
        with np.load(cache) as kept:
            if kept["names"].tolist() == list(NAMES):
                return Scores(kept["features"], kept["labels"], kept["songs"], {})
    songs = songs_of([*read_emopia(data, "train"), *read_emopia(data, "val")])
    cache.parent.mkdir(parents=True, exist_ok=True)
    part = cache.with_suffix(".part.npz")
    np.savez(part, names=np.array(NAMES), features=songs.features, labels=songs.labels, songs=songs.songs)
    part.replace(cache)
    return songs


def songs_of(clips: Sequence[Clip]) -> Scores:
    """Compute all features of clips, each as it is and in changed versions."""
    return replace(scores(clips, note_features), tests={})


def first_half(songs: Scores, seed: int) -> NDArray[np.bool_]:
    """Deal songs into two halves and return [clips] which clips lie in the first.

    The songs of each quadrant (of most of a song's clips) are shuffled and dealt in turn, so that both halves have
    as many, but for one. All clips of a song are on the same side.
    """
    rng = np.random.default_rng(seed)
    count = int(songs.songs.max()) + 1
    votes = np.zeros((count, len(QUADRANTS)), np.int64)
    np.add.at(votes, (songs.songs, songs.labels), 1)
    first = np.zeros(count, np.bool_)
    turn = 0
    for quadrant in range(len(QUADRANTS)):
        dealt = rng.permutation(np.flatnonzero(votes.argmax(axis=1) == quadrant))
        first[dealt[turn::2]] = True
        # Where a quadrant has an odd number, the next one begins with the other side.
        turn = (turn + len(dealt)) % 2
    return first[songs.songs]


def part(songs: Scores, chosen: NDArray[np.bool_]) -> Scores:
    """Return some of the clips to learn from; all others are the test `others`."""
    numbers = np.unique(songs.songs[chosen], return_inverse=True)[1].astype(np.int64)
    return Scores(songs.features[chosen], songs.labels[chosen], numbers, {"others": songs.examples(~chosen)})
