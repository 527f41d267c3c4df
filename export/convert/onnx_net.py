"""ONNX as a PyTorch net, on its way to TFLite: there its layout stays, which converters by way of TensorFlow turn."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import onnx
import torch
from onnx import helper, numpy_helper
from torch import nn

from ..errors import ExportError, told
from .onnx_operators import OPERATORS, Step

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_OLDEST_OPSET = 13
_TWO_WAYS = 2
#: Places among the inputs of a recurrent layer.
_BIASES, _LENGTHS, _STARTS = 3, 4, 5
#: The gates of a recurrent layer in PyTorch's order, by their places in ONNX's (i o f c, and z r h).
_GATES = {"LSTM": (0, 2, 3, 1), "GRU": (1, 0, 2)}


class OnnxNet(nn.Module):  # type: ignore[misc]  # torch is untyped here
    """Runs the steps of a graph one after the other."""

    def __init__(self, graph: Any) -> None:
        super().__init__()
        arrays = {one.name: numpy_helper.to_array(one).copy() for one in graph.initializer}
        self.taken, self.given = graph.input[0].name, [one.name for one in graph.output]
        self.steps: list[Step] = []
        self.constants: dict[str, str] = {}
        self.layers = nn.ModuleDict()
        for number, node in enumerate(graph.node):
            options = {one.name: _plain(helper.get_attribute_value(one)) for one in node.attribute}
            known = {place: arrays[name] for place, name in enumerate(node.input) if name in arrays}
            step = Step(node.op_type, options, list(node.input), list(node.output), known)
            if step.kind in _GATES:
                self.layers[str(number)] = _recurrent(step)
            elif step.kind not in OPERATORS:
                raise ExportError(f"{step.kind} can't be converted to TFLite from ONNX; convert the model's source")
            self.steps.append(step)
            for name in node.input:
                if name in arrays and name not in self.constants and step.kind not in _GATES:
                    self.constants[name] = f"constant_{len(self.constants)}"
                    self.register_buffer(self.constants[name], torch.from_numpy(arrays[name]))

    def forward(self, x: Any) -> Any:
        """Take the graph's input and return its output, or its outputs."""
        values = {name: getattr(self, buffer) for name, buffer in self.constants.items()} | {self.taken: x}
        for number, step in enumerate(self.steps):
            inputs = [values.get(name) for name in step.inputs]
            if step.kind in _GATES:
                results = _run_recurrent(step, self.layers[str(number)], inputs)
            else:
                results = OPERATORS[step.kind](step, *inputs)
            results = results if isinstance(results, (tuple, list)) else [results]
            values |= zip(step.outputs, results, strict=False)
        outputs = tuple(values[name] for name in self.given)
        return outputs[0] if len(outputs) == 1 else outputs


def onnx_net(source: Path) -> tuple[Any, tuple[int, ...]]:
    """Return an ONNX model as a PyTorch net, and the shape of its input.

    Raises:
        ExportError: it is damaged, has open shapes or several inputs, or an operator that can't be converted.
    """
    with told(f"{source}: is no ONNX model that can be converted"):
        graph = _folded(source).graph
    if len(graph.input) != 1:
        raise ExportError(f"{source}: has {len(graph.input)} inputs; robotd's models take one")
    shape = tuple(side.dim_value for side in graph.input[0].type.tensor_type.shape.dim)
    if not all(side > 0 for side in shape):
        raise ExportError(f"{source}: the shape of its input is not fixed")
    with told(f"{source}: can't be converted"):
        return OnnxNet(graph).eval(), shape


def _folded(source: Path) -> Any:
    """Let ONNX Runtime compute what is constant, shapes before all, and join what it can."""
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime as ort

    model = onnx.load(source)
    opset = next((one.version for one in model.opset_import if one.domain in {"", "ai.onnx"}), 0)
    if opset < _OLDEST_OPSET:
        raise ExportError(f"{source}: has opset {opset}; convert it to ONNX first, which raises it")
    with tempfile.TemporaryDirectory() as folder:
        options = ort.SessionOptions()
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_BASIC
        options.optimized_model_filepath = str(Path(folder) / "folded.onnx")
        options.log_severity_level = 3
        ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        return onnx.load(options.optimized_model_filepath)


def _plain(value: Any) -> Any:
    return value.decode() if isinstance(value, bytes) else value


def _recurrent(step: Step) -> Any:
    """Make PyTorch's layer of ONNX's weights."""
    options, known = step.options, step.constants
    unusual = [name for name in ("activations", "clip", "layout", "input_forget") if options.get(name)]
    if step.kind == "GRU" and not options.get("linear_before_reset"):
        unusual.append("linear_before_reset=0")
    if len(step.inputs) > _LENGTHS and step.inputs[_LENGTHS]:
        unusual.append("sequence_lens")
    if unusual or not {1, 2} <= set(known):
        raise ExportError(f"{step.kind} with {', '.join(unusual) or 'weights that are computed'} can't be converted")
    weight, again = known[1], known[2]
    ways, hidden = weight.shape[0], again.shape[2]
    layer = {"LSTM": nn.LSTM, "GRU": nn.GRU}[step.kind](
        weight.shape[2], hidden, bias=_BIASES in known, bidirectional=ways == _TWO_WAYS
    )

    def in_order(rows: NDArray[np.float32]) -> Any:
        gates = rows.reshape(len(_GATES[step.kind]), hidden, *rows.shape[1:])
        return torch.from_numpy(gates[list(_GATES[step.kind])].reshape(rows.shape).copy())

    state: dict[str, Any] = {}
    for way in range(ways):
        end = "l0_reverse" if way else "l0"
        state |= {f"weight_ih_{end}": in_order(weight[way]), f"weight_hh_{end}": in_order(again[way])}
        if _BIASES in known:
            half = known[_BIASES].shape[1] // 2
            state |= {
                f"bias_ih_{end}": in_order(known[_BIASES][way][:half]),
                f"bias_hh_{end}": in_order(known[_BIASES][way][half:]),
            }
    layer.load_state_dict(state)
    return layer


def _run_recurrent(step: Step, layer: Any, inputs: list[Any]) -> tuple[Any, ...]:
    """Run a layer on [steps, n, features]; return Y [steps, ways, n, hidden], Y_h, and Y_c of an LSTM."""
    x = inputs[0]
    backwards = step.options.get("direction", "forward") == "reverse"
    ways = _TWO_WAYS if layer.bidirectional else 1
    starts = [
        torch.from_numpy(step.constants[place]) if place in step.constants else inputs[place]
        for place in range(_STARTS, min(len(inputs), _STARTS + (2 if step.kind == "LSTM" else 1)))
    ]
    known = [start for start in starts if start is not None]
    begin = None if not known else tuple(known) if step.kind == "LSTM" else known[0]
    heard, last = layer(x.flip(0) if backwards else x, begin)
    heard = heard.flip(0) if backwards else heard
    by_way = heard.reshape(x.shape[0], x.shape[1], ways, layer.hidden_size).transpose(1, 2)
    return (by_way, *last) if step.kind == "LSTM" else (by_way, last)
