"""Stores the weights that stay in float in half precision: half the file, the same speed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from ..errors import told

if TYPE_CHECKING:
    from pathlib import Path

#: Smaller tensors are not worth a node.
_LEAST = 256
_PAIR = frozenset({"QuantizeLinear", "DequantizeLinear"})


def halve(file: Path) -> None:
    """Store the larger float weights of an ONNX file as float16, in place.

    Each is cast back to float32 by a node that the runtime computes once, when it loads the model. Weights lose
    everything past their eleventh bit. Scales of quantisers stay as they are, and so does what float16 can't hold.

    Raises:
        ExportError: it isn't ONNX.
    """
    with told(f"{file}: is no ONNX model, or a damaged one"):
        model = onnx.load(file)
    graph = model.graph
    kept = {name for node in graph.node if node.op_type in _PAIR for name in node.input}
    largest = float(np.finfo(np.float16).max)
    casts = []
    for tensor in graph.initializer:
        if tensor.data_type != TensorProto.FLOAT or tensor.name in kept:
            continue
        values = numpy_helper.to_array(tensor)
        if values.size < _LEAST or not np.abs(values).max() < largest:
            continue
        name = tensor.name
        tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float16), f"{name}_half"))
        casts.append(helper.make_node("Cast", [f"{name}_half"], [name], f"{name}_cast", to=TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    onnx.checker.check_model(model)
    onnx.save(model, file)
