"""FER-2013 (Goodfellow et al. 2013, arXiv:1307.0414) with the votes of FER+ (Barsoum et al. 2016, arXiv:1608.01041).

The layout: `faces/fer2013_train.tar` and `faces/fer2013_publictest.tar` hold `<class>/<usage>_<number>.jpg`,
`faces/ferplus_votes.csv` has ten crowd votes for each, and `faces/fer2013_publictest_train_overlap.csv`
names the images of PublicTest that are (nearly) in Training too. Or as published: see `published.fer_images`.
"""

from __future__ import annotations

import csv
import tarfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import cv2
import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

Usage = Literal["train", "publictest"]

#: In the order of FER-2013's own label numbers.
CLASSES = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
#: FER+'s columns: an emotion of ours each, but for the last three.
VOTE_COLUMNS = (
    "anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral", "contempt", "unknown", "NF",
)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class FerImages:
    """Images with both kinds of labels.

    Attributes:
        files: [n] names, `<class>/<usage>_<number>.jpg`.
        images: [n, 48, 48] uint8.
        labels: [n] FER-2013's own class, an index of CLASSES.
        votes: [n, 10] FER+ votes in the order of VOTE_COLUMNS.
    """

    files: tuple[str, ...]
    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    votes: NDArray[np.float32]

    def only(self, keep: NDArray[np.bool_]) -> FerImages:
        """Return the images for which `keep` is true."""
        files = tuple(file for file, kept in zip(self.files, keep, strict=True) if kept)
        return FerImages(files, self.images[keep], self.labels[keep], self.votes[keep])


def read_fer(data: Path, usage: Usage) -> FerImages:
    """Read all images of a usage, with their votes."""
    from .published import fer_images

    if (found := fer_images(data, usage)) is not None:
        return found
    votes = {}
    with (data / "faces" / "ferplus_votes.csv").open(newline="") as lines:
        for row in csv.DictReader(lines):
            votes[row["file"]] = [float(row[column]) for column in VOTE_COLUMNS]
    files, images = [], []
    with tarfile.open(data / "faces" / f"fer2013_{usage}.tar") as tar:
        for member in tar:
            stored = tar.extractfile(member)
            if stored is not None:
                files.append(member.name)
                images.append(_decoded(stored.read()))
    labels = np.array([CLASSES.index(file.split("/")[0]) for file in files])
    return FerImages(
        tuple(files),
        np.stack(images),
        labels,
        np.array([votes[file] for file in files], np.float32),
    )


def _decoded(jpeg: bytes) -> NDArray[np.uint8]:
    return np.asarray(cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_GRAYSCALE), np.uint8)


def near_copies(data: Path) -> frozenset[str]:
    """Return the images of PublicTest that are also in Training, exactly or in another crop.

    Beside the tables of the makers there is no list of them: of these only exact copies are found.
    """
    from .published import fer_images

    train, test = fer_images(data, "train"), fer_images(data, "publictest")
    if train is not None and test is not None:
        seen = {image.tobytes() for image in train.images}
        return frozenset(file for file, image in zip(test.files, test.images, strict=True) if image.tobytes() in seen)
    with (data / "faces" / "fer2013_publictest_train_overlap.csv").open(newline="") as lines:
        return frozenset(row["file"] for row in csv.DictReader(lines))


def has_emotion(votes: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Whether one of the seven emotions has the most votes (contempt, unknown and "no face" are none)."""
    emotions, others = votes[:, : len(CLASSES)], votes[:, len(CLASSES) :]
    return np.asarray(emotions.max(axis=1) >= others.max(axis=1))


def has_clear_emotion(votes: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Whether one of the seven emotions alone has the most votes of all columns."""
    ranked = np.sort(votes, axis=1)
    most, second = ranked[:, -1], ranked[:, -2]
    return np.asarray((votes[:, : len(CLASSES)].max(axis=1) == most) & (most > second))


def soft_labels(votes: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the crowd's opinion as [n, 7] probabilities.

    A single vote is taken for a slip and dropped (as FER+'s authors do) unless there are only single ones.
    """
    emotions = votes[:, : len(CLASSES)]
    agreed = np.where(emotions > 1.0, emotions, 0.0)
    agreed = np.where(agreed.sum(axis=1, keepdims=True) > 0.0, agreed, emotions)
    shares: NDArray[np.float32] = agreed / agreed.sum(axis=1, keepdims=True)
    return shares


def is_no_face(votes: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Whether most of the crowd say that there is no face."""
    return np.asarray(votes[:, VOTE_COLUMNS.index("NF")] > votes.sum(axis=1) / 2)


def copies_of(images: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Number the distinct pictures of [n, 48, 48]: copies of one picture get the same number."""
    numbers: dict[bytes, int] = {}
    return np.array([numbers.setdefault(image.tobytes(), len(numbers)) for image in images], np.int64)
