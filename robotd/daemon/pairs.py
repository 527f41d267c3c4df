"""What the models make of a picture and a sound together, as the daemon does at the end of an utterance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from robotd.emotion import EMOTIONS, Reading
from robotd.errors import MediaError
from robotd.feel.fusion import fuse
from robotd.perceive.both import BothReader
from robotd.perceive.face import FaceReader
from robotd.perceive.features.face_image import SIDE
from robotd.perceive.files import FileReading, picture, utterances
from robotd.perceive.voice import VoiceReader
from robotd.sense.sample import Frame

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from robotd.config import Config
    from robotd.perceive.manifest import Manifest


class PairReader:
    """Reads pictures and sounds in pairs by the kind of fusion that the configuration names.

    Args:
        config: the sections `face`, `voice`, `fusion`, `speech` and `runtime`.
        manifest: the models.
        crop: pictures are face crops already, framed as FER-2013 frames faces.

    Raises:
        ModelError: one of the models can't be used.
    """

    def __init__(self, config: Config, manifest: Manifest, *, crop: bool = False) -> None:
        self._config = config
        self._crop = crop
        self._face = FaceReader(config.face, manifest, config.runtime)
        self._voice = VoiceReader(config.voice.chosen, manifest, config.runtime)
        kind = config.fusion.kind
        self._both = None if kind == "average" else BothReader(f"fusion_{kind}", manifest, config.runtime)

    @property
    def model(self) -> str:
        """The fusion model's name, or `average`."""
        return "average" if self._both is None else self._both.model

    def read(self, shown: Path, said: Path) -> FileReading:
        """Return the reading of a picture and a sound; several utterances count by their length.

        Raises:
            MediaError: one can't be read, or the picture shows no face.
            ModelError: a model gave nonsense.
        """
        face, crop = self._see(shown)
        heard, _ = utterances(said, self._config.speech)
        voice = _mean([self._voice.read(one) for one in heard], [one.duration_s for one in heard])
        readings = [face, voice]
        if self._both is not None:
            read = [self._both.read([crop], one) for one in heard]
            readings.append(_mean(read, [one.duration_s for one in heard]))
        # Where all are unsure the daemon feels nothing; here somebody asked.
        fused = fuse(readings, 0.0, self._config.fusion) or readings[-1].probabilities
        more: dict[str, Any] = {"sound": str(said)}
        for one in (face, voice):
            more[one.modality] = {"label": one.label.value, "confidence": round(one.confidence, 4)}
        return FileReading(str(shown), "fusion", self.model, Reading("both", 0.0, fused), more)

    def _see(self, shown: Path) -> tuple[Reading, NDArray[np.uint8]]:
        image = picture(shown)
        if self._crop:
            grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
            if grey.shape != (SIDE, SIDE):
                grey = cv2.resize(grey, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
            return self._face.read_crop(image), grey.astype(np.uint8, copy=False)
        self._face.forget()
        look = self._face.look(Frame(0.0, image))
        if look.reading is None or look.crop is None:
            raise MediaError(f"{shown}: shows no face (is it a face crop already? then add --crop)")
        return look.reading, look.crop


def _mean(readings: list[Reading], lengths_s: list[float]) -> Reading:
    """Return one reading at time 0 for several, the longer ones counting more."""
    mean = np.average([reading.probabilities for reading in readings], axis=0, weights=lengths_s)
    return Reading(readings[0].modality, 0.0, tuple(float(mean[n]) for n in range(len(EMOTIONS))))
