"""All features of symbolic music together: the input of the model `judge_notes`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from robotd.perceive.features import chords, dynamics, harmony, melody, rhythm, score, tonality
from robotd.perceive.features.moments import moments_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from robotd.perceive.features.score import Notes

NAMES = (
    *score.NAMES,
    *harmony.NAMES,
    *tonality.NAMES,
    *chords.NAMES,
    *melody.NAMES,
    *rhythm.NAMES,
    *dynamics.NAMES,
)


def note_features(notes: Notes) -> NDArray[np.float32]:
    """Return the features of at least one note, in the order of `NAMES`."""
    moments = moments_of(notes)
    parts = (
        score.score_features(notes),
        harmony.harmony_features(notes, moments),
        tonality.tonality_features(notes, moments),
        chords.chord_features(moments),
        melody.melody_features(notes, moments),
        rhythm.rhythm_features(notes),
        dynamics.dynamics_features(notes),
    )
    return np.concatenate(parts)
