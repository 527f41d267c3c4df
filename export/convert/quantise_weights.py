"""ONNX float to ONNX with int8 weights that is computed in float.

For nets whose activations suffer from int8: channels of very different height side by side, as in a front end that is
all peaks, or a GRU. The file shrinks as much, the outputs hardly change, the speed is that of the float model.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

#: Smaller tables gain nothing.
_LEAST_WEIGHTS = 512
_HIGHEST = 127
#: Which input of an operator holds weights, and along which axis each slice has a scale of its own.
_WEIGHTS = {
    "Conv": ((1, 0),),
    "GRU": ((1, 1), (2, 1)),
    "LSTM": ((1, 1), (2, 1)),
    "MatMul": ((1, -1),),
    # PyTorch cuts the weights of recurrent layers out of larger ones.
    "Slice": ((0, 0),),
}


def quantise_weights(source: Path, target: Path, *, half: Sequence[str] = ()) -> None:
    """Write a copy of a float model whose larger weights are int8, symmetric, with a scale for each channel.

    Args:
        source: float ONNX model.
        target: where the copy goes.
        half: beginnings of names of nodes whose weights are kept in half precision, where int8 is too coarse: large
            weights that nearly cancel each other.
    """
    model = onnx.load(source)
    graph = model.graph
    weights = {one.name: one for one in graph.initializer}
    replaced: dict[str, Any] = {}
    for node in graph.node:
        for place, axis in _places(node):
            name = node.input[place]
            if name in weights and name not in replaced:
                values = numpy_helper.to_array(weights[name])
                if values.dtype == np.float32 and values.size >= _LEAST_WEIGHTS:
                    if half and node.name.startswith(tuple(half)):
                        replaced[name] = _halve(graph, weights[name], values)
                    else:
                        replaced[name] = _shrink(graph, weights[name], values, axis % values.ndim)
            if name in replaced:
                node.input[place] = replaced[name].output[0]
    nodes = [*replaced.values(), *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    onnx.checker.check_model(model)
    onnx.save(model, target)


def _places(node: Any) -> tuple[tuple[int, int], ...]:
    if node.op_type != "Gemm":
        return _WEIGHTS.get(node.op_type, ())
    turned = any(one.name == "transB" and one.i for one in node.attribute)
    return ((1, 0 if turned else 1),)


def _halve(graph: Any, weight: Any, values: NDArray[np.float32]) -> Any:
    """Put half-precision values in place of a weight and return the node that gives the float values back."""
    name = weight.name
    graph.initializer.remove(weight)
    graph.initializer.append(numpy_helper.from_array(values.astype(np.float16), f"{name}_half"))
    return helper.make_node("Cast", [f"{name}_half"], [f"{name}_whole"], name, to=onnx.TensorProto.FLOAT)


def _shrink(graph: Any, weight: Any, values: NDArray[np.float32], axis: int) -> Any:
    """Put int8 values in place of a weight and return the node that gives the float values back."""
    others = tuple(n for n in range(values.ndim) if n != axis)
    scale = np.maximum(np.abs(values).max(axis=others), np.finfo(np.float32).tiny) / _HIGHEST
    shape = [-1 if n == axis else 1 for n in range(values.ndim)]
    small = np.round(values / scale.reshape(shape)).astype(np.int8)
    name = weight.name
    graph.initializer.remove(weight)
    graph.initializer.append(numpy_helper.from_array(small, f"{name}_quantized"))
    graph.initializer.append(numpy_helper.from_array(scale.astype(np.float32), f"{name}_scale"))
    return helper.make_node(
        "DequantizeLinear", [f"{name}_quantized", f"{name}_scale"], [f"{name}_dequantized"], name, axis=axis
    )
