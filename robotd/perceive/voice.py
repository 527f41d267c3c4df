"""Reads the emotion of an utterance, by one voice model or by several whose probabilities are averaged."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from robotd.emotion import Reading, to_eight
from robotd.errors import ModelError
from robotd.perceive.features import mel, spectral, speech_statistics
from robotd.perceive.runtime import Model

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from robotd.config import Runtime
    from robotd.perceive.manifest import Manifest
    from robotd.sense.utterance import Utterance

    Features = Callable[[NDArray[np.float32]], NDArray[np.float32]]

#: What is computed of an utterance for a model, by the shape of the model's input without its batch axis.
FEATURES: dict[tuple[int, ...], Features] = {
    (mel.FRAMES, mel.BANDS): mel.log_mel,
    (spectral.FRAMES, len(spectral.NAMES)): spectral.frame_features,
    (len(speech_statistics.NAMES),): speech_statistics.statistics,
}


class VoiceReader:
    """One or several voice models of the manifest.

    Args:
        models: a model's name, or names with weights above 0: their probabilities are averaged.
        manifest: where they are described.
        runtime: how they are run.

    Raises:
        ModelError: a model can't be used, or takes something that is not computed of speech.
    """

    def __init__(self, models: str | Mapping[str, float], manifest: Manifest, runtime: Runtime) -> None:
        weights = models if isinstance(models, Mapping) else {models: 1.0}
        total = sum(weights.values())
        self._models = [(Model(name, "voice", manifest, runtime), weight / total) for name, weight in weights.items()]
        for model, _ in self._models:
            if model.entry.input.shape[1:] not in FEATURES:
                known = ", ".join(str([1, *shape]) for shape in FEATURES)
                raise ModelError(f"{model.name}: takes {list(model.entry.input.shape)}; of speech there are {known}")

    @property
    def model(self) -> str:
        """The model's name; several are joined by a plus sign."""
        return "+".join(model.name for model, _ in self._models)

    def read(self, utterance: Utterance) -> Reading:
        """Return the reading of an utterance, at the time of its end.

        Raises:
            ModelError: a model gave nonsense.
        """
        computed: dict[Features, NDArray[np.float32]] = {}
        mean = np.zeros(len(to_eight((), ())))
        for model, weight in self._models:
            of = FEATURES[model.entry.input.shape[1:]]
            if of not in computed:
                computed[of] = of(utterance.samples)[None]
            mean += weight * np.array(to_eight(model.entry.labels, model.probabilities(computed[of])))
        return Reading("voice", utterance.end_s, tuple(float(p) for p in mean / mean.sum()))
