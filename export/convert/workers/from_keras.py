"""Keras (.keras, .h5, a SavedModel's folder) to ONNX or TFLite float: `from_keras.py SOURCE TARGET [SHAPE]`.

Beside the target it writes `reference.npz`: an `input` and what the original gives for it, `output_0` and so on.
"""

from __future__ import annotations

import logging
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

# tf2onnx 1.17 asks for this name, which NumPy dropped in 1.24.
setattr(np, "object", object)  # noqa: B010 - types know that it was dropped

import keras  # noqa: E402 - after the name is there
import tensorflow as tf  # noqa: E402
import tf2onnx  # noqa: E402
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2  # noqa: E402

#: ONNX Runtime has read it for years, and tf2onnx writes none that is newer.
_OPSET = 18
#: Loops of at most so many steps are laid out one after the other: LiteRT and ONNX Runtime are slow at loops.
_LONGEST = 512


class _Problem(Exception):  # noqa: N818 - it is told, not caught by name
    """What a person can be told about the model."""


def main(source: Path, target: Path, shape: str = "") -> None:
    """Convert the model that the command line names."""
    logging.getLogger("absl").setLevel(logging.ERROR)
    logging.getLogger("tf2onnx").setLevel(logging.ERROR)
    call, open_shape, dtype = _saved_model(source) if source.is_dir() else _keras_model(source)
    taken = _fixed(open_shape, [int(side) for side in shape.split(",") if side])
    spec = tf.TensorSpec(taken, dtype, name="input")
    function = tf.function(call, input_signature=[spec])
    if target.suffix == ".onnx":
        tf2onnx.convert.from_function(function, [spec], opset=_OPSET, output_path=str(target))
    else:
        target.write_bytes(_tflite(function, spec))
    example = np.random.default_rng(0).random(taken)
    example = example.astype(dtype.as_numpy_dtype) if dtype.is_floating else np.zeros(taken, dtype.as_numpy_dtype)
    outputs = {f"output_{n}": one.numpy() for n, one in enumerate(tf.nest.flatten(function(example)))}
    np.savez(target.with_name("reference.npz"), input=example, **outputs)


def _keras_model(source: Path) -> tuple[Any, list[int | None], Any]:
    """Load a model of Keras 3, or else of Keras 2; return its call, and its input's shape and type."""
    if source.suffix == ".keras" and not zipfile.is_zipfile(source):
        raise _Problem("is no Keras model, or a damaged one")
    try:
        model = keras.saving.load_model(source, compile=False, safe_mode=True)
    except Exception as error:
        if source.suffix == ".keras" and "tf_keras" not in str(error) and "unsafe" in str(error).lower():
            raise
        try:
            import tf_keras

            model = tf_keras.models.load_model(source, compile=False)
        except Exception:  # noqa: BLE001 - what the newer Keras said is of more use
            raise error from None
    if len(model.inputs) != 1:
        raise _Problem(f"it has {len(model.inputs)} inputs; robotd's models take one")
    for layer in model._flatten_layers():  # noqa: SLF001 - the only way to those inside of wrappers
        if getattr(layer, "unroll", None) is False and (model.inputs[0].shape[1] or _LONGEST + 1) <= _LONGEST:
            layer.unroll = True
    taken = model.inputs[0]
    return lambda x: model(x, training=False), list(taken.shape), tf.as_dtype(taken.dtype)


def _saved_model(source: Path) -> tuple[Any, list[int | None], Any]:
    """Load a SavedModel; return the call of its one signature, and its input's shape and type."""
    loaded = tf.saved_model.load(str(source))
    signature = loaded.signatures.get("serving_default")
    if signature is None:
        raise _Problem(f"it has no signature serving_default; there are: {', '.join(loaded.signatures) or 'none'}")
    inputs = signature.structured_input_signature[1]
    if len(inputs) != 1:
        raise _Problem(f"it has {len(inputs)} inputs; robotd's models take one")
    ((name, spec),) = inputs.items()

    def call(x: Any, _kept: Any = loaded) -> Any:  # a SavedModel's weights go when nobody holds it
        return list(signature(**{name: x}).values())

    return call, list(spec.shape), spec.dtype


def _fixed(shape: list[int | None], asked: list[int]) -> list[int]:
    """Return a shape without open sides: a batch of one, the others as asked."""
    taken: list[int | None] = [*asked] or [1, *shape[1:]]
    if len(taken) != len(shape) or any(b not in (None, a) for a, b in zip(taken[1:], shape[1:], strict=False)):
        raise _Problem(f"it takes {shape}, which {asked} contradicts")
    if None in taken:
        raise _Problem(f"it takes {shape}; say what the open sides are, as --input-shape 1,48,48,1")
    return [int(side) for side in taken if side is not None]


def _tflite(function: Any, spec: Any) -> bytes:
    """Convert by way of a SavedModel, for only that keeps the input's name; its weights are constants before."""
    frozen = convert_variables_to_constants_v2(function.get_concrete_function(), lower_control_flow=False)
    module = tf.Module()
    module.call = tf.function(lambda x: frozen(x), input_signature=[spec])  # noqa: PLW0108 - it isn't a Python function
    with tempfile.TemporaryDirectory() as folder:
        tf.saved_model.save(module, folder, signatures=module.call)
        converted: bytes = tf.lite.TFLiteConverter.from_saved_model(folder).convert()
    return converted


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]), Path(sys.argv[2]), *sys.argv[3:])
    except Exception as problem:  # noqa: BLE001 - told in one line, whatever the libraries raise
        sys.exit(f"cannot: {(str(problem).strip().splitlines() or [type(problem).__name__])[0]}")
