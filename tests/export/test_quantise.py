"""Float models to int8: static, dynamic, and what can't be quantised."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner, Result

torch = pytest.importorskip("torch", reason="torch is not installed (pip install robotd[export])")
pytest.importorskip("onnxscript", reason="onnxscript is not installed (pip install robotd[export])")

import onnx  # noqa: E402 - after the checks
from torch import nn  # noqa: E402

from export.__main__ import app  # noqa: E402
from export.convert.quantise import quantise_dynamic, recurrent_share  # noqa: E402
from export.describe import describe  # noqa: E402
from export.samples import inputs_from  # noqa: E402
from robotd.perceive.features.face_image import face_tensor  # noqa: E402
from robotd.perceive.features.mel import log_mel  # noqa: E402
from robotd.perceive.manifest import Tensor  # noqa: E402
from tests.export import tiny  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")


def quantise(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["quantise", *map(str, arguments)], catch_exceptions=False)


def refused(result: Result, target: Path) -> str:
    assert result.exit_code != 0
    assert not target.exists()
    assert not list(target.parent.glob(".writing*"))
    (line,) = result.stderr.splitlines()
    return line


class Hearing(nn.Module):  # type: ignore[misc]  # torch is untyped here
    """Mostly recurrent, or mostly convolution."""

    def __init__(self, kind: type[Any], width: int) -> None:
        super().__init__()
        self.see = nn.Conv1d(16, 16, 3, padding=1)
        self.hear = kind(16, width, batch_first=True)
        self.name = nn.Linear(width, 4)

    def forward(self, x: Any) -> Any:
        seen = torch.relu(self.see(x.transpose(1, 2))).transpose(1, 2)
        return self.name(self.hear(seen)[0].mean(1))


@pytest.fixture(scope="module")
def face(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.saved_onnx(tmp_path_factory.mktemp("face") / "face.onnx")


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of arrays: some with one input each, and one with many."""
    folder = tmp_path_factory.mktemp("samples")
    images = tiny.pictures(120, 2)[0]
    (folder / "more").mkdir()
    for n, image in enumerate(images[:20]):
        np.save(folder / f"{n}.npy", image)
    np.save(folder / "more" / "rest.npy", images[20:])
    return folder


def test_static_int8_is_smaller_and_as_good(face: Path, samples: Path, tmp_path: Path) -> None:
    target = tmp_path / "int8.onnx"
    result = quantise(face, "--calibration", samples, "-o", target)
    assert result.exit_code == 0, result.output
    assert "calibrated with 120 samples" in result.output
    assert "static, a scale for each channel" in result.output
    scales = {one.name: one.dims for one in onnx.load(target).graph.initializer if "scale" in one.name}
    assert [8] in [list(dims) for dims in scales.values()], "the convolution's 8 channels have a scale each"
    images, classes = tiny.pictures(200, 3)
    right = [(tiny.answers(file, images).argmax(axis=1) == classes).mean() for file in (face, target)]
    assert right[1] >= right[0] - 0.01


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU])
def test_recurrent_nets_are_quantised_dynamically(kind: type[Any], tmp_path: Path) -> None:
    torch.manual_seed(0)
    source = tiny.saved_onnx(tmp_path / "hear.onnx", Hearing(kind, 64).eval(), (1, 20, 16))
    np.save(tmp_path / "x.npy", np.random.default_rng(0).normal(size=(8, 20, 16)).astype(np.float32))
    result = quantise(source, "--calibration", tmp_path / "x.npy", "-o", tmp_path / "int8.onnx")
    assert result.exit_code == 0, result.output
    assert "dynamic: 9" in result.output
    assert "recurrent layers" in result.output
    x = np.load(tmp_path / "x.npy")
    np.testing.assert_allclose(tiny.answers(tmp_path / "int8.onnx", x), tiny.answers(source, x), atol=0.05)
    if kind is nn.LSTM:  # ONNX Runtime has an int8 LSTM, but no int8 GRU
        assert (tmp_path / "int8.onnx").stat().st_size < source.stat().st_size / 2
    else:
        assert "hardly smaller" in result.output


def test_a_convolutional_net_with_a_little_lstm_stays_static(tmp_path: Path) -> None:
    torch.manual_seed(0)
    source = tiny.saved_onnx(tmp_path / "hear.onnx", Hearing(nn.LSTM, 2).eval(), (1, 20, 16))
    assert recurrent_share(onnx.load(source).graph) < 0.5
    np.save(tmp_path / "x.npy", np.random.default_rng(0).normal(size=(8, 20, 16)).astype(np.float32))
    result = quantise(source, "--calibration", tmp_path / "x.npy", "-o", tmp_path / "int8.onnx")
    assert "int8 (static" in result.output, result.output


def test_dynamic_needs_no_samples(face: Path, tmp_path: Path) -> None:
    result = quantise(face, "--dynamic", "-o", tmp_path / "int8.onnx")
    assert result.exit_code == 0, result.output
    assert "int8 (dynamic)" in result.output
    assert (tmp_path / "int8.onnx").is_file()


def test_dynamic_as_recipes_use_it(face: Path, tmp_path: Path) -> None:
    quantise_dynamic(face, tmp_path / "int8.onnx")
    assert describe(tmp_path / "int8.onnx").input.shape == tiny.SHAPE


def test_beside_the_source_where_no_target_is_named(face: Path) -> None:
    assert quantise(face, "--dynamic").exit_code == 0
    assert (face.parent / "face_int8.onnx").is_file()


# --- samples


def face_input(shape: tuple[int, ...] = tiny.SHAPE) -> Tensor:
    return Tensor(name="image", shape=shape, meaning="")


def test_face_crops_become_what_the_daemon_gives_a_face_model(tmp_path: Path) -> None:
    picture = np.random.default_rng(0).integers(0, 255, (48, 48), np.uint8)
    cv2.imwrite(str(tmp_path / "a.png"), picture)
    cv2.imwrite(str(tmp_path / "b.png"), cv2.resize(picture, (96, 96)))
    inputs = inputs_from(tmp_path, face_input(), "face")
    assert inputs.shape == (2, *tiny.SHAPE[1:])
    np.testing.assert_array_equal(inputs[:1], face_tensor(picture))


def test_sounds_become_what_the_daemon_gives_a_voice_model(tmp_path: Path) -> None:
    tone = 0.1 * np.sin(np.arange(16000 * 9) / 20).astype(np.float32)
    soundfile.write(tmp_path / "long.wav", tone, 16000, subtype="FLOAT")
    inputs = inputs_from(tmp_path, Tensor(name="mel", shape=(1, 251, 128), meaning=""), "voice")
    assert inputs.shape == (2, 251, 128)  # 8 s and the rest
    np.testing.assert_array_equal(inputs[0], log_mel(tone[: 16000 * 8]))


def test_crops_fit_models_with_their_channels_last(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), np.random.default_rng(0).integers(0, 255, (48, 48), np.uint8))
    assert inputs_from(tmp_path, face_input((1, 48, 48, 1)), "face").shape == (1, 48, 48, 1)


def test_many_samples_are_thinned_out_evenly(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", inputs=np.arange(100.0).reshape(100, 1), other=np.zeros(3))
    inputs = inputs_from(tmp_path / "x.npz", Tensor(name="x", shape=(1, 1), meaning=""), most=5)
    np.testing.assert_array_equal(inputs[:, 0], [0, 24, 49, 74, 99])


# --- bad input


def test_an_empty_calibration_folder(face: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    line = refused(quantise(face, "--calibration", tmp_path / "empty", "-o", tmp_path / "x.onnx"), tmp_path / "x.onnx")
    assert "holds no calibration samples (.npy, .npz)" in line
    line = refused(
        quantise(face, "--calibration", tmp_path / "empty", "--as", "face", "-o", tmp_path / "x.onnx"),
        tmp_path / "x.onnx",
    )
    assert ".png" in line


def test_samples_of_a_wrong_shape(face: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.zeros((3, 3, 48, 48), np.float32))
    line = refused(quantise(face, "--calibration", tmp_path / "x.npy", "-o", tmp_path / "y.onnx"), tmp_path / "y.onnx")
    assert "holds [3, 3, 48, 48]; the model takes [1, 48, 48] each" in line


@pytest.mark.parametrize(
    ("content", "told"), [(b"nonsense", "can't be read"), (None, "there is no such file or folder")]
)
def test_samples_that_cannot_be_read(content: bytes | None, told: str, face: Path, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "x.npy").write_bytes(content)
    line = refused(quantise(face, "--calibration", tmp_path / "x.npy", "-o", tmp_path / "y.onnx"), tmp_path / "y.onnx")
    assert told in line


def test_samples_that_are_no_numbers(face: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.full((2, 1, 48, 48), np.nan, np.float32))
    line = refused(quantise(face, "--calibration", tmp_path / "x.npy", "-o", tmp_path / "y.onnx"), tmp_path / "y.onnx")
    assert "not a number" in line


def test_pickled_samples_are_not_unpickled(face: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.array([{"a": 1}]), allow_pickle=True)
    line = refused(quantise(face, "--calibration", tmp_path / "x.npy", "-o", tmp_path / "y.onnx"), tmp_path / "y.onnx")
    assert "can't be read" in line


def test_no_calibration_at_all(face: Path, tmp_path: Path) -> None:
    line = refused(quantise(face, "-o", tmp_path / "x.onnx"), tmp_path / "x.onnx")
    assert "--calibration" in line
    assert "--dynamic" in line


def test_int8_is_not_quantised_again(face: Path, samples: Path, tmp_path: Path) -> None:
    assert quantise(face, "--calibration", samples, "-o", tmp_path / "int8.onnx").exit_code == 0
    line = refused(
        quantise(tmp_path / "int8.onnx", "--calibration", samples, "-o", tmp_path / "x.onnx"), tmp_path / "x.onnx"
    )
    assert "is int8 already" in line


@pytest.mark.parametrize("name", ["none.onnx", "net.pt", "bad.onnx"])
def test_what_is_no_onnx_model(name: str, samples: Path, tmp_path: Path) -> None:
    if name != "none.onnx":
        (tmp_path / name).write_bytes(b"nonsense")
    line = refused(quantise(tmp_path / name, "--calibration", samples, "-o", tmp_path / "x.onnx"), tmp_path / "x.onnx")
    assert name in line


def test_a_folder_that_cannot_be_written(face: Path, samples: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    result = quantise(face, "--calibration", samples, "-o", tmp_path / "file" / "x.onnx")
    assert result.exit_code == 1
    assert "can't be written" in result.stderr
