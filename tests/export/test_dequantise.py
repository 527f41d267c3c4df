"""An int8 model becomes a float model again that says nearly the same."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from export.convert.dequantise import is_quantised, to_float
from export.convert.quantise import quantise
from export.errors import ExportError
from export.verify import onnx_logits, open_session

SIDE = 12


def small_net(file: Path, activation: str = "Relu") -> None:
    """Convolution, activation, pooling, sum, linear layer."""
    rng = np.random.default_rng(0)
    weights = {
        "conv": rng.normal(0, 0.3, (8, 1, 3, 3)),
        "bias": rng.normal(0, 0.1, 8),
        "again": rng.normal(0, 0.2, (8, 8, 3, 3)),
        "linear": rng.normal(0, 0.2, (8, 4)),
        "low": np.array(0.0),
        "high": np.array(6.0),
    }
    limits = ["low", "high"] if activation == "Clip" else []
    nodes = [
        helper.make_node("Conv", ["image", "conv", "bias"], ["c"], pads=[1, 1, 1, 1]),
        helper.make_node(activation, ["c", *limits], ["a"]),
        helper.make_node("Conv", ["a", "again"], ["d"], pads=[1, 1, 1, 1]),
        helper.make_node("Add", ["a", "d"], ["s"]),
        helper.make_node(activation, ["s", *limits], ["t"]),
        helper.make_node("GlobalAveragePool", ["t"], ["p"]),
        helper.make_node("Flatten", ["p"], ["f"]),
        helper.make_node("Gemm", ["f", "linear"], ["logits"]),
    ]
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 1, SIDE, SIDE])
    logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, 4])
    arrays = [numpy_helper.from_array(array.astype(np.float32), name) for name, array in weights.items()]
    graph = helper.make_graph(nodes, "small", [image], [logits], arrays)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10), file)


@pytest.fixture
def images() -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return np.random.default_rng(1).normal(0, 2, (64, 1, SIDE, SIDE)).astype(np.float32)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("activation", ["Relu", "Clip"])
def test_float_and_back(tmp_path: Path, images: np.ndarray, activation: str) -> None:
    small_net(tmp_path / "float.onnx", activation)
    quantise(tmp_path / "float.onnx", tmp_path / "int8.onnx", images)
    assert is_quantised(tmp_path / "int8.onnx")
    assert not is_quantised(tmp_path / "float.onnx")

    to_float(tmp_path / "int8.onnx", tmp_path / "back.onnx")
    back = onnx.load(tmp_path / "back.onnx")
    kinds = Counter(node.op_type for node in back.graph.node)
    assert kinds["Conv"] == 2
    assert kinds["Relu"] + kinds["Clip"] == 2, "ReLUs that the quantiser dropped are there again"
    assert "QuantizeLinear" not in kinds
    assert [output.name for output in back.graph.output] == ["logits"]

    logits = {name: onnx_logits(open_session(tmp_path / f"{name}.onnx"), images) for name in ("float", "int8", "back")}
    spread = float(logits["float"].std())
    assert np.abs(logits["back"] - logits["float"]).max() < 0.15 * spread
    assert np.abs(logits["back"] - logits["float"]).mean() <= np.abs(logits["int8"] - logits["float"]).mean()


def test_a_float_model_is_refused(tmp_path: Path) -> None:
    small_net(tmp_path / "float.onnx")
    with pytest.raises(ExportError, match="is in float already"):
        to_float(tmp_path / "float.onnx", tmp_path / "back.onnx")
    assert not (tmp_path / "back.onnx").exists()


def test_a_damaged_file_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "damaged.onnx").write_bytes(b"\x08\x99nothing")
    with pytest.raises(ExportError, match=r"damaged\.onnx: is no ONNX model") as told:
        to_float(tmp_path / "damaged.onnx", tmp_path / "back.onnx")
    assert "\n" not in str(told.value)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_integer_operators_have_no_way_back(tmp_path: Path) -> None:
    from onnxruntime.quantization import quantize_dynamic

    small_net(tmp_path / "float.onnx")
    quantize_dynamic(tmp_path / "float.onnx", tmp_path / "dynamic.onnx")
    with pytest.raises(ExportError, match="can't be turned back into float"):
        to_float(tmp_path / "dynamic.onnx", tmp_path / "back.onnx")
