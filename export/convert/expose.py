"""Gives an ONNX classifier a second output: what its last linear layer reads, for models that are put on top of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import onnx
from onnx import helper, shape_inference

from ..errors import ExportError, told

if TYPE_CHECKING:
    from pathlib import Path

EMBEDDING = "embedding"
MEANING = "what the last linear layer reads; fusion_mid begins with it"
_LINEAR = frozenset({"Gemm", "MatMul"})
#: What may stand between the last linear layer and the logits.
_AFTER = frozenset({"Add", "DequantizeLinear", "Identity", "QuantizeLinear", "Reshape"})


def expose(file: Path) -> list[int]:
    """Add the output `embedding` to an ONNX file, float or int8 (QDQ), in place; return its shape.

    Nothing else changes: the logits stay what they were to the last bit. A file that has the output keeps it.

    Raises:
        ExportError: it isn't ONNX, or its first output doesn't come from a linear layer with one known input.
    """
    with told(f"{file}: is no ONNX model, or a damaged one"):
        model = onnx.load(file)
        inferred = shape_inference.infer_shapes(model)
    graph = model.graph
    there = next((_shape(output) for output in graph.output if output.name == EMBEDDING), None)
    if there is not None:
        return there

    makers = {name: node for node in graph.node for name in node.output}
    read = _last_linear(makers, graph, file).input[0]
    shape = _shape_of(inferred.graph, read, makers)
    if shape is None:
        raise ExportError(f"{file}: the shape of what its last linear layer reads is not known")
    maker = makers.get(read)
    if maker is not None and maker.op_type == "DequantizeLinear":
        # A twin of the dequantiser, for the runtime joins the first one with the layer into an int8 operation.
        twin = helper.make_node(maker.op_type, list(maker.input), [EMBEDDING], EMBEDDING)
        twin.attribute.extend(maker.attribute)
    else:
        twin = helper.make_node("Identity", [read], [EMBEDDING], EMBEDDING)
    graph.node.append(twin)
    graph.output.append(helper.make_tensor_value_info(EMBEDDING, onnx.TensorProto.FLOAT, shape))
    onnx.checker.check_model(model)
    onnx.save(model, file)
    return shape


def expose_shipped(folder: Path, name: str) -> None:
    """Add the output to a model of a manifest, and say so in its entry."""
    import hashlib

    import yaml

    from ..card import MANIFEST, write_entry

    described: dict[str, Any] = yaml.safe_load((folder / MANIFEST).read_text(encoding="utf-8"))["models"][name]
    file = folder / described["file"]
    shape = expose(file)
    others = [output for output in described["outputs"] if output["name"] != EMBEDDING]
    described["outputs"] = [*others, {"name": EMBEDDING, "shape": shape, "dtype": "float32", "meaning": MEANING}]
    described["sha256"] = hashlib.sha256(file.read_bytes()).hexdigest()
    write_entry(folder, name, described)


def _last_linear(makers: dict[str, Any], graph: Any, file: Path) -> Any:
    """Walk from the first output back to the linear layer that it comes from."""
    initial = {one.name for one in graph.initializer}
    node = makers.get(graph.output[0].name)
    while node is not None and node.op_type in _AFTER:
        # A constant is never the way on: a bias, a scale, a shape.
        sources = [name for name in node.input if name not in initial]
        node = makers.get(sources[0]) if sources else None
    if node is None or node.op_type not in _LINEAR:
        raise ExportError(f"{file}: its output {graph.output[0].name!r} does not come from a linear layer")
    return node


def _shape_of(graph: Any, name: str, makers: dict[str, Any]) -> list[int] | None:
    """Return a tensor's shape, or that of what was quantised to give it."""
    known = {one.name: _shape(one) for one in (*graph.value_info, *graph.input, *graph.output)}
    while name not in known or not known[name]:
        maker = makers.get(name)
        if maker is None or maker.op_type not in _AFTER:
            return None
        name = maker.input[0]
    shape = known[name]
    return shape if shape and all(side > 0 for side in shape) else None


def _shape(value: Any) -> list[int]:
    return [dimension.dim_value for dimension in value.type.tensor_type.shape.dim]
