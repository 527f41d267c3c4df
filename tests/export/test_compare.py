"""`verify A B`: outputs, accuracy, size and latency of two forms of a model."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner, Result

torch = pytest.importorskip("torch", reason="torch is not installed (pip install robotd[export])")
pytest.importorskip("onnxscript", reason="onnxscript is not installed (pip install robotd[export])")

from export.__main__ import app  # noqa: E402 - after the checks
from export.compare import compare  # noqa: E402
from export.convert.quantise import quantise  # noqa: E402
from tests.export import tiny  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")
FACE_DETECTOR = Path(__file__).parents[2] / "models_onnx" / "face_detection_short_range.tflite"


def verify(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["verify", *map(str, arguments)], catch_exceptions=False)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The trained net, its int8 form, and one that forgot most of what it had learnt."""
    folder = tmp_path_factory.mktemp("models")
    fine = tiny.saved_onnx(folder / "fine.onnx")
    quantise(fine, folder / "int8.onnx", tiny.pictures(100, 4)[0])
    spoiled = tiny.blank().eval()
    images, classes = tiny.pictures(300, 5)
    np.savez(folder / "faces.npz", inputs=images, labels=classes)
    return {
        "fine": fine,
        "int8": folder / "int8.onnx",
        "spoiled": tiny.saved_onnx(folder / "spoiled.onnx", spoiled),
        "faces": folder / "faces.npz",
    }


def test_int8_passes(models: dict[str, Path]) -> None:
    result = verify(models["fine"], models["int8"], "--data", models["faces"])
    assert result.exit_code == 0, result.output
    assert "300 examples" in result.output
    assert "int8.onnx loses" in result.output
    assert "bound 1" in result.output


def test_figures_are_those_of_the_models(models: dict[str, Path]) -> None:
    found = compare(models["fine"], models["spoiled"], models["faces"])
    images, classes = tiny.pictures(300, 5)
    fine, spoiled = (tiny.answers(models[name], images) for name in ("fine", "spoiled"))
    largest, mean = found.differences["logits"]
    assert largest == pytest.approx(np.abs(fine - spoiled).max(), rel=1e-5)
    assert mean == pytest.approx(np.abs(fine - spoiled).mean(), rel=1e-5)
    assert found.agreement == pytest.approx((fine.argmax(1) == spoiled.argmax(1)).mean())
    assert found.first.score == pytest.approx((fine.argmax(1) == classes).mean())
    assert found.loss_points == pytest.approx(100 * (found.first.score - found.second.score))  # type: ignore[operator]
    assert found.first.size_kb == models["fine"].stat().st_size / 1000
    assert found.first.latency_ms > 0


def test_a_loss_past_the_bound_fails(models: dict[str, Path]) -> None:
    result = verify(models["fine"], models["spoiled"], "--data", models["faces"])
    assert result.exit_code == 1
    assert "more than the bound of 1" in result.stderr
    assert verify(models["fine"], models["spoiled"], "--data", models["faces"], "--bound", "100").exit_code == 0
    # the other way round there is nothing to lose
    assert verify(models["spoiled"], models["fine"], "--data", models["faces"]).exit_code == 0


def test_without_data_it_is_said_that_inputs_are_random(models: dict[str, Path]) -> None:
    result = verify(models["fine"], models["spoiled"])
    assert result.exit_code == 0
    assert "random inputs" in result.output
    assert "accuracy was not compared" in result.output


def test_a_tolerance_judges_outputs(models: dict[str, Path]) -> None:
    assert verify(models["fine"], models["fine"], "--tolerance", "0").exit_code == 0
    result = verify(models["fine"], models["spoiled"], "--tolerance", "0.1")
    assert result.exit_code == 1
    assert "more than the tolerance of 0.1" in result.stderr


def test_ratings_are_compared_by_correlation(models: dict[str, Path], tmp_path: Path) -> None:
    images = tiny.pictures(60, 6)[0]
    ratings = tiny.answers(models["fine"], images)
    ratings[3, 2] = np.nan
    np.savez(tmp_path / "rated.npz", inputs=images, labels=ratings)
    found = compare(models["fine"], models["spoiled"], tmp_path / "rated.npz")
    assert found.ratings
    assert found.first.score == pytest.approx(1)
    assert found.loss_points is not None
    assert found.loss_points > 10


@pytest.mark.skipif(not FACE_DETECTOR.is_file(), reason=f"{FACE_DETECTOR} is not there (robotd models --fetch)")
def test_tflite_models_too() -> None:
    result = verify(FACE_DETECTOR, FACE_DETECTOR, "--tolerance", "0")
    assert result.exit_code == 0, result.output
    assert "regressors: differs by at most 0" in result.output


def test_a_folder_for_each_label(models: dict[str, Path], tmp_path: Path) -> None:
    rng = np.random.default_rng(9)
    for label in (1, 5):
        for n in range(6):
            picture = rng.normal(120, 20, (48, 48))
            picture[6 * label : 6 * label + 8] += 40
            (tmp_path / tiny.LABELS[label]).mkdir(exist_ok=True)
            cv2.imwrite(str(tmp_path / tiny.LABELS[label] / f"{n}.png"), picture.clip(0, 255).astype(np.uint8))
    folders: list[str | Path] = ["--data", tmp_path, "--as", "face", "--labels", ",".join(tiny.LABELS)]
    result = verify(models["fine"], models["int8"], *folders)
    assert result.exit_code == 0, result.output
    assert "12 examples" in result.output
    assert verify(models["fine"], models["spoiled"], *folders).exit_code == 1
    spaced = [*folders[:-1], ", ".join(tiny.LABELS)]
    assert "12 examples" in verify(models["fine"], models["int8"], *spaced).output
    assert "--labels" in verify(models["fine"], models["int8"], "--data", tmp_path, "--as", "face").stderr
    wrong = verify(models["fine"], models["int8"], "--data", tmp_path, "--as", "face", "--labels", "a,b")
    assert "has no folder that is called a, b" in wrong.stderr


# --- bad input


def test_models_that_take_different_things(models: dict[str, Path], tmp_path: Path) -> None:
    other = tiny.saved_onnx(tmp_path / "other.onnx", torch.nn.Flatten(), (1, 1, 4, 4))
    result = verify(models["fine"], other)
    assert result.exit_code == 1
    assert "takes [1, 1, 48, 48]" in result.stderr
    assert "[1, 1, 4, 4]" in result.stderr


@pytest.mark.parametrize(
    ("arrays", "told"),
    [
        ({"inputs": np.zeros((2, 1, 48, 48))}, "has no labels"),
        ({"labels": np.zeros(2, int)}, "has no inputs"),
        ({"inputs": np.zeros((2, 1, 48, 48)), "labels": np.zeros(3, int)}, "has 2 inputs but 3 labels"),
        ({"inputs": np.zeros((2, 1, 8, 8)), "labels": np.zeros(2, int)}, "the model takes [1, 48, 48]"),
        ({"inputs": np.zeros((2, 1, 48, 48)), "labels": np.array([0, 7])}, "labels go up to 7"),
        ({"inputs": np.zeros((2, 1, 48, 48)), "labels": np.array([0.5, 1.0])}, "whole numbers"),
        ({"inputs": np.zeros((2, 1, 48, 48)), "labels": np.zeros((2, 3))}, "rates 3 things, but the models 7"),
    ],
)
def test_data_that_does_not_fit(
    arrays: dict[str, np.ndarray[tuple[int, ...], np.dtype[np.float64]]],
    told: str,
    models: dict[str, Path],
    tmp_path: Path,
) -> None:
    np.savez(tmp_path / "x.npz", **arrays)  # type: ignore[arg-type]
    result = verify(models["fine"], models["int8"], "--data", tmp_path / "x.npz")
    assert result.exit_code == 1
    assert told in result.stderr
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize("name", ["none.npz", "bad.npz"])
def test_data_that_cannot_be_read(name: str, models: dict[str, Path], tmp_path: Path) -> None:
    (tmp_path / "bad.npz").write_bytes(b"nonsense")
    result = verify(models["fine"], models["int8"], "--data", tmp_path / name)
    assert result.exit_code == 1
    assert "there is no such file" in result.stderr or "damaged" in result.stderr


@pytest.mark.parametrize("name", ["none.onnx", "bad.onnx", "bad.tflite", "net.pt"])
def test_models_that_cannot_be_loaded(name: str, models: dict[str, Path], tmp_path: Path) -> None:
    if name != "none.onnx":
        (tmp_path / name).write_bytes(b"nonsense")
    result = verify(models["fine"], tmp_path / name)
    assert result.exit_code == 1
    assert name in result.stderr
    assert len(result.stderr.splitlines()) == 1
