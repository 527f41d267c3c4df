"""What sounds at each moment of symbolic music: the common ground of the features of harmony and melody."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from robotd.perceive.features.score import OCTAVE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from robotd.perceive.features.score import Notes

#: Every so many seconds is a moment: it holds what sounds, or ended not longer ago than a listener recalls.
HOP_S, _RECALL_S = 0.25, 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Moments:
    """The moments in which something sounds or is recalled, four a second.

    Attributes:
        time_s: [n] when each is.
        loudness: [n, 12] sum of the velocities of each pitch class.
        bass: [n] MIDI note number of the lowest note.
        top: [n] of the highest.
    """

    time_s: NDArray[np.float64]
    loudness: NDArray[np.float64]
    bass: NDArray[np.int64]
    top: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.time_s)

    def before(self, time_s: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return the index of the last moment at or before each time, or of the first."""
        return np.maximum(np.searchsorted(self.time_s, time_s, "right") - 1, 0)


def moments_of(notes: Notes) -> Moments:
    """Return the moments of at least one note."""
    end_s = notes.onset_s + notes.length_s
    time_s = np.arange(notes.onset_s[0], end_s.max(), HOP_S)
    sounding = (notes.onset_s <= time_s[:, None]) & (end_s > time_s[:, None] - _RECALL_S)
    some = sounding.any(axis=1)
    sounding = sounding[some]
    loudness = sounding @ (np.eye(OCTAVE)[notes.pitch % OCTAVE] * notes.velocity[:, None])
    bass = np.where(sounding, notes.pitch, np.iinfo(np.int64).max).min(axis=1)
    top = np.where(sounding, notes.pitch, -1).max(axis=1)
    return Moments(time_s[some], loudness, bass, top)


def shares(index: NDArray[Any], length: int) -> NDArray[np.float64]:
    """Return [length] which share of the numbers (0 to `length` - 1) is each; zeros of none."""
    return np.bincount(index, minlength=length) / max(1, len(index))
