"""TFLite float to TFLite int8: `quantise.py SOURCE TARGET [--calibration NPY] [--operators CONV_2D,...]`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from ai_edge_quantizer import qtyping, quantizer
from ai_edge_quantizer.calibrator import CalibrationMode

_Name = qtyping.TFLOperationName
_EVERYTHING = ".*"
#: What a recurrent net's convolutional part is made of. Sums over time and gates don't bear 8 bits.
_CONVOLUTIONAL = (
    _Name.CONV_2D,
    _Name.DEPTHWISE_CONV_2D,
    _Name.MAX_POOL_2D,
    _Name.AVERAGE_POOL_2D,
    _Name.PAD,
    _Name.RELU,
)
_RECURRENT_OPERATORS = ("UNIDIRECTIONAL_SEQUENCE", "BIDIRECTIONAL_SEQUENCE", "WHILE")
#: Recurrent layers are mostly unrolled, but the names of their tensors tell: PyTorch's, Keras's, loops'.
_RECURRENT_NAMES = ("torch.nn.modules.rnn.", "/lstm_cell", "/gru_cell", "/simple_rnn_cell", "/while")


def main() -> None:
    """Quantise the file that the command line names."""
    parser = argparse.ArgumentParser()
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("--calibration", type=Path)
    parser.add_argument("--operators", default="")
    chosen = parser.parse_args()
    interpreter = Interpreter(
        str(chosen.source), experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    )
    interpreter.allocate_tensors()
    work = quantizer.Quantizer(str(chosen.source))
    if chosen.calibration is None:
        work.add_dynamic_config(_EVERYTHING, _Name.ALL_SUPPORTED, num_bits=8)
        result = work.quantize(enable_progress_report=False)
    else:
        _choose(work, interpreter, [_Name(name) for name in chosen.operators.split(",") if name])
        ((signature, names),) = interpreter.get_signature_list().items()
        (name,) = names["inputs"]
        samples = [{name: one[None]} for one in np.load(chosen.calibration)]
        try:
            ranges = work.calibrate({signature: samples}, num_threads=1)
        except ValueError:  # a tensor of the model is never filled; the other way asks only for those that are
            way = CalibrationMode.CALIBRATION_PROFILER_BASED
            ranges = work.calibrate({signature: samples}, num_threads=1, mode=way)
        result = work.quantize(ranges, enable_progress_report=False)
    result.export_model(str(chosen.target), overwrite=True)


def _choose(work: quantizer.Quantizer, interpreter: Interpreter, operators: list[qtyping.TFLOperationName]) -> None:
    """Say what becomes int8: all, or what is named; of a recurrent net what bears it."""
    if not operators and _is_recurrent(interpreter):
        operators = list(_CONVOLUTIONAL)
    if operators:
        # Their weights are a quarter as large then; their activations are quantised by the runtime, row by row.
        work.add_dynamic_config(_EVERYTHING, _Name.FULLY_CONNECTED, num_bits=8)
    for operator in operators or [_Name.ALL_SUPPORTED]:
        work.add_static_config(_EVERYTHING, operator, activation_num_bits=8, weight_num_bits=8)
    if not operators:  # float in and out, so that the model can stand in for the float one
        for end in (_Name.INPUT, _Name.OUTPUT):
            work.update_quantization_recipe(_EVERYTHING, end, algorithm_key="no_quantize")


def _is_recurrent(interpreter: Interpreter) -> bool:
    operators = {one["op_name"] for one in interpreter._get_ops_details()}  # noqa: SLF001 - there is no other way
    names = [one["name"] for one in interpreter.get_tensor_details()]
    return any(operator.startswith(_RECURRENT_OPERATORS) for operator in operators) or any(
        part in name for part in _RECURRENT_NAMES for name in names
    )


if __name__ == "__main__":
    try:
        main()
    except Exception as error:  # noqa: BLE001 - told in one line, whatever the libraries raise
        sys.exit(f"cannot: {(str(error).splitlines() or [type(error).__name__])[0]}")
