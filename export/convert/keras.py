"""Keras (2 and 3) to ONNX and TFLite, by TensorFlow in an environment of its own."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..errors import ExportError
from ..whole import whole
from .environment import TENSORFLOW, naming, run_worker
from .tflite import KERAS, refuse_another

if TYPE_CHECKING:
    from collections.abc import Sequence


def is_keras(source: Path) -> bool:
    """Tell by its name whether a file is a Keras model, or a folder is a SavedModel."""
    return source.suffix.lower() in KERAS or (source / "saved_model.pb").is_file()


def keras_to_onnx(source: Path, target: Path, input_shape: Sequence[int] | None = None) -> None:
    """Write a Keras model as ONNX: one input with a batch axis of 1, in Keras's layout (channels last).

    Recurrent layers of at most 512 steps are laid out step by step, for runtimes are slow at loops. The result is
    compared with what Keras computes.

    Args:
        source: .keras, .h5 or a SavedModel's folder. Code in it (Lambda layers) is not run.
        target: where the ONNX model goes; nothing is left there if it can't be made.
        input_shape: with the batch axis of 1, of a model that leaves more sides open than that.

    Raises:
        ExportError: it can't be read or converted, or computes something else once converted.
    """
    if not source.exists():
        raise ExportError(f"{source}: there is no such file")
    if not is_keras(source):
        raise ExportError(f"{source}: not a .keras or .h5 file or a SavedModel's folder")
    with whole(target) as part, tempfile.TemporaryDirectory() as folder, naming(source):
        made = Path(folder) / "made.onnx"
        run_worker(TENSORFLOW, "from_keras", source.absolute(), made, ",".join(map(str, input_shape or ())))
        _refuse_another(made)
        part.write_bytes(made.read_bytes())


def _refuse_another(made: Path) -> None:
    from ..verify import open_session

    session = open_session(made)
    with np.load(made.with_name("reference.npz")) as reference:
        given = session.run(None, {session.get_inputs()[0].name: reference["input"]})
        wanted = [reference[f"output_{n}"] for n in range(len(reference.files) - 1)]
    refuse_another(wanted, given)
