"""What the models make of files: pictures and sounds, read as the daemon reads its senses, and MIDI files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import cv2
import numpy as np

from robotd.emotion import EMOTIONS, FOUR_CLASS, Quadrant, Reading, to_eight, valence_arousal
from robotd.errors import MediaError, ModelError
from robotd.perceive.score import ScoreReading
from robotd.perceive.words import read_lines
from robotd.sense.media import decode, look_into
from robotd.sense.sample import RATE_HZ, Sound
from robotd.sense.utterance import PIECE_S, Utterance, UtteranceCutter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from robotd.config import Config, Speech
    from robotd.perceive.face import FaceReader
    from robotd.perceive.manifest import Manifest
    from robotd.perceive.score import ScoreReader
    from robotd.perceive.song import SongReader, SongReading
    from robotd.perceive.voice import VoiceReader
    from robotd.perceive.words import WordsReader

Kind = Literal["face", "voice", "words", "song", "score", "fusion"]

_PICTURES = {".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"}
_SCORES = {".mid", ".midi"}
_TEXTS = {".txt"}
_LARGEST_PX = 1280


@dataclass(frozen=True, slots=True)
class FileReading:
    """A model's reading of one file.

    Attributes:
        file: as it was given.
        kind: what it was read as.
        model: which model read it.
        reading: what it read.
        own: the probabilities of the model's own classes, where those are not our eight emotions.
        more: what the model adds: `box` of a face; `four_class` and `speech_s` of a voice; `line` of a text;
            `ratings`, `mid_level` and `curve` of a song; `features` of a score.
    """

    file: str
    kind: Kind
    model: str
    reading: Reading | ScoreReading | SongReading
    more: dict[str, Any]
    own: Mapping[str, float] | None = None

    def payload(self) -> dict[str, Any]:
        """Return it as JSON-able data."""
        shares = self._shares()
        if self.own is not None:
            told = {"label": max(self.own, key=self.own.__getitem__), "probabilities": _rounded(self.own)}
            told["eight"] = _rounded(shares)
        else:
            told = {"label": self.reading.label.value} | ({"probabilities": _rounded(shares)} if shares else {})
        if isinstance(self.reading, Reading):
            valence, arousal = valence_arousal(self.reading.probabilities)
        else:
            valence, arousal = self.reading.valence, self.reading.arousal
        return {
            "file": self.file,
            "kind": self.kind,
            "model": self.model,
            **told,
            "valence": round(valence, 4),
            "arousal": round(arousal, 4),
            **self.more,
        }

    def _shares(self) -> dict[str, float]:
        """The probability of each emotion or quadrant; a song has none."""
        reading = self.reading
        if isinstance(reading, Reading):
            return dict(zip([emotion.value for emotion in EMOTIONS], reading.probabilities, strict=True))
        if isinstance(reading, ScoreReading):
            return dict(zip([quadrant.value for quadrant in Quadrant], reading.probabilities, strict=True))
        return {}


def _rounded(shares: Mapping[str, float]) -> dict[str, float]:
    return {name: round(share, 6) for name, share in shares.items()}


@dataclass(frozen=True, slots=True)
class Unread:
    """A file, or a line of one, that no reading can be given of.

    Attributes:
        file: as it was given.
        kind: what it was to be read as.
        error: why not.
        more: `line` of a text.
    """

    file: str
    kind: Kind
    error: str
    more: dict[str, Any]

    def payload(self) -> dict[str, Any]:
        """Return it as JSON-able data."""
        return {"file": self.file, "kind": self.kind, **self.more, "error": self.error}


def kind_of(path: Path) -> Kind:
    """Guess from its name what a file is to be read as."""
    ending = path.suffix.lower()
    if ending in _SCORES:
        return "score"
    if ending in _TEXTS:
        return "words"
    return "face" if ending in _PICTURES else "voice"


class FileReader:
    """Reads files by the models that the configuration names, each opened when it is first needed.

    Args:
        config: the sections `face`, `voice`, `words`, `song`, `score`, `speech` and `runtime`.
        manifest: the models.
        crop: pictures are face crops already, framed as FER-2013 frames faces.
    """

    def __init__(self, config: Config, manifest: Manifest, *, crop: bool = False) -> None:
        self._config = config
        self._manifest = manifest
        self._crop = crop
        self._face: FaceReader | None = None
        self._voice: VoiceReader | None = None
        self._words: WordsReader | None = None
        self._song: SongReader | None = None
        self._score: ScoreReader | None = None

    def open(self, kind: Kind) -> None:
        """Open the model for a kind of files, so that what is wrong with it is told before the first file.

        Raises:
            ModelError: the model can't be used.
        """
        open_reader: dict[Kind, Callable[[], Any]] = {
            "face": self._faces,
            "voice": self._voices,
            "words": self._texts,
            "song": self._songs,
            "score": self._scores,
        }
        open_reader[kind]()

    def read(self, path: Path, kind: Kind) -> Iterator[FileReading | Unread]:
        """Give the reading of a file, or why there is none; a text has one for each of its lines.

        Raises:
            ModelError: the model can't be opened.
        """
        self.open(kind)
        try:
            if kind == "words":
                yield from self._read_words(path)
            else:
                read: dict[Kind, Callable[[Path], FileReading]] = {
                    "face": self._read_face,
                    "voice": self._read_voice,
                    "song": self._read_song,
                    "score": self._read_score,
                }
                yield read[kind](path)
        except (MediaError, ModelError) as error:
            yield Unread(str(path), kind, str(error), {})

    def _faces(self) -> FaceReader:
        from robotd.perceive.face import FaceReader

        if self._face is None:
            self._face = FaceReader(self._config.face, self._manifest, self._config.runtime)
        return self._face

    def _read_face(self, path: Path) -> FileReading:
        reader = self._faces()
        image = picture(path)
        if self._crop:
            try:
                reading = reader.read_crop(image)
            except MediaError as error:
                raise MediaError(f"{path}: {error}") from error
            return FileReading(str(path), "face", reader.model, reading, {})
        found = reader.read_picture(image)
        if found is None:
            raise MediaError(f"{path}: shows no face (is it a face crop already? then add --crop)")
        reading, face = found
        box = {"box": [round(side) for side in (face.x, face.y, face.width, face.height)]}
        return FileReading(str(path), "face", reader.model, reading, box)

    def _voices(self) -> VoiceReader:
        from robotd.perceive.voice import VoiceReader

        if self._voice is None:
            self._voice = VoiceReader(self._config.voice.chosen, self._manifest, self._config.runtime)
        return self._voice

    def _read_voice(self, path: Path) -> FileReading:
        reader = self._voices()
        heard, speech_s = utterances(path, self._config.speech)
        lengths = np.array([utterance.duration_s for utterance in heard])
        readings = np.array([reader.read(utterance).probabilities for utterance in heard])
        mean = lengths @ readings / lengths.sum()
        reading = Reading("voice", 0.0, tuple(float(p) for p in mean / mean.sum()))
        more = {"four_class": _four_class(reading), "speech_s": round(speech_s, 2)}
        return FileReading(str(path), "voice", reader.model, reading, more)

    def _texts(self) -> WordsReader:
        from robotd.perceive.words import WordsReader

        if self._words is None:
            self._words = WordsReader(self._config.words.model, self._manifest, self._config.runtime)
        return self._words

    def _read_words(self, path: Path) -> Iterator[FileReading | Unread]:
        reader = self._texts()
        for number, line in read_lines(path):
            more: dict[str, Any] = {"line": number}
            try:
                own = reader.shares(line)
            except (MediaError, ModelError) as error:
                yield Unread(str(path), "words", str(error), more)
                continue
            eight = to_eight(tuple(own), own.values())
            strange = set(own) - {emotion.value for emotion in EMOTIONS}
            yield FileReading(
                str(path), "words", reader.model, Reading("words", 0.0, eight), more, own if strange else None
            )

    def _songs(self) -> SongReader:
        from robotd.perceive.song import SongReader

        if self._song is None:
            self._song = SongReader(self._config.song.model, self._manifest, self._config.runtime)
        return self._song

    def _read_song(self, path: Path) -> FileReading:
        reader = self._songs()
        contents = look_into(path)
        if not contents.sound:
            raise MediaError(f"{path}: has no sound")
        blocks = [part.samples for part in decode(path, contents, 1.0) if isinstance(part, Sound)]
        try:
            reading = reader.read(np.concatenate([*blocks, np.zeros(0, np.float32)]), RATE_HZ)
        except MediaError as error:
            raise MediaError(f"{path}: {error}") from error
        more: dict[str, Any] = {"ratings": {name: round(value, 4) for name, value in reading.ratings.items()}}
        if reading.mid_level:
            more["mid_level"] = {name: round(value, 4) for name, value in reading.mid_level.items()}
        if reading.curve:
            more["curve"] = [[one.time_s, round(one.valence, 4), round(one.arousal, 4)] for one in reading.curve]
        return FileReading(str(path), "song", reader.model, reading, more)

    def _scores(self) -> ScoreReader:
        from robotd.perceive.score import ScoreReader

        if self._score is None:
            self._score = ScoreReader(self._config.score.model, self._manifest, self._config.runtime)
        return self._score

    def _read_score(self, path: Path) -> FileReading:
        reader = self._scores()
        reading = reader.read(path)
        more = {"features": {name: round(value, 4) for name, value in reading.features.items()}}
        return FileReading(str(path), "score", reader.model, reading, more)


def utterances(path: Path, speech: Speech) -> tuple[list[Utterance], float]:
    """Return the utterances of a file as the daemon cuts them, and how long they are together.

    Where no speech is found the whole sound is taken, in pieces of 8 s: somebody asked for a reading.
    """
    contents = look_into(path)
    if not contents.sound:
        raise MediaError(f"{path}: has no sound")
    blocks = [part for part in decode(path, contents, 1.0) if isinstance(part, Sound)]
    cutter = UtteranceCutter(speech)
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


def picture(path: Path) -> NDArray[np.uint8]:
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
