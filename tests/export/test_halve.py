from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnx
import pytest
from onnx import TensorProto, numpy_helper

from export.convert.halve import halve
from export.convert.quantise import quantise
from export.errors import ExportError
from export.verify import onnx_outputs, open_session
from tests.perceive.modelfiles import linear

if TYPE_CHECKING:
    from pathlib import Path

RNG = np.random.default_rng(0)
INPUTS = RNG.normal(size=(16, 64)).astype(np.float32)


def net(file: Path, scale: float = 1.0) -> Path:
    file.write_bytes(linear((scale * RNG.normal(size=(64, 32))).tolist()))
    return file


def test_half_the_file_says_nearly_the_same(tmp_path: Path) -> None:
    file = net(tmp_path / "net.onnx")
    before, size = onnx_outputs(open_session(file), INPUTS)["logits"], file.stat().st_size
    halve(file)
    assert file.stat().st_size < 0.55 * size
    after = onnx_outputs(open_session(file), INPUTS)["logits"]
    assert 0.0 < np.abs(after - before).max() < 2e-3 * np.abs(before).max()


def test_a_second_time_changes_nothing(tmp_path: Path) -> None:
    file = net(tmp_path / "net.onnx")
    halve(file)
    once = file.read_bytes()
    halve(file)
    assert file.read_bytes() == once


def test_what_half_precision_cannot_hold_stays(tmp_path: Path) -> None:
    file = net(tmp_path / "net.onnx", 1e6)
    before = onnx_outputs(open_session(file), INPUTS)["logits"]
    halve(file)
    np.testing.assert_array_equal(onnx_outputs(open_session(file), INPUTS)["logits"], before)


def test_an_int8_model_stays_int8(tmp_path: Path) -> None:
    file = tmp_path / "small.onnx"
    quantise(net(tmp_path / "net.onnx"), file, INPUTS)
    before = onnx_outputs(open_session(file), INPUTS)["logits"]
    halve(file)
    np.testing.assert_array_equal(onnx_outputs(open_session(file), INPUTS)["logits"], before)
    kinds = {one.data_type for one in onnx.load(file).graph.initializer if numpy_helper.to_array(one).size > 256}
    assert kinds == {TensorProto.INT8}


def test_what_is_no_model_is_told(tmp_path: Path) -> None:
    file = tmp_path / "net.onnx"
    file.write_bytes(b"no model at all")
    with pytest.raises(ExportError, match="is no ONNX model"):
        halve(file)
