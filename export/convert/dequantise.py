"""ONNX int8 (QDQ) back to ONNX float, for models of which no float file was kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from ..errors import ExportError, told

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

_PAIR = ("QuantizeLinear", "DequantizeLinear")
#: Operators that compute in int8 themselves: there is no float graph below them.
_INTEGER = frozenset({"ConvInteger", "MatMulInteger", "DynamicQuantizeLinear"})
#: What can't be below 0, and what isn't if its input isn't: no ReLU was dropped after them.
_POSITIVE = frozenset({"Relu", "Sigmoid", "Softmax", "Abs", "Sqrt"})
_KEEPS_SIGN = frozenset(
    {"AveragePool", "Flatten", "GlobalAveragePool", "MaxPool", "ReduceMax", "ReduceMean", "Reshape", "Transpose"}
)
#: A top of a range this near to 6 was a ReLU6.
_SIX, _NEAR = 6.0, 0.03


def is_quantised(source: Path) -> bool:
    """Tell whether an ONNX model computes in int8 anywhere.

    Raises:
        ExportError: it isn't one.
    """
    return _quantised(_read(source))


def to_float(source: Path, target: Path) -> None:
    """Write a QDQ model as a float model: weights with the values that int8 gave them, activations not rounded.

    ONNX Runtime drops a ReLU where the range of the quantiser after it begins at 0, for there the rounding clips
    as well; such a range becomes a ReLU (or ReLU6) again.

    Raises:
        ExportError: the file isn't ONNX, is float already, or computes in operators that have no float twin.
    """
    model = _read(source)
    graph = model.graph
    integer = sorted({node.op_type for node in graph.node if _computes_in_integers(node.op_type)})
    if integer:
        raise ExportError(f"{source}: {', '.join(integer)} can't be turned back into float; convert the float model")
    if not _quantised(model):
        raise ExportError(f"{source}: is in float already")

    constants = {one.name: numpy_helper.to_array(one) for one in graph.initializer}
    stand_ins, nodes = _without_pairs(graph, constants, source)
    renamed = {stand_ins[one.name]: one.name for one in graph.output if one.name in stand_ins}
    for node in nodes:
        for place, name in enumerate(node.input):
            node.input[place] = renamed.get(stand_ins.get(name, name), stand_ins.get(name, name))
        for place, name in enumerate(node.output):
            node.output[place] = renamed.get(name, name)
    used = {name for node in nodes for name in node.input}
    weights = [numpy_helper.from_array(array, name) for name, array in constants.items() if name in used]
    del graph.node[:], graph.initializer[:], graph.value_info[:]
    graph.node.extend(nodes)
    graph.initializer.extend(weights)
    onnx.save(model, target)


def _read(source: Path) -> Any:
    with told(f"{source}: is no ONNX model, or a damaged one"):
        model = onnx.load(source)
        if not model.graph.node:
            raise ValueError("it has no graph")
    return model


def _quantised(model: Any) -> bool:
    return any(node.op_type in _PAIR or _computes_in_integers(node.op_type) for node in model.graph.node)


def _computes_in_integers(op_type: str) -> bool:
    return op_type.startswith(("QLinear", "QGemm", "DynamicQuantize")) or op_type in _INTEGER


def _without_pairs(graph: Any, constants: dict[str, NDArray[Any]], source: Path) -> tuple[Mapping[str, str], list[Any]]:
    """Return what to read in place of a dequantised tensor, and the nodes that stay; weights go to the constants."""
    positive: set[str] = set()
    stand_ins: dict[str, str] = {}
    nodes: list[Any] = []
    for node in graph.node:
        if node.op_type == "QuantizeLinear":
            rounded = stand_ins.get(node.input[0], node.input[0])
            clip = None if rounded in positive else _clip(node, rounded, constants)
            if clip is not None:
                nodes.append(clip)
                rounded = clip.output[0]
                positive.add(rounded)
            stand_ins[node.output[0]] = rounded
        elif node.op_type == "DequantizeLinear":
            if node.input[0] in stand_ins:
                stand_ins[node.output[0]] = stand_ins[node.input[0]]
            else:
                constants[node.output[0]] = _dequantised(node, constants, source)
        else:
            nodes.append(node)
            if node.op_type in _POSITIVE or (
                node.op_type in _KEEPS_SIGN and stand_ins.get(node.input[0], node.input[0]) in positive
            ):
                positive |= set(node.output)
    return stand_ins, nodes


def _clip(node: Any, rounded: str, constants: dict[str, NDArray[Any]]) -> Any | None:
    """Return the ReLU that a quantiser stands for, None if its range goes below 0."""
    zero = constants[node.input[2]] if len(node.input) > 2 else np.uint8(0)  # noqa: PLR2004 - the third is the zero
    scale = constants[node.input[1]]
    limits = np.iinfo(zero.dtype)
    if scale.size > 1 or int(zero) != limits.min:
        return None
    clipped = f"{rounded}_clipped"
    if abs(float(scale) * (limits.max - limits.min) - _SIX) > _NEAR:
        return helper.make_node("Relu", [rounded], [clipped], clipped)
    constants |= {f"{clipped}_low": np.asarray(0.0, np.float32), f"{clipped}_high": np.asarray(_SIX, np.float32)}
    return helper.make_node("Clip", [rounded, f"{clipped}_low", f"{clipped}_high"], [clipped], clipped)


def _dequantised(node: Any, constants: Mapping[str, NDArray[Any]], source: Path) -> NDArray[np.float32]:
    """Return the float values of a weight or bias: (integer - zero) * scale, by channel along the node's axis."""
    try:
        values, scale, *zeros = (constants[name] for name in node.input)
    except KeyError as error:
        raise ExportError(f"{source}: {node.name or node.output[0]} dequantises what no quantiser made") from error
    zero = zeros[0] if zeros else np.zeros_like(scale, values.dtype)
    if scale.ndim == 1:
        axis = next((one.i for one in node.attribute if one.name == "axis"), 1)
        shape = [1] * values.ndim
        shape[axis] = -1
        scale, zero = scale.reshape(shape), zero.reshape(shape)
    difference = values.astype(np.int64) - zero.astype(np.int64)
    return np.asarray(difference * scale.astype(np.float32), np.float32)
