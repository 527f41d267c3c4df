from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from robotd.config import Runtime
from robotd.emotion import Quadrant
from robotd.errors import MediaError, ModelError
from robotd.perceive.manifest import load_manifest
from robotd.perceive.song import MID_LEVEL_NAMES, SongReader, SongReading, cut_windows
from tests.perceive.modelfiles import installed

if TYPE_CHECKING:
    from pathlib import Path

RATE_HZ = 24_000
#: Frames of the made-up models' windows: 0.32 s of the log-mel picture, of which each step is a half.
FRAMES, STEPS = 20, 2


def music(seconds: float, level: float = 0.2, rate_hz: int = RATE_HZ) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    time_s = np.arange(int(seconds * rate_hz)) / rate_hz
    return (level * np.sin(2.0 * np.pi * 440.0 * time_s)).astype(np.float32)


def loudness_model() -> bytes:
    """A model that says: arousal is the mean of the bands on 0 to 10, valence is 2.5; each step as its half says."""
    constants = {
        "parted": np.array([STEPS, FRAMES // STEPS * 108], np.int64),
        "weights": np.tile(np.array([[0.0, 1.0 / (FRAMES // STEPS)]], np.float32), (FRAMES // STEPS * 108, 1)),
        "valence": np.array([2.5, 0.0], np.float32),
        "as_curve": np.array([1, STEPS, 2], np.int64),
        "second": np.array([1], np.int64),
    }
    nodes = [
        helper.make_node("Reshape", ["x", "parted"], ["halves"]),
        helper.make_node("MatMul", ["halves", "weights"], ["loud"]),
        helper.make_node("Add", ["loud", "valence"], ["moods"]),
        helper.make_node("Reshape", ["moods", "as_curve"], ["curve"]),
        helper.make_node("ReduceMean", ["curve", "second"], ["va"], keepdims=0),
    ]
    shapes = {"va": [1, 2], "curve": [1, STEPS, 2]}
    return _file(nodes, constants, [1, FRAMES, 108], shapes)


def ratings_model(values: list[float], mid_level: list[float], columns: int = 149) -> bytes:
    """A model (of log-frequency pictures, unless they have other columns) that always says the same."""
    constants = {
        "no": np.zeros((1, 1), np.float32),
        "axes": np.array([1, 2], np.int64),
        "always": np.array([values], np.float32),
        "features": np.array([mid_level], np.float32),
    }
    nodes = [
        helper.make_node("ReduceMean", ["x", "axes"], ["mean"], keepdims=0),
        helper.make_node("Mul", ["mean", "no"], ["nothing"]),
        helper.make_node("Add", ["nothing", "always"], ["ratings"]),
        helper.make_node("Add", ["nothing", "features"], ["mid_level"]),
    ]
    return _file(nodes, constants, [1, 30, columns], {"ratings": [1, len(values)], "mid_level": [1, len(mid_level)]})


def _file(nodes: list[Any], constants: dict[str, Any], taken: list[int], shapes: dict[str, list[int]]) -> bytes:
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, taken)],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in shapes.items()],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def described(taken: list[int], **outputs: list[int]) -> dict[str, Any]:
    return {
        "task": "song",
        "input": {"name": "x", "shape": taken, "meaning": "a picture"},
        "outputs": [{"name": name, "shape": shape, "meaning": name} for name, shape in outputs.items()],
    }


@pytest.fixture
def reader(tmp_path: Path) -> SongReader:
    entry = described([1, FRAMES, 108], va=[1, 2], curve=[1, STEPS, 2])
    folder = installed(tmp_path, loudness_model(), **entry, labels=["valence", "arousal"])
    return SongReader("tiny", load_manifest(folder), Runtime())


def test_valence_and_arousal_are_brought_from_ten_to_one(reader: SongReader) -> None:
    quiet, loud = (reader.read(music(1.0, level), RATE_HZ) for level in (0.001, 0.5))
    assert quiet.valence == pytest.approx(-0.5)
    assert quiet.arousal < loud.arousal
    assert quiet.arousal == pytest.approx(quiet.ratings["arousal"] / 5.0 - 1.0, abs=1e-6)
    assert tuple(quiet.ratings) == ("valence", "arousal")


def test_the_curve_follows_the_song_by_the_second(reader: SongReader) -> None:
    song = np.concatenate([music(2.0, 0.0005), music(3.0, 0.05)])
    curve = reader.read(song, RATE_HZ).curve
    assert [moment.time_s for moment in curve] == [0.0, 1.0, 2.0, 3.0, 4.0]
    assert max(moment.arousal for moment in curve[:2]) < min(moment.arousal for moment in curve[2:])


def test_the_rate_of_the_sound_does_not_matter(reader: SongReader) -> None:
    one, other = (reader.read(music(1.0, rate_hz=rate_hz), rate_hz) for rate_hz in (16_000, 44_100))
    assert one.arousal == pytest.approx(other.arousal, abs=0.02)


def test_a_short_song_is_repeated(reader: SongReader) -> None:
    assert reader.read(music(0.1), RATE_HZ).arousal == pytest.approx(reader.read(music(1.0), RATE_HZ).arousal, abs=0.1)


@pytest.mark.parametrize("samples", [np.zeros(0, np.float32), np.zeros(24_000, np.float32)])
def test_silence_is_told(reader: SongReader, samples: Any) -> None:
    with pytest.raises(MediaError, match="silent"):
        reader.read(samples, RATE_HZ)


def test_ratings_of_film_music_become_valence_and_arousal(tmp_path: Path) -> None:
    features = [float(n) for n in range(1, 8)]
    entry = described([1, 30, 149], ratings=[1, 3], mid_level=[1, 7])
    folder = installed(tmp_path, ratings_model([3.0, 8.0, 2.0], features), **entry, labels=["valence", "energy", "sad"])
    reading = SongReader("tiny", load_manifest(folder), Runtime()).read(music(2.0), RATE_HZ)
    assert (reading.valence, reading.arousal) == pytest.approx((-0.5, 0.75))
    assert reading.label is Quadrant.Q2
    assert reading.ratings == pytest.approx({"valence": 3.0, "energy": 8.0, "sad": 2.0})
    assert reading.mid_level == pytest.approx(dict(zip(MID_LEVEL_NAMES, features, strict=True)))
    assert reading.curve == ()


@pytest.mark.parametrize(
    ("valence", "arousal", "quadrant"),
    [(0.5, 0.5, Quadrant.Q1), (-0.5, 0.5, Quadrant.Q2), (-0.5, -0.5, Quadrant.Q3), (0.5, -0.5, Quadrant.Q4)],
)
def test_the_label_is_the_quadrant(valence: float, arousal: float, quadrant: Quadrant) -> None:
    assert SongReading(valence, arousal, {}).label is quadrant


def test_windows_lie_side_by_side_and_the_last_ends_with_the_song() -> None:
    picture = np.arange(25, dtype=np.float32)[:, None]
    starts, windows = cut_windows(picture, 10)
    assert starts.tolist() == [0, 10, 15]
    assert windows[2, :, 0].tolist() == list(range(15, 25))
    assert cut_windows(picture[:10], 10)[0].tolist() == [0]


def test_a_model_of_other_pictures_is_refused(tmp_path: Path) -> None:
    entry = described([1, 30, 64], ratings=[1, 2], mid_level=[1, 7])
    content = ratings_model([1.0, 2.0], [1.0] * 7, columns=64)
    folder = installed(tmp_path, content, **entry, labels=["valence", "energy"])
    with pytest.raises(ModelError, match=r"takes \[1, frames, 108\] or \[1, frames, 149\], not \[1, 30, 64\]"):
        SongReader("tiny", load_manifest(folder), Runtime())


def test_a_model_that_tells_no_mood_is_refused(tmp_path: Path) -> None:
    entry = described([1, 30, 149], ratings=[1, 3], mid_level=[1, 7])
    content = ratings_model([1.0, 2.0, 3.0], [1.0] * 7)
    folder = installed(tmp_path, content, **entry, labels=["happy", "sad", "tender"])
    with pytest.raises(ModelError, match="rates valence and energy"):
        SongReader("tiny", load_manifest(folder), Runtime())


def test_a_pause_longer_than_a_window_has_no_mood() -> None:
    reader = SongReader("song_va", load_manifest(), Runtime())
    sound = music(9.0, rate_hz=RATE_HZ) + 0.1 * np.random.default_rng(0).standard_normal(9 * RATE_HZ).astype(np.float32)
    with_pause = reader.read(np.concatenate([sound, np.zeros(27 * RATE_HZ, np.float32), sound]), RATE_HZ)
    assert all(np.isfinite(value) for value in with_pause.ratings.values())
    assert with_pause.valence == pytest.approx(reader.read(np.concatenate([sound, sound]), RATE_HZ).valence, abs=0.3)
