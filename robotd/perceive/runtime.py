"""One `Model` over ONNX Runtime and LiteRT (TFLite)."""

from __future__ import annotations

import contextlib
import logging
import os
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from robotd.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from robotd.config import Runtime
    from robotd.perceive.manifest import Manifest, ModelEntry, Task

log = logging.getLogger(__name__)

_PROVIDERS = {
    "cpu": "CPUExecutionProvider",
    "xnnpack": "XnnpackExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "tensorrt": "TensorrtExecutionProvider",
}


class _Backend(Protocol):
    shape: tuple[int, ...]

    def run(self, array: NDArray[Any]) -> Sequence[NDArray[Any]]: ...


class Model:
    """A loaded model: arrays in, checked arrays out.

    Args:
        name: its name in the manifest.
        task: what it must be for.
        manifest: where it is described; its file's hash is checked.
        runtime: providers and threads.

    Raises:
        ModelError: it is missing, changed, of another shape than described, or can't be loaded.
    """

    def __init__(self, name: str, task: Task, manifest: Manifest, runtime: Runtime) -> None:
        self.name = name
        self.entry: ModelEntry = manifest.entry(name, task)
        content = manifest.content(self.entry)
        backend = _Onnx if self.entry.format == "onnx" else Tflite
        try:
            self._backend: _Backend = backend(content, runtime)
        except ModelError:
            raise
        except Exception as error:  # the runtimes raise whatever they like for a bad file
            raise ModelError(f"{name}: {self.entry.file} can't be loaded ({_first_line(error)})") from error
        if self._backend.shape != self.entry.input.shape:
            raise ModelError(
                f"{name}: the manifest says that the input is {list(self.entry.input.shape)}, "
                f"but {self.entry.file} takes {list(self._backend.shape)}"
            )

    def run(self, array: NDArray[Any]) -> list[NDArray[Any]]:
        """Run the model on one input; the outputs come in the manifest's order.

        Raises:
            ModelError: the input has another shape, or an output has, or holds NaN or infinity; or it can't be run.
        """
        if array.shape != self.entry.input.shape:
            raise ModelError(f"{self.name}: takes {list(self.entry.input.shape)}, not {list(array.shape)}")
        try:
            outputs = list(self._backend.run(array))
        except Exception as error:  # as in loading
            raise ModelError(f"{self.name}: can't be run ({_first_line(error)})") from error
        if len(outputs) != len(self.entry.outputs):
            raise ModelError(f"{self.name}: gave {len(outputs)} outputs, not {len(self.entry.outputs)}")
        for output, described in zip(outputs, self.entry.outputs, strict=True):
            if output.shape != described.shape:
                raise ModelError(f"{self.name}: {described.name} is {list(output.shape)}, not {list(described.shape)}")
            if not np.isfinite(output).all():
                raise ModelError(f"{self.name}: {described.name} is not a number")
        return outputs

    def probabilities(self, array: NDArray[Any]) -> NDArray[np.float64]:
        """Run a classifier and return the probability of each of its labels.

        The entry's output holds the logits; they are divided by the model's calibrated temperature (Guo et al.
        2017, "On calibration of modern neural networks") before the softmax.
        """
        return self.softmax(self.run(array)[self.entry.output_index])

    def softmax(self, logits: NDArray[Any]) -> NDArray[np.float64]:
        """Return the probabilities that logits of this model mean, at its temperature."""
        cool = logits.reshape(-1).astype(np.float64) / self.entry.temperature
        exponentials = np.exp(cool - cool.max())
        probabilities: NDArray[np.float64] = exponentials / exponentials.sum()
        return probabilities


def open_onnx(content: bytes, runtime: Runtime) -> Any:
    """Return a session of ONNX Runtime for a model's file; whatever that raises for a bad one comes through."""
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = runtime.threads
    options.inter_op_num_threads = 1
    # Spinning threads would eat a core at a few inferences a second.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    return ort.InferenceSession(content, options, providers=_available(runtime.providers))


class _Onnx:
    def __init__(self, content: bytes, runtime: Runtime) -> None:
        self._session = open_onnx(content, runtime)
        first = self._session.get_inputs()[0]
        self._name = first.name
        self.shape = tuple(first.shape)

    def run(self, array: NDArray[Any]) -> Sequence[NDArray[Any]]:
        outputs: Sequence[NDArray[Any]] = self._session.run(None, {self._name: array})
        return outputs


def _available(wanted: Sequence[str]) -> list[str]:
    import onnxruntime as ort

    there = set(ort.get_available_providers())
    names = [_PROVIDERS[provider] for provider in wanted]
    absent = [provider for provider in wanted if _PROVIDERS[provider] not in there]
    if absent:
        _say_once(f"{', '.join(absent)}: not in this onnxruntime; models run on the CPU instead")
    chosen = [name for name in names if name in there]
    return chosen if _PROVIDERS["cpu"] in chosen else [*chosen, _PROVIDERS["cpu"]]


_said: set[str] = set()


def _say_once(text: str) -> None:
    if text not in _said:
        _said.add(text)
        log.warning(text)


def _interpreter_class() -> Any:
    """Return LiteRT's interpreter, or tflite-runtime's where that is what is installed."""
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError:
        try:
            from tflite_runtime.interpreter import Interpreter
        except ImportError as error:
            raise ModelError("TFLite models need ai-edge-litert: pip install ai-edge-litert") from error
    return Interpreter


class Tflite:
    """A TFLite model on LiteRT; whole numbers are turned into floats and back."""

    def __init__(self, content: bytes, runtime: Runtime) -> None:
        interpreter = _interpreter_class()
        with _quiet_stderr():
            self._interpreter = interpreter(model_content=content, num_threads=runtime.threads)
            self._interpreter.allocate_tensors()
        self._input = self._interpreter.get_input_details()[0]
        self._outputs = self._interpreter.get_output_details()
        self.shape = tuple(int(side) for side in self._input["shape"])

    def run(self, array: NDArray[Any]) -> Sequence[NDArray[Any]]:
        """Return the outputs, in float."""
        self._interpreter.set_tensor(self._input["index"], _quantised(array, self._input))
        self._interpreter.invoke()
        return [_dequantised(self._interpreter.get_tensor(out["index"]), out) for out in self._outputs]


def _quantised(array: NDArray[Any], details: dict[str, Any]) -> NDArray[Any]:
    scale, zero = details["quantization"]
    if not scale:
        return array
    limits = np.iinfo(details["dtype"])
    quantised: NDArray[Any] = np.clip(np.round(array / scale) + zero, limits.min, limits.max)
    return quantised.astype(details["dtype"])


def _dequantised(array: NDArray[Any], details: dict[str, Any]) -> NDArray[Any]:
    scale, zero = details["quantization"]
    return (array.astype(np.float32) - zero) * np.float32(scale) if scale else array


@contextlib.contextmanager
def _quiet_stderr() -> Any:
    """LiteRT's C++ tells of its delegate on standard error at each load; that is no news to a person."""
    kept = os.dup(2)
    with open(os.devnull, "w", encoding="utf-8") as nowhere:  # noqa: PTH123 - only a descriptor is wanted
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
