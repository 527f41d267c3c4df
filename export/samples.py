"""Inputs of a model from files: arrays as they are, or pictures, sounds and scores by the daemon's own features."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from .errors import AskedError, ExportError, told

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from robotd.perceive.manifest import Tensor

    #: From a file to inputs [n, ...] of a model.
    Read = Callable[[Path], NDArray[Any]]

ReadAs = Literal["face", "voice", "score"]

#: More calibration samples than this cost time and change nothing.
MOST = 500
_ALL = 1_000_000
_ARRAYS = frozenset({".npy", ".npz"})
#: Axes of a batch of planes; one more is that of channels.
_PLANE = 3
_ENDINGS: dict[ReadAs, frozenset[str]] = {
    "face": frozenset({".bmp", ".jpeg", ".jpg", ".pgm", ".png", ".webp"}),
    "voice": frozenset({".flac", ".mp3", ".ogg", ".opus", ".wav"}),
    "score": frozenset({".mid", ".midi"}),
}


@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """Inputs with the truth about them.

    Attributes:
        inputs: [n, ...], without the batch axis.
        truth: [n] int64 classes, or [n, ratings] float32 with NaN where a rating is missing.
        groups: [n] whom each belongs to, None if each stands for itself.
    """

    inputs: NDArray[Any]
    truth: NDArray[Any]
    groups: NDArray[np.int64] | None = None


def inputs_from(place: Path, tensor: Tensor, read_as: ReadAs | None = None, most: int = MOST) -> NDArray[Any]:
    """Return [n, ...] inputs for a model from a folder or a file, at most so many, spread over all.

    Args:
        place: an .npy or .npz file (an array [n, ...], in an .npz `inputs` or the first), or a folder with such
            files or, with `read_as`, with pictures, sounds or MIDI files, folders in it included.
        tensor: the model's input.
        read_as: the features by which files become inputs.
        most: how many inputs are wanted at most.

    Raises:
        ExportError: there is nothing, it can't be read, or it has another shape than the model takes.
    """
    if not place.exists():
        raise ExportError(f"{place}: there is no such file or folder")
    files = _files(place, read_as)
    read: Read = _load if read_as is None else _features(read_as, tensor)
    if len(files) > most:
        files = [files[n] for n in np.linspace(0, len(files) - 1, most).astype(int)]
    parts = []
    for file in files:
        with told(f"{file}: can't be read"):
            found = read(file)
        parts.append(_fitted(file, found, tensor))
    together = np.concatenate(parts)
    if len(together) > most:
        together = together[np.linspace(0, len(together) - 1, most).astype(int)]
    return together


def labelled_from(
    file: Path, tensor: Tensor, read_as: ReadAs | None = None, labels: Sequence[str] | None = None
) -> Labelled:
    """Read labelled inputs.

    Args:
        file: .npz with `inputs` [n, ...], `labels` ([n] classes or [n, k] ratings) and perhaps `groups` [n]; or a
            folder with a folder of samples for each label.
        tensor: the model's input.
        read_as: as in `inputs_from`, for a folder.
        labels: the model's classes in order, which the folders are called.

    Raises:
        ExportError: it isn't such, or doesn't fit the model.
    """
    if file.is_dir():
        return _from_folders(file, tensor, read_as, labels)
    if not file.is_file():
        raise ExportError(f"{file}: there is no such file")
    with told(f"{file}: is no .npz file, or a damaged one"), np.load(file, allow_pickle=False) as arrays:
        missing = [name for name in ("inputs", "labels") if name not in arrays]
        if missing:
            raise ExportError(f"{file}: has no {' and no '.join(missing)}; it needs `inputs` and `labels`")
        inputs, truth = arrays["inputs"], arrays["labels"]
        groups = arrays.get("groups")
    inputs = _fitted(file, inputs, tensor)
    if len(truth) != len(inputs) or not len(truth):
        raise ExportError(f"{file}: has {len(inputs)} inputs but {len(truth)} labels")
    if truth.ndim == 1 and not np.issubdtype(truth.dtype, np.integer):
        raise ExportError(f"{file}: labels of classes are whole numbers (indices of the model's labels)")
    return Labelled(inputs, truth.astype(np.int64 if truth.ndim == 1 else np.float32), groups)


def _from_folders(place: Path, tensor: Tensor, read_as: ReadAs | None, labels: Sequence[str] | None) -> Labelled:
    if labels is None:
        raise AskedError(f"{place}: is a folder; --labels a,b,c says which of the folders in it is which class")
    parts, truth = [], []
    for label, name in enumerate(labels):
        if not (place / name).is_dir():
            continue  # a set may lack a class
        found = inputs_from(place / name, tensor, read_as, most=_ALL)
        parts.append(found)
        truth += [label] * len(found)
    if not parts:
        raise ExportError(f"{place}: has no folder that is called {', '.join(labels)}")
    return Labelled(np.concatenate(parts), np.array(truth, np.int64))


def _files(place: Path, read_as: ReadAs | None) -> Sequence[Path]:
    endings = _ARRAYS if read_as is None else _ENDINGS[read_as]
    if place.is_file():
        if place.suffix.lower() not in endings:
            raise AskedError(f"{place}: is none of {', '.join(sorted(endings))}{_hint(read_as)}")
        return [place]
    files = sorted(file for file in place.rglob("*") if file.is_file() and file.suffix.lower() in endings)
    if not files:
        raise ExportError(f"{place}: holds no calibration samples ({', '.join(sorted(endings))}){_hint(read_as)}")
    return files


def _hint(read_as: ReadAs | None) -> str:
    return "" if read_as else "; pictures, sounds and MIDI files need --as face, voice or score"


def _load(file: Path) -> NDArray[Any]:
    held = np.load(file, allow_pickle=False)
    if isinstance(held, np.ndarray):
        return held
    with held:
        names = list(held)
        if not names:
            raise ExportError(f"{file}: is empty")
        array: NDArray[Any] = held["inputs" if "inputs" in names else names[0]]
        return array


def _fitted(file: Path, found: NDArray[Any], tensor: Tensor) -> NDArray[Any]:
    """Return what a file holds as [n, ...], whether it is one input or many."""
    one = tensor.shape[1:]
    if (
        found.ndim == len(tensor.shape) > _PLANE
        and found.shape[1:] != one
        and (*found.shape[2:], found.shape[1]) == one
    ):
        found = np.moveaxis(found, 1, -1)  # the model has its channels last, as Keras has
    if found.shape == one:
        found = found[None]
    elif found.shape[1:] != one:
        # [n, 1, ...]: each with a batch axis of its own
        if found.shape[1:] != tensor.shape:
            raise ExportError(f"{file}: holds {list(found.shape)}; the model takes {list(one)} each")
        found = found[:, 0]
    if not len(found):
        raise ExportError(f"{file}: is empty")
    if tensor.dtype == "int64":
        return found.astype(np.int64)
    if not np.isfinite(found).all():
        raise ExportError(f"{file}: holds what is not a number")
    return found.astype(np.float32)


def _features(read_as: ReadAs, tensor: Tensor) -> Read:
    return {"face": _faces, "voice": _voices_for(tensor), "score": _scores_for(tensor)}[read_as]


def _faces(file: Path) -> NDArray[np.float32]:
    """Return a face crop, framed as FER-2013 frames faces, as the daemon gives it to a face model."""
    import cv2

    from robotd.perceive.features.face_image import SIDE, face_tensor

    grey = cv2.imdecode(np.fromfile(file, np.uint8), cv2.IMREAD_GRAYSCALE)
    if grey is None:
        raise ExportError(f"{file}: can't be read as a picture")
    if grey.shape != (SIDE, SIDE):
        grey = cv2.resize(grey, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    return face_tensor(grey.astype(np.uint8, copy=False))


def _voices_for(tensor: Tensor) -> Read:
    """Return the reader of sounds: in pieces of 8 s, by the features that the daemon gives to models of that shape."""

    def read(file: Path) -> NDArray[np.float32]:
        from robotd.perceive.voice import FEATURES
        from robotd.sense.sample import RATE_HZ
        from robotd.sense.utterance import PIECE_S

        from .data.ravdess import read_sound

        if tensor.shape[1:] not in FEATURES:
            known = ", ".join(str([1, *shape]) for shape in FEATURES)
            raise ExportError(f"the model takes {list(tensor.shape)}; of speech there are {known}")
        samples = read_sound(file)
        if not len(samples):
            raise ExportError(f"{file}: its sound is empty")
        piece = int(PIECE_S * RATE_HZ)
        of = FEATURES[tensor.shape[1:]]
        return np.stack([of(samples[start : start + piece]) for start in range(0, len(samples), piece)])

    return read


def _scores_for(tensor: Tensor) -> Read:
    """Return the reader of MIDI files whose features have as many numbers as a score model takes."""

    def read(file: Path) -> NDArray[np.float32]:
        from robotd.perceive.features import score, symbolic

        of = symbolic.note_features if tensor.shape[-1] == len(symbolic.NAMES) else score.score_features
        return np.stack([of(window) for window in score.windows(score.read_notes(file))])

    return read
