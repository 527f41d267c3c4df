"""Reads the emotion of an utterance from its mel spectrogram."""

from __future__ import annotations

from typing import TYPE_CHECKING

from robotd.emotion import Reading, to_eight
from robotd.perceive.features.mel import log_mel
from robotd.perceive.runtime import Model

if TYPE_CHECKING:
    from robotd.config import Runtime
    from robotd.perceive.manifest import Manifest
    from robotd.sense.utterance import Utterance


class VoiceReader:
    """A voice model of the manifest.

    Raises:
        ModelError: the model can't be used.
    """

    def __init__(self, model: str, manifest: Manifest, runtime: Runtime) -> None:
        self._model = Model(model, "voice", manifest, runtime)

    @property
    def model(self) -> str:
        """The model's name."""
        return self._model.name

    def read(self, utterance: Utterance) -> Reading:
        """Return the reading of an utterance, at the time of its end.

        Raises:
            ModelError: the model gave nonsense.
        """
        mel = log_mel(utterance.samples)
        probabilities = self._model.probabilities(mel[None])
        return Reading("voice", utterance.end_s, to_eight(self._model.entry.labels, probabilities))
