"""Reads the mood of symbolic music from the features of its notes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from robotd.emotion import Quadrant
from robotd.errors import ModelError
from robotd.perceive.features import score, symbolic
from robotd.perceive.features.score import read_notes, windows
from robotd.perceive.runtime import Model

if TYPE_CHECKING:
    from pathlib import Path

    from robotd.config import Runtime
    from robotd.perceive.features.score import Notes
    from robotd.perceive.manifest import Manifest

_LABELS = tuple(quadrant.value for quadrant in Quadrant)
#: The names of the features and how they are computed, by the shape of a model's input.
_FEATURES = {
    (1, len(score.NAMES)): (score.NAMES, score.score_features),
    (1, len(symbolic.NAMES)): (symbolic.NAMES, symbolic.note_features),
}


@dataclass(frozen=True, slots=True)
class ScoreReading:
    """What a piece is taken for.

    Attributes:
        probabilities: of the quadrants Q1..Q4; they sum to 1.
        features: the model's inputs by name, mean over the windows of the piece.
    """

    probabilities: tuple[float, float, float, float]
    features: dict[str, float]

    @property
    def label(self) -> Quadrant:
        """The likeliest quadrant."""
        return tuple(Quadrant)[int(np.argmax(self.probabilities))]

    @property
    def valence(self) -> float:
        """Pleasant (1) to unpleasant (-1): P(Q1) + P(Q4) - P(Q2) - P(Q3)."""
        happy, tense, sad, calm = self.probabilities
        return happy + calm - tense - sad

    @property
    def arousal(self) -> float:
        """Excited (1) to quiet (-1): P(Q1) + P(Q2) - P(Q3) - P(Q4)."""
        happy, tense, sad, calm = self.probabilities
        return happy + tense - sad - calm


class ScoreReader:
    """A score model of the manifest.

    Raises:
        ModelError: the model can't be used, names other classes than Q1..Q4, or takes other features.
    """

    def __init__(self, model: str, manifest: Manifest, runtime: Runtime) -> None:
        self._model = Model(model, "score", manifest, runtime)
        entry = self._model.entry
        if entry.labels != _LABELS:
            raise ModelError(f"{model}: a score model must have the labels {', '.join(_LABELS)}")
        if entry.input.shape not in _FEATURES:
            raise ModelError(f"{model}: a score model takes {' or '.join(str(list(shape)) for shape in _FEATURES)}")
        self._names, self._features = _FEATURES[entry.input.shape]

    @property
    def model(self) -> str:
        """The model's name."""
        return self._model.name

    def read(self, path: Path) -> ScoreReading:
        """Return the reading of a MIDI file: the mean over its windows of at most 120 s.

        Raises:
            MediaError: it can't be read as MIDI or has no notes.
            ModelError: the model gave nonsense.
        """
        return self.hear(read_notes(path))

    def hear(self, notes: Notes) -> ScoreReading:
        """Return the reading of notes, at least one: the mean over windows of at most 120 s.

        Raises:
            ModelError: the model gave nonsense.
        """
        features = np.array([self._features(window) for window in windows(notes)])
        shares = np.mean([self._model.probabilities(one[None]) for one in features], axis=0)
        happy, tense, sad, calm = (float(share) for share in shares)
        means = {name: float(value) for name, value in zip(self._names, features.mean(axis=0), strict=True)}
        return ScoreReading((happy, tense, sad, calm), means)
