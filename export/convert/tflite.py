"""PyTorch, ONNX and Keras to TFLite, in float or int8."""

from __future__ import annotations

import shutil
import tempfile
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from robotd.config import Runtime
from robotd.perceive.runtime import Tflite

from ..errors import AskedError, ExportError, told
from ..whole import whole
from .environment import LITERT, TENSORFLOW, Environment, naming, run_worker

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

KERAS = (".keras", ".h5", ".hdf5")
#: What was converted in float may differ so much from the original, as a share of its largest output.
TOLERANCE = 1e-3

#: What an operator of ONNX is called in TFLite.
_OPERATORS = {
    "Add": ("ADD",),
    "AveragePool": ("AVERAGE_POOL_2D",),
    "Concat": ("CONCATENATION",),
    "Conv": ("CONV_2D", "DEPTHWISE_CONV_2D", "PAD"),
    "ConvTranspose": ("CONV_2D_TRANSPOSE",),
    "Gemm": ("FULLY_CONNECTED",),
    "GlobalAveragePool": ("MEAN",),
    "MatMul": ("FULLY_CONNECTED", "BATCH_MATMUL"),
    "MaxPool": ("MAX_POOL_2D", "PADV2"),
    "Mul": ("MUL",),
    "ReduceMean": ("MEAN",),
    "Relu": ("RELU",),
    "Sigmoid": ("LOGISTIC",),
    "Sub": ("SUB",),
    "Tanh": ("TANH",),
}


class TfliteSession:
    """A TFLite model as the daemon runs it, on one thread; float inputs and outputs.

    Raises:
        ExportError: the file is missing or isn't TFLite.
    """

    def __init__(self, file: Path) -> None:
        with told(f"{file}: is no TFLite model that can be run"):
            self._model = Tflite(file.read_bytes(), Runtime(threads=1))
        self.shape = self._model.shape

    def run(self, array: NDArray[Any]) -> list[NDArray[Any]]:
        """Return all outputs for one input of `shape`."""
        return list(self._model.run(array))

    def logits(self, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return [n, ...], the first outputs of [n, ...] inputs, one at a time."""
        return np.concatenate([self.run(one[None])[0] for one in inputs])

    def latency_ms(self, one: NDArray[np.float32], runs: int = 200) -> float:
        """Return the median time of an inference."""
        times = []
        for _ in range(runs):
            started_s = time.perf_counter()
            self.run(one[None])
            times.append(time.perf_counter() - started_s)
        return float(np.median(times)) * 1000.0


def to_tflite(
    source: Path,
    target: Path,
    calibration: NDArray[np.float32] | None = None,
    *,
    dynamic: bool = False,
    operators: Sequence[str] = (),
    input_shape: Sequence[int] | None = None,
) -> None:
    """Write a model as TFLite with the input that it has: shape, layout (NCHW stays NCHW), float32 in and out.

    Int8 weights have a scale for each channel. In recurrent nets only the convolutions become int8 throughout;
    of the rest the weights do, and what they are multiplied with is quantised as it comes.

    Args:
        source: PyTorch exported program (.pt2), ONNX (.onnx; if int8, as `to_float` makes of it), Keras (.keras, .h5,
            a SavedModel's folder), or TFLite in float (.tflite).
        target: where the TFLite model goes; nothing is left there if it can't be made.
        calibration: [n, ...] real inputs, for int8 weights and activations; float without.
        dynamic: int8 weights without calibration.
        operators: ONNX names of the operator types to quantise; what bears it where empty.
        input_shape: of a Keras model that leaves more sides open than the batch.

    Raises:
        ExportError: the source can't be read or converted, or the calibration has another shape than the input.
    """
    if not source.exists():
        raise ExportError(f"{source}: there is no such file")
    _refuse_unknown(operators)
    with tempfile.TemporaryDirectory() as folder:
        fine = Path(folder) / "float.tflite"
        environment = LITERT
        with naming(source):
            if source.suffix == ".tflite":
                shutil.copyfile(source, fine)
            elif source.suffix == ".pt2":
                run_worker(LITERT, "from_torch", source, fine)
            elif source.suffix == ".onnx":
                _onnx_to_float(source, fine)
            elif source.suffix in KERAS or (source / "saved_model.pb").is_file():
                environment = TENSORFLOW
                run_worker(TENSORFLOW, "from_keras", source, fine, ",".join(map(str, input_shape or ())))
            else:
                raise ExportError("not one of .pt2, .onnx, .keras, .h5, .tflite or a SavedModel's folder")
            _finish(fine, target, calibration, dynamic=dynamic, operators=operators, environment=environment)


def net_to_tflite(
    net: Any,
    target: Path,
    input_shape: Sequence[int],
    calibration: NDArray[np.float32] | None = None,
    *,
    operators: Sequence[str] = (),
) -> None:
    """Write a trained torch net as TFLite: as `to_tflite`, without a file in between.

    Raises:
        ExportError: it can't be converted.
    """
    _refuse_unknown(operators)
    with tempfile.TemporaryDirectory() as folder:
        fine = Path(folder) / "float.tflite"
        _net_to_float(net, input_shape, fine)
        _finish(fine, target, calibration, dynamic=False, operators=operators, environment=LITERT)


def _onnx_to_float(source: Path, fine: Path) -> None:
    from .dequantise import is_quantised, to_float
    from .onnx_net import onnx_net

    if is_quantised(source):
        whole_numbers, source = source, fine.with_suffix(".onnx")
        to_float(whole_numbers, source)
    _net_to_float(*onnx_net(source), fine)


def _net_to_float(net: Any, input_shape: Sequence[int], fine: Path) -> None:
    import torch

    program = fine.with_suffix(".pt2")
    net = net.eval().to(memory_format=torch.contiguous_format)
    with told("the net can't be exported from PyTorch"), torch.no_grad(), warnings.catch_warnings():
        # Of weights that recurrent layers list a second time.
        warnings.simplefilter("ignore")
        torch.export.save(torch.export.export(net, (torch.zeros(tuple(input_shape)),)), program)
    run_worker(LITERT, "from_torch", program, fine)


def _finish(
    fine: Path,
    target: Path,
    calibration: NDArray[np.float32] | None,
    *,
    dynamic: bool,
    operators: Sequence[str],
    environment: Environment,
) -> None:
    """Quantise a float model where that is wanted, and put it into its place once it has been run."""
    _refuse_another(fine)
    shape = TfliteSession(fine).shape
    made = fine.with_name("int8.tflite")
    if calibration is not None:
        if calibration.shape[1:] != shape[1:]:
            given = list(calibration.shape[1:])
            raise ExportError(f"takes {list(shape)}, but a calibration input is {given}")
        inputs = fine.with_name("calibration.npy")
        np.save(inputs, calibration.astype(np.float32))
        wanted = ",".join(sorted({name for operator in operators for name in _OPERATORS[operator]}))
        run_worker(environment, "quantise", fine, made, "--calibration", inputs, "--operators", wanted)
    elif dynamic:
        run_worker(environment, "quantise", fine, made)
    else:
        made = fine
    outputs = TfliteSession(made).run(np.zeros(shape, np.float32))
    if not all(np.isfinite(output).all() for output in outputs):
        raise ExportError("what was converted gives no numbers for zeros")
    with whole(target) as part:
        shutil.copyfile(made, part)


def _refuse_another(fine: Path) -> None:
    """Compare a float model with what its worker noted down of the original.

    Raises:
        ExportError: it computes something else.
    """
    noted = fine.with_name("reference.npz")
    if not noted.is_file():
        return
    with np.load(noted) as reference:
        given = TfliteSession(fine).run(reference["input"])
        wanted = [reference[f"output_{n}"] for n in range(len(reference.files) - 1)]
    refuse_another(wanted, given)


def refuse_another(wanted: Sequence[NDArray[Any]], given: Sequence[NDArray[Any]]) -> None:
    """Compare the outputs of an original with those of what was converted from it.

    Raises:
        ExportError: they differ.
    """
    shapes = [[list(one.shape) for one in many] for many in (wanted, given)]
    if shapes[0] != shapes[1]:
        raise ExportError(f"gives {shapes[0]}, but what was converted gives {shapes[1]}")
    for want, give in zip(wanted, given, strict=True):
        if not np.allclose(want, give, rtol=TOLERANCE, atol=TOLERANCE * max(1.0, float(np.abs(want).max()))):
            difference = float(np.abs(want - give).max())
            raise ExportError(f"what was converted computes something else (outputs differ by {difference:.3g})")


def _refuse_unknown(operators: Sequence[str]) -> None:
    unknown = [operator for operator in operators if operator not in _OPERATORS]
    if unknown:
        raise AskedError(f"can't quantise {', '.join(unknown)} in TFLite; there are {', '.join(_OPERATORS)}")
