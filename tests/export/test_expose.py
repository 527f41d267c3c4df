from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pytest
import yaml
from onnx import TensorProto, helper, numpy_helper

from export.convert.expose import EMBEDDING, expose, expose_shipped
from export.errors import ExportError
from export.verify import onnx_outputs, open_session
from tests.perceive.modelfiles import installed

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

HIDDEN, CLASSES = 6, 3


def two_layers(file: Path, last: str = "Gemm") -> Path:
    """Write a net of a layer, a ReLU and a layer; return its file."""
    rng = np.random.default_rng(0)

    def weights(name: str, *shape: int) -> onnx.TensorProto:
        return numpy_helper.from_array(rng.normal(size=shape).astype(np.float32), name)

    nodes = [
        helper.make_node("Gemm", ["x", "w1", "b1"], ["before"]),
        helper.make_node("Relu", ["before"], ["hidden"]),
    ]
    if last == "Gemm":
        nodes.append(helper.make_node("Gemm", ["hidden", "w2", "b2"], ["logits"]))
    else:
        nodes += [
            helper.make_node("MatMul", ["hidden", "w2"], ["product"]),
            helper.make_node(last, ["product", "b2"] if last == "Add" else ["product"], ["logits"]),
        ]
    graph = helper.make_graph(
        nodes,
        "two layers",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 4])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, CLASSES])],
        [weights("w1", 4, HIDDEN), weights("b1", HIDDEN), weights("w2", HIDDEN, CLASSES), weights("b2", CLASSES)],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9), file)
    return file


def some_inputs(count: int = 32) -> NDArray[Any]:
    return np.random.default_rng(1).normal(size=(count, 4)).astype(np.float32)


@pytest.mark.parametrize("last", ["Gemm", "Add"])
def test_the_embedding_is_what_the_last_layer_reads(tmp_path: Path, last: str) -> None:
    file = two_layers(tmp_path / "net.onnx", last)
    before = onnx_outputs(open_session(file), some_inputs())
    assert expose(file) == [1, HIDDEN]
    after = onnx_outputs(open_session(file), some_inputs())
    assert list(after) == ["logits", EMBEDDING]
    np.testing.assert_array_equal(after["logits"], before["logits"])
    weights = {one.name: numpy_helper.to_array(one) for one in onnx.load(file).graph.initializer}
    np.testing.assert_allclose(after[EMBEDDING] @ weights["w2"] + weights["b2"], after["logits"], atol=1e-5)


def test_an_int8_model_says_the_same_to_the_last_bit(tmp_path: Path) -> None:
    from export.convert.quantise import quantise

    fine, small = two_layers(tmp_path / "fine.onnx"), tmp_path / "small.onnx"
    quantise(fine, small, some_inputs(200))
    before = onnx_outputs(open_session(small), some_inputs())
    expose(fine)
    expose(small)
    after = onnx_outputs(open_session(small), some_inputs())
    np.testing.assert_array_equal(after["logits"], before["logits"])
    exact = onnx_outputs(open_session(fine), some_inputs())[EMBEDDING]
    assert np.abs(after[EMBEDDING] - exact).max() < 0.05 * exact.max()


def test_a_model_that_has_it_stays_as_it_is(tmp_path: Path) -> None:
    file = two_layers(tmp_path / "net.onnx")
    expose(file)
    once = file.read_bytes()
    assert expose(file) == [1, HIDDEN]
    assert file.read_bytes() == once


def test_the_manifest_tells_of_it(tmp_path: Path) -> None:
    content = two_layers(tmp_path / "made.onnx").read_bytes()
    folder = installed(tmp_path, content, input={"name": "x", "shape": [1, 4], "meaning": "four numbers"})
    expose_shipped(folder, "tiny")
    entry = yaml.safe_load((folder / "manifest.yaml").read_text())["models"]["tiny"]
    assert [(output["name"], output["shape"]) for output in entry["outputs"]] == [
        ("logits", [1, CLASSES]),
        (EMBEDDING, [1, HIDDEN]),
    ]
    assert entry["sha256"] == hashlib.sha256((folder / "tiny.onnx").read_bytes()).hexdigest()


def test_a_net_that_does_not_end_in_a_linear_layer_is_left_alone(tmp_path: Path) -> None:
    file = two_layers(tmp_path / "net.onnx", "Tanh")
    content = file.read_bytes()
    with pytest.raises(ExportError, match="does not come from a linear layer"):
        expose(file)
    assert file.read_bytes() == content


def test_what_is_no_model_is_told(tmp_path: Path) -> None:
    file = tmp_path / "net.onnx"
    file.write_bytes(b"no model at all")
    with pytest.raises(ExportError, match="is no ONNX model"):
        expose(file)
    with pytest.raises(ExportError, match="is no ONNX model"):
        expose(tmp_path / "absent.onnx")
