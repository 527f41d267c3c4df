from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import soundfile

from robotd.config import Config
from robotd.daemon.pairs import PairReader
from robotd.emotion import EMOTIONS, Emotion, Reading
from robotd.errors import MediaError
from robotd.perceive.files import FileReader, FileReading
from robotd.perceive.manifest import load_manifest
from robotd.sense.media import decode, look_into
from robotd.sense.sample import RATE_HZ, Frame, Sound

SCENE = Path(__file__).parents[2] / "robotd" / "scene" / "scene.mp4"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a smiling woman's picture and what she says."""
    into = tmp_path_factory.mktemp("pair")
    samples = [sample for sample in decode(SCENE, look_into(SCENE), 1.0) if sample.time_s < 6.0]
    frame = next(sample for sample in samples if isinstance(sample, Frame))
    cv2.imwrite(str(into / "face.png"), frame.image)
    sound = np.concatenate([sample.samples for sample in samples if isinstance(sample, Sound)])
    soundfile.write(into / "voice.wav", sound, RATE_HZ)
    cv2.imwrite(str(into / "nobody.png"), np.full((240, 320, 3), 90, np.uint8))
    return into


def settings(kind: str) -> Config:
    return Config.model_validate({"fusion": {"kind": kind}})


def alone(path: Path, kind: str) -> Reading:
    (reading,) = FileReader(Config(), load_manifest()).read(path, kind)  # type: ignore[arg-type]
    assert isinstance(reading, FileReading)
    assert isinstance(reading.reading, Reading)
    return reading.reading


def test_a_pair_is_averaged_as_the_daemon_does(folder: Path) -> None:
    read = PairReader(settings("average"), load_manifest()).read(folder / "face.png", folder / "voice.wav")
    face, voice = alone(folder / "face.png", "face"), alone(folder / "voice.wav", "voice")
    assert (read.kind, read.model) == ("fusion", "average")
    assert isinstance(read.reading, Reading)
    assert read.reading.label is Emotion.HAPPY
    low = np.minimum(face.probabilities, voice.probabilities) - 1e-6
    high = np.maximum(face.probabilities, voice.probabilities) + 1e-6
    assert ((low <= np.array(read.reading.probabilities)) & (np.array(read.reading.probabilities) <= high)).all()
    payload = read.payload()
    assert payload["sound"] == str(folder / "voice.wav")
    assert payload["face"]["label"] == "happy"
    assert payload["voice"]["label"] == voice.label.value


@pytest.mark.parametrize("kind", ["mid", "joint"])
def test_a_pair_is_read_by_one_model(folder: Path, kind: str) -> None:
    reader = PairReader(settings(kind), load_manifest())
    read = reader.read(folder / "face.png", folder / "voice.wav")
    assert read.model == reader.model == f"fusion_{kind}"
    assert isinstance(read.reading, Reading)
    assert sum(read.reading.probabilities) == pytest.approx(1.0)
    averaged = PairReader(settings("average"), load_manifest()).read(folder / "face.png", folder / "voice.wav")
    assert isinstance(averaged.reading, Reading)
    assert read.reading.probabilities != pytest.approx(averaged.reading.probabilities, abs=1e-3)
    assert set(read.payload()["probabilities"]) == {emotion.value for emotion in EMOTIONS}


def test_a_picture_without_a_face_is_told(folder: Path) -> None:
    reader = PairReader(settings("average"), load_manifest())
    with pytest.raises(MediaError, match="shows no face"):
        reader.read(folder / "nobody.png", folder / "voice.wav")


def test_a_picture_that_is_a_crop_is_taken_as_it_is(folder: Path) -> None:
    flat = PairReader(settings("average"), load_manifest(), crop=True)
    read = flat.read(folder / "nobody.png", folder / "voice.wav")
    assert read.kind == "fusion"
