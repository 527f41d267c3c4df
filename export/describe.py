"""What a model file itself tells: its input, its outputs, and whether the daemon's own runtime can run it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from robotd.config import Runtime
from robotd.perceive.manifest import Manifest, ModelEntry, Task, Tensor
from robotd.perceive.runtime import Model

from .errors import ExportError, told

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

Format = Literal["onnx", "tflite"]
Dtype = Literal["float32", "int8", "uint8", "int64"]

_FORMATS: dict[str, Format] = {".onnx": "onnx", ".tflite": "tflite"}
_DTYPES: dict[str, Dtype] = {
    "tensor(float)": "float32",
    "tensor(int64)": "int64",
    "tensor(int8)": "int8",
    "tensor(uint8)": "uint8",
    "float32": "float32",
    "int64": "int64",
    "int8": "int8",
    "uint8": "uint8",
}


@dataclass(frozen=True, slots=True)
class Tensors:
    """The input and the outputs of a model file, as they stand in it."""

    format: Format
    input: Tensor
    outputs: tuple[Tensor, ...]


def format_of(file: Path) -> Format:
    """Return a model file's format.

    Raises:
        ExportError: there is no such file, or its name ends otherwise than .onnx or .tflite.
    """
    if not file.is_file():
        raise ExportError(f"{file}: there is no such file")
    if file.suffix.lower() not in _FORMATS:
        raise ExportError(f"{file}: is neither .onnx nor .tflite; `convert` makes one of it")
    return _FORMATS[file.suffix.lower()]


def describe(file: Path) -> Tensors:
    """Read a model's input and outputs from its file; every side of their shapes is known.

    Raises:
        ExportError: it can't be loaded, has several inputs, or one whose shape isn't fixed or whose numbers are of
            a type that robotd doesn't give.
    """
    kind = format_of(file)
    if kind == "onnx":
        inputs, outputs = _onnx_sides(file)
    else:
        inputs, outputs = _tflite_sides(file)
    if len(inputs) != 1:
        names = ", ".join(name for name, _, _ in inputs)
        raise ExportError(f"{file}: has {len(inputs)} inputs ({names}); robotd's models take one")
    return Tensors(kind, _tensor(file, inputs[0]), tuple(_tensor(file, output) for output in outputs))


def loaded(file: Path, tensors: Tensors | None = None) -> Model:
    """Load a model file with the daemon's own runtime.

    Raises:
        ExportError: as in `describe`.
        ModelError: the daemon can't load it.
    """
    tensors = tensors or describe(file)
    entry = ModelEntry(
        task="face",
        format=tensors.format,
        file=file.name,
        sha256=hashlib.sha256(file.read_bytes()).hexdigest(),
        input=tensors.input,
        outputs=tensors.outputs,
        licence="",
    )
    return opened(file.name, "face", entry, file.parent)


def opened(name: str, task: Task, entry: ModelEntry, folder: Path) -> Model:
    """Open a model by an entry that stands in no manifest yet.

    Raises:
        ModelError: the daemon can't load it.
    """
    return Model(name, task, Manifest((folder,), {name: entry}), Runtime())


def made_up(tensor: Tensor, count: int, seed: int = 0) -> NDArray[Any]:
    """Return [count, ...] random inputs of a model: standard normal, or small whole numbers for whole types."""
    rng = np.random.default_rng(seed)
    shape = (count, *tensor.shape[1:])
    if tensor.dtype == "float32":
        return rng.standard_normal(shape).astype(np.float32)
    return rng.integers(0, 2, shape).astype(tensor.dtype)


#: A side: its name, shape and type.
_Side = tuple[str, tuple[Any, ...], str]


def _onnx_sides(file: Path) -> tuple[list[_Side], list[_Side]]:
    from .verify import open_session

    with told(f"{file}: ONNX Runtime can't load it"):
        session = open_session(file)
    inputs = [(side.name, tuple(side.shape), side.type) for side in session.get_inputs()]
    outputs = [(side.name, tuple(side.shape), side.type) for side in session.get_outputs()]
    if len(inputs) == 1 and _fixed(inputs[0][1]) and not all(_fixed(shape) for _, shape, _ in outputs):
        # Some operators keep the shape of what they give to themselves until they have run.
        taken = _tensor(file, inputs[0])
        with told(f"{file}: ONNX Runtime can't run it"):
            given = session.run(None, {taken.name: made_up(taken, 1)})
        outputs = [(name, np.shape(one), kind) for (name, _, kind), one in zip(outputs, given, strict=True)]
    return inputs, outputs


def _tflite_sides(file: Path) -> tuple[list[_Side], list[_Side]]:
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError as error:
        raise ExportError("TFLite models need ai-edge-litert: pip install ai-edge-litert") from error
    with told(f"{file}: LiteRT can't load it"):
        interpreter = Interpreter(model_path=str(file), num_threads=1)
        interpreter.allocate_tensors()

    def side(details: dict[str, Any]) -> _Side:
        return details["name"], tuple(int(n) for n in details["shape"]), np.dtype(details["dtype"]).name

    return [side(one) for one in interpreter.get_input_details()], [side(o) for o in interpreter.get_output_details()]


def _fixed(shape: tuple[Any, ...]) -> bool:
    return bool(shape) and all(isinstance(side, int) and side > 0 for side in shape)


def _tensor(file: Path, side: _Side) -> Tensor:
    name, shape, kind = side
    if kind not in _DTYPES:
        raise ExportError(f"{file}: {name} is of type {kind}; robotd's models take and give {', '.join(sorted(_SAID))}")
    if not _fixed(shape):
        sides = ", ".join(str(side) for side in shape)
        raise ExportError(
            f"{file}: the shape of {name} isn't fixed ([{sides}]); `convert {file} -o OUT --input-shape ...` fixes it"
        )
    return Tensor(name=name, shape=tuple(int(side) for side in shape), dtype=_DTYPES[kind], meaning="")


_SAID = set(_DTYPES.values())
