"""Reads the emotion of a person from face and voice together, by one model that was taught on both."""

from __future__ import annotations

import math
from collections import deque
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from robotd.emotion import Reading, to_eight
from robotd.errors import ModelError
from robotd.perceive.features.face_image import face_tensor
from robotd.perceive.features.mel import log_mel
from robotd.perceive.runtime import Model

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from robotd.config import Runtime
    from robotd.perceive.manifest import Manifest
    from robotd.sense.utterance import Utterance

#: So many looks at the face are read with each utterance, spread over it; the mean counts.
LOOKS = 3
#: More than the camera gives in an utterance of 8 s at 10 pictures a second, with what comes after it.
_KEPT = 128
_EMBEDDING = "embedding"

Side = Literal["face", "voice"]


class BothReader:
    """A fusion model of the manifest, and the faces that were seen lately.

    Its input is the face's numbers, then the voice's: the pixels of the crop and the mel picture, or, where it has
    trunks in the manifest, what their last layers read. Crops are kept in memory only, and not for long.

    Raises:
        ModelError: the model can't be used, or was taught on other trunks than those that are there.
    """

    def __init__(self, model: str, manifest: Manifest, runtime: Runtime) -> None:
        self._model = Model(model, "fusion", manifest, runtime)
        self._trunks: dict[str, Model] = {}
        for name, sha256 in self._model.entry.trunks.items():
            trunk = manifest.models.get(name)
            if trunk is None or trunk.sha256 != sha256:
                raise ModelError(
                    f"{model} was taught on another {name} than the one that is there; train {model} again"
                )
            self._trunks[trunk.task] = Model(name, trunk.task, manifest, runtime)
        self._crops: deque[tuple[float, NDArray[np.uint8]]] = deque(maxlen=_KEPT)

    @property
    def model(self) -> str:
        """The model's name."""
        return self._model.name

    def see(self, time_s: float, crop: NDArray[np.uint8]) -> None:
        """Remember a [48, 48] grey crop of the followed face."""
        self._crops.append((time_s, crop))

    def forget(self) -> None:
        """Forget all faces, as the camera was muted or another one is used."""
        self._crops.clear()

    def hear(self, utterance: Utterance, fresh_s: float) -> Reading | None:
        """Return the reading of an utterance and the face that spoke; None without a face.

        Args:
            utterance: what was said.
            fresh_s: a face that was last seen so long before the utterance's end still goes with it.

        Raises:
            ModelError: a model gave nonsense.
        """
        before = [(time_s, crop) for time_s, crop in self._crops if time_s <= utterance.end_s]
        during = [crop for time_s, crop in before if time_s >= utterance.start_s]
        if during:
            places = np.linspace(0, len(during) - 1, min(LOOKS, len(during)))
            return self.read([during[round(place)] for place in places], utterance)
        if before and utterance.end_s - before[-1][0] <= fresh_s:
            return self.read([before[-1][1]], utterance)
        return None

    def read(self, crops: Sequence[NDArray[np.uint8]], utterance: Utterance) -> Reading:
        """Return the mean reading of an utterance with each of some [48, 48] crops, at the time of its end.

        Raises:
            ModelError: a model gave nonsense.
        """
        heard = self._numbers("voice", log_mel(utterance.samples))
        both = [np.concatenate([self._numbers("face", face_tensor(crop)), heard])[None] for crop in crops]
        mean = np.mean([self._model.probabilities(one) for one in both], axis=0)
        return Reading("both", utterance.end_s, to_eight(self._model.entry.labels, mean))

    def _numbers(self, side: Side, features: NDArray[np.float32]) -> NDArray[Any]:
        """Return what the model takes of one side, [n]."""
        trunk = self._trunks.get(side)
        if trunk is None:
            return features.reshape(-1)
        shape = trunk.entry.input.shape
        if math.prod(shape) != features.size:
            raise ModelError(f"{trunk.name}: takes {list(shape)}, which fusion can't give")
        names = [output.name for output in trunk.entry.outputs]
        if _EMBEDDING not in names:
            raise ModelError(f"{trunk.name}: has no output {_EMBEDDING!r}")
        return trunk.run(features.reshape(shape))[names.index(_EMBEDDING)].reshape(-1)
