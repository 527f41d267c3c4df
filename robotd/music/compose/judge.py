"""The judge: a model of symbolic music that hears what was composed before anybody else does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from robotd.emotion import Quadrant
from robotd.perceive.features.score import Notes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from robotd.music.bar import Bar
    from robotd.perceive.score import ScoreReader

_QUADRANTS = tuple(Quadrant)
#: Notes of a piano; drums have no pitch that a mood could be heard from.
_UNHEARD = "drums"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was heard in some bars.

    Attributes:
        probabilities: of the quadrants Q1..Q4; they sum to 1.
    """

    probabilities: tuple[float, ...]

    @property
    def quadrant(self) -> Quadrant:
        """The likeliest quadrant."""
        return _QUADRANTS[int(np.argmax(self.probabilities))]

    @property
    def by_name(self) -> dict[str, float]:
        """The probabilities by the names of the quadrants."""
        return {quadrant.value: share for quadrant, share in zip(_QUADRANTS, self.probabilities, strict=True)}

    def probability(self, quadrant: Quadrant) -> float:
        """Return how likely a quadrant is, 0..1."""
        return self.probabilities[_QUADRANTS.index(quadrant)]


class Judge:
    """Hears bars with a score model (S0's check of what was generated).

    Args:
        reader: the model.
    """

    def __init__(self, reader: ScoreReader) -> None:
        self._reader = reader

    @property
    def model(self) -> str:
        """The name of the model."""
        return self._reader.model

    def hear(self, bars: Sequence[Bar]) -> Verdict | None:
        """Return what is heard in bars played one after the other; None if they have no pitched note.

        Raises:
            ModelError: the model gave nonsense.
        """
        notes = notes_of(bars)
        return Verdict(self._reader.hear(notes).probabilities) if len(notes) else None


def notes_of(bars: Sequence[Bar]) -> Notes:
    """Return the pitched notes of bars as they are played, each bar at its own tempo, in seconds from the first."""
    rows: list[tuple[float, float, int, int]] = []
    bar_s = 0.0
    for bar in bars:
        beat_s = 60.0 / bar.tempo_bpm
        rows += [
            (bar_s + note.start_beats * beat_s, note.duration_beats * beat_s, note.pitch, note.velocity)
            for note in bar.notes
            if note.part != _UNHEARD
        ]
        bar_s += bar.beats * beat_s
    columns = np.array(sorted(rows), np.float64).reshape(-1, 4).T
    return Notes(columns[0], columns[1], columns[2].astype(np.int64), columns[3].astype(np.int64))
