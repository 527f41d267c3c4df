from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from export.convert.quantise_weights import quantise_weights

if TYPE_CHECKING:
    from pathlib import Path

ort = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")


def two_layers(path: Path) -> Path:
    """A convolution in time, whose channels are of very different height, and a product with a matrix."""
    rng = np.random.default_rng(0)
    weights = {
        "filters": (rng.standard_normal((16, 8, 5)) * np.geomspace(0.001, 10.0, 16)[:, None, None]).astype(np.float32),
        "matrix": rng.standard_normal((16, 40)).astype(np.float32),
        "few": rng.standard_normal(40).astype(np.float32),
    }
    nodes = [
        helper.make_node("Conv", ["x", "filters"], ["seen"], "listen"),
        helper.make_node("Transpose", ["seen"], ["turned"], perm=[0, 2, 1]),
        helper.make_node("MatMul", ["turned", "matrix"], ["product"]),
        helper.make_node("Add", ["product", "few"], ["y"]),
    ]
    graph = helper.make_graph(
        nodes,
        "two",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 8, 30])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 26, 40])],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9), path)
    return path


def test_outputs_hardly_change_and_large_weights_become_bytes(tmp_path: Path) -> None:
    fine, small = two_layers(tmp_path / "fine.onnx"), tmp_path / "small.onnx"
    quantise_weights(fine, small)
    x = np.random.default_rng(1).standard_normal((1, 8, 30)).astype(np.float32)
    given = [ort.InferenceSession(file).run(None, {"x": x})[0] for file in (fine, small)]
    assert np.abs(given[1] - given[0]).max() < 0.02 * np.abs(given[0]).max()
    kinds = {one.name: one.data_type for one in onnx.load(small).graph.initializer}
    assert kinds["filters_quantized"] == kinds["matrix_quantized"] == TensorProto.INT8
    assert kinds["few"] == TensorProto.FLOAT
    assert "filters" not in kinds


def test_each_channel_has_its_own_scale(tmp_path: Path) -> None:
    quantise_weights(two_layers(tmp_path / "fine.onnx"), tmp_path / "small.onnx")
    stored = {one.name: numpy_helper.to_array(one) for one in onnx.load(tmp_path / "small.onnx").graph.initializer}
    assert stored["filters_scale"].shape == (16,)
    assert (np.abs(stored["filters_quantized"]).reshape(16, -1).max(axis=1) == 127).all()
    assert stored["matrix_scale"].shape == (40,)


def test_a_node_may_keep_half_precision(tmp_path: Path) -> None:
    fine, small = two_layers(tmp_path / "fine.onnx"), tmp_path / "small.onnx"
    quantise_weights(fine, small, half=("listen",))
    kinds = {one.name: one.data_type for one in onnx.load(small).graph.initializer}
    assert kinds["filters_half"] == TensorProto.FLOAT16
    assert kinds["matrix_quantized"] == TensorProto.INT8
    x = np.random.default_rng(1).standard_normal((1, 8, 30)).astype(np.float32)
    given = [ort.InferenceSession(file).run(None, {"x": x})[0] for file in (fine, small)]
    assert np.abs(given[1] - given[0]).max() < 0.02 * np.abs(given[0]).max()
