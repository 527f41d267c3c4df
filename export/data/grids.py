"""Pieces on a grid of sixteenths in C major or A minor, which the composer's networks learn from.

Three sources: POP909 with the beats that its makers give, EMOPIA and VGMIDI with beats found by `beats.py`. Each piece
is cut where its metre or its key changes, so that a `Grid` has one of each.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from rich.progress import track

from robotd.music.compose.grid import STEPS_PER_BAR, STEPS_PER_BEAT, STRETCH_BARS
from robotd.perceive.features.score import OCTAVE, Notes, key_fits

from .beats import find_beats
from .emopia import read_emopia
from .pop909 import read_pop909
from .vgmidi import read_vgmidi

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

Source = Literal["pop909", "emopia", "vgmidi"]
Split = Literal["train", "val"]

#: The keys of a piano.
LOWEST, HIGHEST = 21, 108
#: One song of this many is for validation, where the set has no split of its own.
_VAL_EVERY, _VAL_REST = 20, 7
_MAJOR_SCALE = (0, 2, 4, 5, 7, 9, 11)
_C, _A = 0, 9
#: A key's own scale holds about this share of the notes of pop music; the rest is borrowed.
_IN_SCALE = 0.95
#: How unlikely a change of key at a bar line is, in nats: some fifteen notes have to speak for it.
_CHANGE_NATS = 40.0
#: A longer note says no more about the key than one of this length, in steps.
_LONGEST_VOTE = 8
#: A melody found in a performance lies above this pitch (the G below middle C), and below a higher line by less than
#: this many semitones, if at all.
_MELODY_LOWEST = 55
_MELODY_FALL = 12
#: Of a piece that is not given with its beats, at most this mean distance of the onsets from their steps, in steps.
#: Onsets anywhere would be at 0.25.
WORST_FIT = 0.17


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """A piece, or the part of one between two changes of metre or key.

    Attributes:
        song: what it is a part of; parts of a song never lie on both sides of a split.
        start: [n] the step at which each note begins, rising (then by pitch).
        end: [n] the step at which it has ended, above `start`.
        pitch: [n] MIDI note numbers 21..108, transposed to C major or A minor.
        velocity: [n] 1..127.
        melody: [n] whether it belongs to the melody, of which one note sounds at a time.
        steps: the length, a multiple of 16; step 0 is a bar line.
        minor: whether it is in A minor.
        tempo_bpm: its mean tempo.
        quadrant: index of its mood in Q1..Q4, or None where nobody has labelled it.
        source: the set that it is from.
        split: which side of the split its song is on.
    """

    song: str
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    pitch: NDArray[np.int64]
    velocity: NDArray[np.int64]
    melody: NDArray[np.bool_]
    steps: int
    minor: bool
    tempo_bpm: float
    quadrant: int | None
    source: Source
    split: Split

    @property
    def bars(self) -> int:
        """Its length in bars."""
        return self.steps // STEPS_PER_BAR


@dataclass(frozen=True, slots=True, eq=False)
class _Steps:
    """Notes in steps of a grid: columns start, end, pitch, velocity, melody."""

    rows: NDArray[np.int64]


_START, _END, _PITCH, _VELOCITY, _MELODY = range(5)


def read_grids(data: Path, cache: Path | None = None) -> list[Grid]:
    """Read all three sources, or what was read before.

    Args:
        data: the folder of the data sets.
        cache: a .npz file; read if it is there, else written.

    Raises:
        FileNotFoundError: a set is not there, or incomplete.
    """
    if cache is not None and cache.is_file():
        return load_grids(cache)
    grids = [*read_pop909_grids(data), *read_emopia_grids(data, "train"), *read_emopia_grids(data, "val")]
    grids += read_vgmidi_grids(data)
    if cache is not None:
        save_grids(cache, grids)
    return grids


def read_pop909_grids(data: Path) -> list[Grid]:
    """Read POP909's songs in 4/4, about one in twenty of them for validation.

    Raises:
        FileNotFoundError: it is not there, or incomplete.
    """
    grids: list[Grid] = []
    for song in track(read_pop909(data), "POP909 to grids", total=909, transient=True):
        if not song.is_common_time:
            continue
        parts = [
            _on_steps(notes, song.beats_s, _monophonic if part == 0 else None) for part, notes in enumerate(song.parts)
        ]
        split: Split = "val" if int(song.name) % _VAL_EVERY == _VAL_REST else "train"
        whole = Grid(**_columns(np.concatenate(parts)), song=f"pop909/{song.name}", steps=0, minor=False,
                     tempo_bpm=0.0, quadrant=None, source="pop909", split=split)  # fmt: skip
        grids += _in_one_metre_and_key(whole, song.beats_s, np.flatnonzero(song.bar_begins))
    return grids
