"""ONNX float to ONNX int8."""

from __future__ import annotations

import logging
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import onnx
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray


class _Reader(CalibrationDataReader):  # type: ignore[misc]  # onnxruntime is untyped here
    """Gives the calibration inputs one by one."""

    def __init__(self, input_name: str, inputs: NDArray[np.float32]) -> None:
        self._rest: Iterator[dict[str, Any]] = iter([{input_name: one[None]} for one in inputs])

    def get_next(self) -> dict[str, Any] | None:
        return next(self._rest, None)


def quantise(
    source: Path,
    target: Path,
    calibration: NDArray[np.float32],
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
    logging.getLogger().setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory() as folder:
        prepared = Path(folder) / "prepared.onnx"
        quant_pre_process(source, prepared, skip_symbolic_shape=True)
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

    For nets that are mostly recurrent, and for tables of embeddings.
    """
    from onnxruntime.quantization import quantize_dynamic

    logging.getLogger().setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory() as folder:
        prepared = Path(folder) / "prepared.onnx"
        quant_pre_process(source, prepared, skip_symbolic_shape=True)
        quantize_dynamic(prepared, target, per_channel=True, reduce_range=True, weight_type=QuantType.QInt8)
