"""ONNX float to ONNX int8."""

from __future__ import annotations

import logging
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import onnx
from onnx import numpy_helper
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

from ..errors import ExportError, first_line, told

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

#: Operators whose weights ONNX Runtime quantises statically, and those that it only shrinks dynamically.
_RECURRENT = frozenset({"LSTM", "GRU", "RNN"})
#: Of the weights: from this share on in recurrent layers and tables a model is quantised dynamically.
_MOSTLY = 0.5
_INTEGER = frozenset({"QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear", "ConvInteger", "MatMulInteger"})


class _Reader(CalibrationDataReader):  # type: ignore[misc]  # onnxruntime is untyped here
    """Gives the calibration inputs one by one."""

    def __init__(self, input_name: str, inputs: NDArray[Any]) -> None:
        self._rest: Iterator[dict[str, Any]] = iter([{input_name: one[None]} for one in inputs])

    def get_next(self) -> dict[str, Any] | None:
        return next(self._rest, None)


@dataclass(frozen=True, slots=True)
class Quantised:
    """How a model was quantised.

    Attributes:
        dynamic: only the weights, and activations as they come.
        why: what decided, empty where nothing had to be decided.
    """

    dynamic: bool
    why: str = ""


def quantise(
    source: Path,
    target: Path,
    calibration: NDArray[Any],
    *,
    operators: Sequence[str] = (),
    leave_float: Sequence[str] = (),
) -> None:
    """Write an int8 copy of a float model: static, QDQ, a scale for each channel of the weights.

    Batch normalisation is folded into the convolutions first. Activations are unsigned: with signed ones ONNX
    Runtime's convolutions are three times slower on x86-64 and no faster on ARM. Weights use 7 of their 8 bits,
    or sums of products would saturate on CPUs with AVX2 but without VNNI.

    Args:
        source: float ONNX model with one input.
        target: where the int8 model goes.
        calibration: [n, ...] real inputs; the range of each layer is the one that they show.
        operators: operator types to quantise; all that can be where empty.
        leave_float: beginnings of names of nodes that stay in float.
    """
    with _prepared(source) as prepared:
        graph = onnx.load(prepared).graph
        kept = [node.name for node in graph.node if node.name.startswith(tuple(leave_float))] if leave_float else []
        quantize_static(
            prepared,
            target,
            _Reader(graph.input[0].name, calibration),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=list(operators) or None,
            per_channel=True,
            reduce_range=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            nodes_to_exclude=kept,
            calibrate_method=CalibrationMethod.MinMax,
        )


def quantise_dynamic(source: Path, target: Path) -> None:
    """Write a copy of a float model whose weights are int8; activations are quantised as they come.

    For nets that are mostly recurrent, and for tables of embeddings. PyTorch writes the weights of recurrent layers
    as slices of larger ones, which ONNX Runtime cuts out first; a scale for each channel would spoil its LSTM.
    """
    import onnxruntime as ort
    from onnxruntime.quantization import quantize_dynamic

    with tempfile.TemporaryDirectory() as folder:
        folded = Path(folder) / "folded.onnx"
        options = ort.SessionOptions()
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_BASIC
        options.optimized_model_filepath = str(folded)
        options.log_severity_level = 3
        ort.InferenceSession(source, options, providers=["CPUExecutionProvider"])
        model = onnx.load(folded)
        # They tell of shapes from before the weights were turned.
        del model.graph.value_info[:]
        onnx.save(model, folded)
        with _quiet():
            quantize_dynamic(folded, target, per_channel=False, reduce_range=True, weight_type=QuantType.QInt8)


def quantise_somehow(source: Path, target: Path, calibration: NDArray[Any] | None) -> Quantised:
    """Quantise a model the static way, or dynamically where it is mostly recurrent or the static way fails on it.

    Args:
        source: float ONNX model with one input.
        target: where the int8 model goes.
        calibration: [n, ...] real inputs; None asks for the dynamic way.

    Raises:
        ExportError: it is quantised already, or can't be.
    """
    with told(f"{source}: is no ONNX model, or a damaged one"):
        graph = onnx.load(source).graph
    if any(node.op_type in _INTEGER for node in graph.node):
        raise ExportError(f"{source}: is int8 already")
    share = recurrent_share(graph)
    if calibration is None:
        chosen = Quantised(dynamic=True)
    elif share > _MOSTLY:
        chosen = Quantised(
            dynamic=True, why=f"{share:.0%} of its weights are in recurrent layers or tables, which only it shrinks"
        )
    else:
        try:
            quantise(source, target, calibration)
        except Exception as error:  # onnxruntime raises whatever a graph leads to
            if not any(node.op_type in _RECURRENT for node in graph.node):
                raise ExportError(f"{source}: can't be quantised ({first_line(error)})") from error
            chosen = Quantised(dynamic=True, why=f"it is recurrent and the static way fails on it: {first_line(error)}")
        else:
            return Quantised(dynamic=False)
    with told(f"{source}: can't be quantised"):
        quantise_dynamic(source, target)
    return chosen


def recurrent_share(graph: Any) -> float:
    """Return which share (0..1) of a graph's weights, by bytes, is in recurrent layers and in tables of embeddings."""
    sizes = {one.name: numpy_helper.to_array(one).nbytes for one in graph.initializer}
    # A table is the first input of its Gather; what else is looked up (shapes) is small.
    inside = {
        name
        for node in graph.node
        for name in (node.input if node.op_type in _RECURRENT else node.input[:1] if node.op_type == "Gather" else ())
    }
    whole = sum(sizes.values())
    return sum(size for name, size in sizes.items() if name in inside) / whole if whole else 0.0


@contextmanager
def _prepared(source: Path) -> Iterator[Path]:
    """Give a copy with its shapes known and its batch normalisation folded."""
    with _quiet(), tempfile.TemporaryDirectory() as folder:
        prepared = Path(folder) / "prepared.onnx"
        quant_pre_process(source, prepared, skip_symbolic_shape=True)
        yield prepared


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep onnxruntime's advice to itself."""
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.ERROR)
    try:
        yield
    finally:
        root.setLevel(level)
