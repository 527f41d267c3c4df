"""Any model file to ONNX or TFLite: finds out what it is, converts it, and compares the result with the original."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ..errors import AskedError, ExportError, told
from ..whole import whole

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    #: From one input to the outputs of the original.
    Original = Callable[[NDArray[Any]], list[NDArray[Any]]]

Kind = Literal["program", "script", "weights", "keras", "scikit", "onnx"]

#: Endings that torch uses for several formats.
_TORCH = {".pt2", ".pt", ".pth", ".safetensors"}
_BY_ENDING: dict[str, Kind] = {
    ".keras": "keras",
    ".h5": "keras",
    ".hdf5": "keras",
    ".skops": "scikit",
    ".joblib": "scikit",
    ".pkl": "scikit",
    ".pickle": "scikit",
    ".onnx": "onnx",
}
_NAMES = {
    "program": "PyTorch exported program",
    "script": "TorchScript",
    "weights": "PyTorch weights",
    "keras": "Keras model",
    "scikit": "scikit-learn model",
    "onnx": "ONNX model",
}
#: A converted model that differs more than this from the original, as a share of the largest output, is wrong.
_TOLERANCE = 1e-2
_TRIED = 8


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person says of a file beside its name.

    Attributes:
        input_shape: with the batch axis of 1; where the file doesn't tell, or leaves sides open.
        class_name: `package.module:Class` of a state dict.
        trust: code that the file brings may run.
        calibration: [n, ...] real inputs: TFLite files become int8.
    """

    input_shape: tuple[int, ...] | None = None
    class_name: str | None = None
    trust: bool = False
    calibration: NDArray[Any] | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Converted:
    """What came of it.

    Attributes:
        kind: what the file was, in words.
        notes: what there is to say, one line each.
        difference: largest difference of an output from the original's on random inputs, None if not compared.
    """

    kind: str
    notes: tuple[str, ...]
    difference: float | None


def kind_of(source: Path) -> Kind:
    """Tell what a model file is.

    Raises:
        ExportError: there is no such file, or nobody knows what it is.
    """
    ending = source.suffix.lower()
    if source.is_dir():
        if (source / "saved_model.pb").is_file():
            return "keras"
        raise ExportError(f"{source}: is a folder without a saved_model.pb")
    if not source.is_file():
        raise ExportError(f"{source}: there is no such file")
    if not source.stat().st_size:
        raise ExportError(f"{source}: is empty")
    if ending in _TORCH:
        return _torchs_kind_of(source)
    if ending in _BY_ENDING:
        return _BY_ENDING[ending]
    if ending == ".tflite":
        raise ExportError(f"{source}: is TFLite already, and can't be turned into anything else; convert its source")
    known = ", ".join(sorted(_TORCH | _BY_ENDING.keys()))
    raise ExportError(f"{source}: nobody knows what {ending or 'a file without an ending'} is; known are {known}")


def _torchs_kind_of(source: Path) -> Kind:
    from .pytorch import kind_of as of

    found = of(source)
    if source.suffix.lower() == ".pt2" and found != "program":
        raise ExportError(f"{source}: is no exported program, or a damaged one")
    return found


def convert(source: Path, target: Path, asked: Asked) -> Converted:
    """Convert a model file to ONNX, or to TFLite where the target's name ends so.

    Raises:
        ExportError: it can't be converted; the target is not written then.
    """
    if target.suffix.lower() not in {".onnx", ".tflite"}:
        raise AskedError(f"{target}: name it .onnx or .tflite")
    kind = kind_of(source)
    with whole(target) as part:
        if target.suffix.lower() == ".tflite":
            return _to_tflite(kind, source, part, asked)
        return _to_onnx(kind, source, part, asked)


def _to_onnx(kind: Kind, source: Path, target: Path, asked: Asked) -> Converted:
    from .checked import checked

    with tempfile.TemporaryDirectory() as folder:
        raw = Path(folder) / "raw.onnx"
        original = _raw_onnx(kind, source, raw, asked)
        notes = checked(raw, target, asked.input_shape, called=source)
    difference = None if original is None else _difference(source, original, target)
    return Converted(_NAMES[kind], tuple(notes), difference)


def _raw_onnx(kind: Kind, source: Path, raw: Path, asked: Asked) -> Original | None:
    """Write the first ONNX form of a model; return what the original computes, where that can be asked."""
    if kind == "onnx":
        from .checked import copied

        copied(source, raw)
        return _onnx_original(source, raw)
    if kind == "keras":
        from .keras import keras_to_onnx

        keras_to_onnx(source, raw, asked.input_shape)
        return None  # its own environment has compared them
    if kind == "scikit":
        from . import scikit

        estimator = scikit.load(source, trust=asked.trust)
        scikit.scikit_to_onnx(estimator, source, raw, asked.input_shape)
        return lambda inputs: scikit.outputs_of(estimator, inputs)
    from . import pytorch

    if kind == "program":
        module = pytorch.program_to_onnx(source, raw, trust=asked.trust)
    elif kind == "script":
        module = pytorch.script_to_onnx(source, raw, asked.input_shape)
    else:
        module = pytorch.weights_to_onnx(source, raw, asked.class_name, asked.input_shape, trust=asked.trust)
    return lambda inputs: pytorch.outputs_of(module, inputs)


def _to_tflite(kind: Kind, source: Path, target: Path, asked: Asked) -> Converted:
    from .tflite import to_tflite

    with tempfile.TemporaryDirectory() as folder:
        original: Original | None = None
        if kind == "weights":
            from . import pytorch

            taken = Path(folder) / "program.pt2"
            pytorch.to_program(source, taken, asked.class_name, asked.input_shape, trust=asked.trust)
        elif kind in {"script", "scikit", "onnx"}:
            taken = Path(folder) / "float.onnx"
            _to_onnx(kind, source, taken, asked)
            _refuse_machine_learning(source, taken)
            original = _onnx_original(source, taken)
        else:
            taken = source
            if kind == "program":
                from .pytorch import refuse_code

                refuse_code(source, trust=asked.trust)
        to_tflite(taken, target, asked.calibration, input_shape=asked.input_shape if kind == "keras" else None)
        compare = original is not None and asked.calibration is None
        difference = _difference(source, original, target) if original is not None and compare else None
    return Converted(_NAMES[kind], (), difference)


def _onnx_original(called: Path, file: Path) -> Original:
    from ..verify import open_session

    with told(f"{called}: ONNX Runtime can't load it"):
        session = open_session(file)

    def run(inputs: NDArray[Any]) -> list[NDArray[Any]]:
        return list(session.run(None, {session.get_inputs()[0].name: inputs}))

    return run


def _refuse_machine_learning(source: Path, model: Path) -> None:
    """TFLite has no operators for trees and support vectors."""
    from .checked import operators, read_onnx

    own = sorted({name for domain, name in operators(read_onnx(model).graph) if domain == "ai.onnx.ml"})
    if own:
        raise ExportError(f"{source}: TFLite has nothing like {', '.join(own)}; keep it in ONNX")


def _difference(source: Path, original: Original, target: Path) -> float:
    """Return by how much the converted model's outputs differ at most on random inputs.

    Raises:
        ExportError: by so much that it computes something else.
    """
    from ..describe import describe, loaded, made_up

    tensors = describe(target)
    model = loaded(target, tensors)
    largest = scale = 0.0
    for one in made_up(tensors.input, _TRIED):
        with told(f"{source}: the original can't be run"):
            wanted = original(one[None])
        given = model.run(one[None])
        for want, give in zip(wanted, given, strict=True):
            if want.size != give.size:
                raise ExportError(
                    f"{source}: gives {list(want.shape)}, but what was converted gives {list(give.shape)}"
                )
            largest = max(largest, float(np.abs(want.reshape(give.shape) - give).max()))
            scale = max(scale, float(np.abs(want).max()))
    if largest > _TOLERANCE * max(1.0, scale):
        raise ExportError(f"{source}: what was converted computes something else (outputs differ by {largest:.3g})")
    return largest
