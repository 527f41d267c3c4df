"""What the models make of files: pictures and sounds, read as the daemon reads its senses, and MIDI files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import cv2
import numpy as np

from robotd.emotion import EMOTIONS, FOUR_CLASS, Quadrant, Reading, valence_arousal
from robotd.errors import MediaError
from robotd.sense.media import decode, look_into
from robotd.sense.sample import RATE_HZ, Sound
from robotd.sense.utterance import PIECE_S, Utterance, UtteranceCutter

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from robotd.config import Config
    from robotd.perceive.face import FaceReader
    from robotd.perceive.manifest import Manifest
    from robotd.perceive.score import ScoreReader, ScoreReading
    from robotd.perceive.voice import VoiceReader

Kind = Literal["face", "voice", "score"]

_PICTURES = {".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"}
_SCORES = {".mid", ".midi"}
_LARGEST_PX = 1280


@dataclass(frozen=True, slots=True)
class FileReading:
    """A model's reading of one file.

    Attributes:
        file: as it was given.
        kind: what it was read as.
        model: which model read it.
        reading: what it read.
        more: what the model adds: `box` of a face; `four_class` and `speech_s` of a voice; `features` of a score.
    """

    file: str
    kind: Kind
    model: str
    reading: Reading | ScoreReading
    more: dict[str, Any]

    def payload(self) -> dict[str, Any]:
        """Return it as JSON-able data."""
        reading = self.reading
        if isinstance(reading, Reading):
            classes = [emotion.value for emotion in EMOTIONS]
            valence, arousal = valence_arousal(reading.probabilities)
        else:
            classes = [quadrant.value for quadrant in Quadrant]
            valence, arousal = reading.valence, reading.arousal
        return {
            "file": self.file,
            "kind": self.kind,
            "model": self.model,
            "label": reading.label.value,
            "probabilities": {c: round(p, 6) for c, p in zip(classes, reading.probabilities, strict=True)},
            "valence": round(valence, 4),
            "arousal": round(arousal, 4),
            **self.more,
        }


def kind_of(path: Path) -> Kind:
    """Guess from its name what a file is to be read as."""
    ending = path.suffix.lower()
    if ending in _SCORES:
        return "score"
    return "face" if ending in _PICTURES else "voice"


class FileReader:
    """Reads files by the models that the configuration names, each opened when it is first needed.

    Args:
        config: the sections `face`, `voice`, `score`, `speech` and `runtime`.
        manifest: the models.
        crop: pictures are face crops already, framed as FER-2013 frames faces.
    """

    def __init__(self, config: Config, manifest: Manifest, *, crop: bool = False) -> None:
        self._config = config
        self._manifest = manifest
        self._crop = crop
        self._face: FaceReader | None = None
        self._voice: VoiceReader | None = None
        self._score: ScoreReader | None = None

    def read(self, path: Path, kind: Kind) -> FileReading:
        """Return the reading of a file.

        Raises:
            MediaError: it can't be read, or shows no face.
            ModelError: the model can't be used.
        """
        read = {"face": self._read_face, "voice": self._read_voice, "score": self._read_score}[kind]
        return read(path)

    def _read_face(self, path: Path) -> FileReading:
        from robotd.perceive.face import FaceReader

        if self._face is None:
            self._face = FaceReader(self._config.face, self._manifest, self._config.runtime)
        image = _picture(path)
        if self._crop:
            return FileReading(str(path), "face", self._face.model, self._face.read_crop(image), {})
        found = self._face.read_picture(image)
        if found is None:
            raise MediaError(f"{path}: shows no face (is it a face crop already? then add --crop)")
        reading, face = found
        box = {"box": [round(side) for side in (face.x, face.y, face.width, face.height)]}
        return FileReading(str(path), "face", self._face.model, reading, box)

    def _read_voice(self, path: Path) -> FileReading:
        from robotd.perceive.voice import VoiceReader

        if self._voice is None:
            self._voice = VoiceReader(self._config.voice.model, self._manifest, self._config.runtime)
        utterances, speech_s = self._utterances(path)
        lengths = np.array([utterance.duration_s for utterance in utterances])
        readings = np.array([self._voice.read(utterance).probabilities for utterance in utterances])
        mean = lengths @ readings / lengths.sum()
        reading = Reading("voice", 0.0, tuple(float(p) for p in mean / mean.sum()))
        more = {"four_class": _four_class(reading), "speech_s": round(speech_s, 2)}
        return FileReading(str(path), "voice", self._voice.model, reading, more)

    def _read_score(self, path: Path) -> FileReading:
        from robotd.perceive.score import ScoreReader

        if self._score is None:
            self._score = ScoreReader(self._config.score.model, self._manifest, self._config.runtime)
        reading = self._score.read(path)
        more = {"features": {name: round(value, 4) for name, value in reading.features.items()}}
        return FileReading(str(path), "score", self._score.model, reading, more)

    def _utterances(self, path: Path) -> tuple[list[Utterance], float]:
        """Return the utterances of a file as the daemon cuts them, and how long they are together.

        Where no speech is found the whole sound is taken, in pieces of 8 s: somebody asked for a reading.
        """
        contents = look_into(path)
        if not contents.sound:
            raise MediaError(f"{path}: has no sound")
        blocks = [part for part in decode(path, contents, 1.0) if isinstance(part, Sound)]
        cutter = UtteranceCutter(self._config.speech)
        found = [utterance for block in blocks for utterance in cutter.feed(block)] + cutter.flush()
        final = [utterance for utterance in found if utterance.final]
        if final:
            return final, sum(utterance.duration_s for utterance in final)
        samples = np.concatenate([block.samples for block in blocks] or [np.zeros(0, np.float32)])
        if not len(samples):
            raise MediaError(f"{path}: its sound is empty")
        piece = int(PIECE_S * RATE_HZ)
        starts = range(0, len(samples), piece)
        return [Utterance(n / RATE_HZ, samples[n : n + piece], final=True) for n in starts], 0.0


def _picture(path: Path) -> NDArray[np.uint8]:
    """Return a picture as [height, width, 3] BGR, large ones scaled down."""
    if not path.is_file():
        raise MediaError(f"{path}: there is no such file")
    try:
        image = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_COLOR) if path.stat().st_size else None
    except OSError as error:
        raise MediaError(f"{path}: can't be read ({error.strerror})") from error
    if image is None:
        raise MediaError(f"{path}: can't be read as a picture")
    height, width = image.shape[:2]
    scale = _LARGEST_PX / max(height, width)
    if scale < 1:
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return image.astype(np.uint8, copy=False)


def _four_class(reading: Reading) -> dict[str, float]:
    eight = dict(zip(EMOTIONS, reading.probabilities, strict=True))
    return {name: round(sum(eight[emotion] for emotion in group), 6) for name, group in FOUR_CLASS.items()}
