"""Keras models of every format become ONNX and TFLite models that compute the same."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest

from export.convert.environment import TENSORFLOW
from export.convert.keras import is_keras, keras_to_onnx
from export.convert.tflite import TfliteSession, refuse_another, to_tflite
from export.errors import ExportError
from export.verify import onnx_logits, open_session

from .environments import MAKING_S, needs

pytestmark = [pytest.mark.filterwarnings("ignore::DeprecationWarning"), pytest.mark.timeout(MAKING_S)]

#: Runs in TensorFlow's environment: models of each format, inputs, and what Keras says to them.
_MAKE = """
import os, sys
os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="-1")
import keras, numpy as np, tf_keras
from keras import layers
os.chdir(sys.argv[1])
keras.utils.set_random_seed(0)
cnn = keras.Sequential([
    keras.Input((16, 16, 1)), layers.Conv2D(8, 3, padding="same", activation="relu"), layers.BatchNormalization(),
    layers.SeparableConv2D(8, 3, strides=2, padding="same"), layers.MaxPooling2D(), layers.GlobalAveragePooling2D(),
    layers.Dense(5, activation="softmax"),
])
rnn = keras.Sequential([
    keras.Input((10, 6)), layers.Conv1D(8, 3, padding="same"),
    layers.Bidirectional(layers.LSTM(4, return_sequences=True)),
    layers.GRU(4), layers.Dense(3),
])
old = tf_keras.Sequential([
    tf_keras.layers.Input((16, 16, 1)), tf_keras.layers.DepthwiseConv2D(3, activation="relu"),
    tf_keras.layers.Flatten(), tf_keras.layers.Dense(3),
])
rng = np.random.default_rng(0)
for name, model, shape in (("cnn", cnn, (16, 16, 1)), ("rnn", rnn, (10, 6)), ("old", old, (16, 16, 1))):
    x = rng.random((32, *shape)).astype("float32")
    np.savez(f"{name}.npz", x=x, y=model(x, training=False).numpy())
cnn.save("cnn.keras"); cnn.save("cnn.h5"); cnn.export("cnn", verbose=False); rnn.save("rnn.keras"); old.save("old.h5")
keras.Sequential([keras.Input((None, None, 1)), layers.GlobalMaxPooling2D()]).save("open.keras")
code = keras.Sequential([keras.Input((4,)), layers.Lambda(lambda x: x * 2)])
code.save("code.keras")
left, right = keras.Input((4,)), keras.Input((4,))
keras.Model([left, right], left + right).save("two.keras")
"""


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("keras")
    TENSORFLOW.prepare()
    done = subprocess.run(
        [TENSORFLOW.python, "-c", _MAKE, folder], capture_output=True, text=True, check=False, timeout=600
    )
    assert not done.returncode, done.stderr
    return folder


@needs(TENSORFLOW)
@pytest.mark.parametrize(
    ("source", "name"),
    [("cnn.keras", "cnn"), ("cnn.h5", "cnn"), ("cnn", "cnn"), ("rnn.keras", "rnn"), ("old.h5", "old")],
)
def test_it_says_in_onnx_and_in_tflite_what_it_said_in_keras(
    models: Path, source: str, name: str, tmp_path: Path
) -> None:
    with np.load(models / f"{name}.npz") as known:
        inputs, wanted = known["x"], known["y"]
    assert is_keras(models / source)
    keras_to_onnx(models / source, tmp_path / "model.onnx")
    session = open_session(tmp_path / "model.onnx")
    assert session.get_inputs()[0].shape == [1, *inputs.shape[1:]]
    np.testing.assert_allclose(onnx_logits(session, inputs), wanted, rtol=1e-3, atol=1e-5)

    to_tflite(models / source, tmp_path / "model.tflite")
    lite = TfliteSession(tmp_path / "model.tflite")
    assert lite.shape == (1, *inputs.shape[1:])
    np.testing.assert_allclose(lite.logits(inputs), wanted, rtol=1e-3, atol=1e-5)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["model.onnx", "model.tflite"]


@needs(TENSORFLOW)
@pytest.mark.parametrize("name", ["cnn", "rnn"])
def test_it_can_be_quantised(models: Path, name: str, tmp_path: Path) -> None:
    with np.load(models / f"{name}.npz") as known:
        inputs, wanted = known["x"], known["y"]
    to_tflite(models / f"{name}.keras", tmp_path / "int8.tflite", inputs)
    given = TfliteSession(tmp_path / "int8.tflite").logits(inputs)
    assert (given != wanted).any()
    assert np.abs(given - wanted).max() < 0.1 * np.abs(wanted).max()


@needs(TENSORFLOW)
@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("code.keras", "Lambda"),
        ("open.keras", "say what the open sides are"),
        ("two.keras", "it has 2 inputs"),
        ("broken.keras", "is no Keras model, or a damaged one"),
        ("broken", "broken"),
    ],
)
def test_what_cannot_be_converted_is_told_in_one_line(models: Path, source: str, told: str, tmp_path: Path) -> None:
    (models / "broken.keras").write_bytes(b"PK\x03\x04 nothing")
    (models / "broken").mkdir(exist_ok=True)
    (models / "broken" / "saved_model.pb").write_bytes(b"nothing")
    for target, convert in (("model.onnx", keras_to_onnx), ("model.tflite", to_tflite)):
        with pytest.raises(ExportError) as failure:
            convert(models / source, tmp_path / target)
        assert told in str(failure.value)
        assert str(failure.value).startswith(f"{models / source}: ")
        assert "\n" not in str(failure.value)
    assert not list(tmp_path.iterdir())


@needs(TENSORFLOW)
def test_open_sides_can_be_said(models: Path, tmp_path: Path) -> None:
    keras_to_onnx(models / "open.keras", tmp_path / "model.onnx", (1, 6, 7, 1))
    assert open_session(tmp_path / "model.onnx").get_inputs()[0].shape == [1, 6, 7, 1]


def test_other_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "model.pt2").write_bytes(b"")
    assert not is_keras(tmp_path / "model.pt2")
    with pytest.raises(ExportError, match=r"model\.pt2: not a \.keras"):
        keras_to_onnx(tmp_path / "model.pt2", tmp_path / "model.onnx")
    with pytest.raises(ExportError, match="there is no such file"):
        keras_to_onnx(tmp_path / "absent.keras", tmp_path / "model.onnx")
    assert not (tmp_path / "model.onnx").exists()


def test_a_model_that_computes_something_else_is_refused() -> None:
    one = np.arange(6, dtype=np.float32).reshape(1, 6)
    refuse_another([one], [one + 1e-4])
    with pytest.raises(ExportError, match=r"computes something else \(outputs differ by 0\.5\)"):
        refuse_another([one], [one + 0.5])
    with pytest.raises(ExportError, match=r"gives \[\[1, 6\]\], but what was converted gives \[\[6\]\]"):
        refuse_another([one], [one[0]])
    with pytest.raises(ExportError, match="computes something else"):
        refuse_another([one], [np.full_like(one, np.nan)])
