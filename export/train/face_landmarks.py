"""Face model on distances: seven emotions of where the landmarks of a face lie, by a one-dimensional CNN."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import torch
from rich.progress import track
from torch import nn

from robotd.config import Runtime
from robotd.perceive.blazeface import BlazefaceLandmarker
from robotd.perceive.face import mesh_in_crop
from robotd.perceive.features.landmarks import COUNT, PAIRS, POINTS, TWINS, chosen, distances
from robotd.perceive.manifest import load_manifest

from ..data import fer
from ..recipe import Examples, Recipe, Schedule

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from ..recipe import Batch

BATCH = 256
_WIDTH = 512
#: Into how many groups the channels of each convolution are split: with 1 each the file would have 1.2 MB.
_GROUPS = (1, 2, 4, 4)
_DROPOUT = 0.02
#: Distances further than so many deviations from the mean are taken for these.
_FURTHEST = 4.0
#: Points are moved by up to this deviation, in pixels of a 48-pixel crop.
_NOISE_PX = 0.3
_CALIBRATION = 500


class _Convolution(nn.Module):  # type: ignore[misc]  # torch is untyped here
    """A one-dimensional convolution with batch norm and dropout over [n, positions, channels], perhaps in groups.

    Its kernel has the length 1, which makes it a matrix product; written as one it trains ten times faster on a CPU.
    Channels of all groups take turns in what it gives, so that each group of the next one sees some of all
    (Zhang et al. 2018, ShuffleNet, arXiv:1707.01083).
    """

    def __init__(self, channels: int, groups: int) -> None:
        super().__init__()
        wide = _WIDTH // groups
        self.groups = nn.ModuleList(
            nn.Sequential(
                nn.Linear(channels // groups, wide, bias=False), nn.BatchNorm1d(wide), nn.ReLU(), nn.Dropout(_DROPOUT)
            )
            for _ in range(groups)
        )

    def forward(self, given: Any) -> Any:
        """Return [n, 512] of [n, channels]."""
        parts = given.chunk(len(self.groups), dim=1)
        return torch.stack([group(part) for group, part in zip(self.groups, parts, strict=True)], dim=2).flatten(1)


class Net(nn.Module):  # type: ignore[misc]  # torch is untyped here
    """Four convolutions of 512 along two positions, the face and its mirror image, then their mean and a linear layer.

    The distances of a mirror image are those of the face in another order, so nothing needs to be measured twice, and
    a face is read as its mirror image is. Every distance is first brought to mean 0 and deviation 1.
    """

    def __init__(self) -> None:
        super().__init__()
        # No buffer: the moving average of the weights would average it too, and round it down.
        self.mirror = torch.from_numpy(mirrored_pairs())
        self.norm = nn.BatchNorm1d(COUNT, affine=False)
        self.convolutions = nn.Sequential(
            *(_Convolution(_WIDTH if layer else COUNT, groups) for layer, groups in enumerate(_GROUPS))
        )
        self.linear = nn.Linear(_WIDTH, len(fer.CLASSES))

    def forward(self, given: Any) -> Any:
        """Return the logits, [n, 7], of distances, [n, 1, COUNT]."""
        face = given.reshape(-1, COUNT)
        positions = torch.cat([face, face[:, self.mirror]])
        scaled = self.norm(positions).clamp(-_FURTHEST, _FURTHEST)
        return self.linear(self.convolutions(scaled).reshape(2, -1, _WIDTH).mean(dim=0))


def mirrored_pairs() -> NDArray[np.int64]:
    """Return where each distance of a mirror image stands among the distances of the face, [COUNT]."""
    places = np.zeros((len(POINTS), len(POINTS)), np.int64)
    places[PAIRS] = np.arange(COUNT)
    places += places.T
    twins = np.array(TWINS)
    found: NDArray[np.int64] = places[twins[PAIRS[0]], twins[PAIRS[1]]]
    return found


@dataclass(frozen=True, slots=True, eq=False)
class Landmarks:
    """Chosen points of faces with soft labels to train on, and examples to test with."""

    points: NDArray[np.float32]
    targets: NDArray[np.float32]
    tests: Mapping[str, Examples]
    calibration: NDArray[np.float32]

    @property
    def steps(self) -> int:
        """How many batches an epoch has."""
        return len(self.points) // BATCH

    def batches(self, rng: np.random.Generator) -> Iterator[Batch]:
        """Go once through the faces in a new order, the points moved a little."""
        order = rng.permutation(len(self.points))
        for step in range(self.steps):
            some = order[step * BATCH : (step + 1) * BATCH]
            yield distances(moved(self.points[some], rng)), self.targets[some]


def moved(points: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Return points as a mesh of another picture of the same face might have them: some faces surer than others."""
    deviation = rng.uniform(0.0, _NOISE_PX, (len(points), 1, 1)).astype(np.float32)
    return points + deviation * rng.standard_normal(points.shape, np.float32)


def meshes(images: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Put the mesh on [n, 48, 48] crops as the robot does with a crop.

    Returns:
        Chosen points of those that have a mesh, [found, points, 2], and [n] which ones these are.
    """
    landmarker = BlazefaceLandmarker(load_manifest(), Runtime())
    points = np.full((len(images), len(POINTS), 2), np.nan, np.float32)
    for place, image in enumerate(track(images, "meshes", transient=True)):
        mesh = mesh_in_crop(cv2.cvtColor(image, cv2.COLOR_GRAY2BGR).astype(np.uint8), landmarker)
        if mesh is not None:
            points[place] = chosen(mesh)
    has = np.asarray(np.isfinite(points).all(axis=(1, 2)))
    return points[has], has


def read(data: Path) -> Landmarks:
    """Read FER-2013's Training to train on and its PublicTest to choose and to test."""
    train = fer.read_fer(data, "train")
    train = train.only(fer.has_emotion(train.votes))
    points, has = meshes(train.images)
    test = fer.read_fer(data, "publictest")
    test_points, test_has = meshes(test.images)
    test = test.only(test_has)
    copies = fer.near_copies(data)
    clear, fresh = fer.has_clear_emotion(test.votes), np.array([file not in copies for file in test.files])
    inputs, voted = distances(test_points), test.votes[:, : len(fer.CLASSES)].argmax(axis=1)
    some = np.random.default_rng(0).permutation(len(points))[:_CALIBRATION]
    return Landmarks(
        points,
        fer.soft_labels(train.votes[has]),
        {
            "ferplus_publictest_fresh": Examples(inputs[clear & fresh], voted[clear & fresh]),
            "ferplus_publictest": Examples(inputs[clear], voted[clear]),
            "fer2013_publictest": Examples(inputs, test.labels),
        },
        distances(points[some]),
    )


def generate() -> Landmarks:
    """Make up faces: a class draws one of the points out of its place."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, len(fer.CLASSES), 4 * BATCH)
    usual = rng.uniform(0, 48, (len(POINTS), 2))
    points = (usual + rng.normal(0, 0.5, (len(labels), len(POINTS), 2))).astype(np.float32)
    points[np.arange(len(labels)), 3 * labels] += 12.0
    targets = np.eye(len(fer.CLASSES), dtype=np.float32)[labels]
    inputs = distances(points)
    return Landmarks(points, targets, {"generated": Examples(inputs[:BATCH], labels[:BATCH])}, inputs[:64])


_CARD = {
    "Architecture": (
        f"The distances between each two of {len(POINTS)} landmarks ({COUNT}), each brought to mean 0 and deviation 1, "
        "then a one-dimensional CNN: four convolutions of 512, each with batch norm, ReLU and 2 % dropout, the mean "
        "over positions, a linear layer. There are two positions, the face and its mirror image, whose distances are "
        "the same in another order; the kernels have the length 1, since neighbours in the list of distances have "
        "nothing to do with one another. So a face reads as its mirror image does. The channels of the second "
        "convolution are split into two groups and those of the third and fourth into four, shuffled in between, "
        "which halves the file. 0.6 million weights, 1.2 million multiplications a face."
    ),
    "Landmarks": (
        "Of the 468 points of MediaPipe's mesh: 3 on each brow, 4 round each eye, the wings of the nose, the cheeks "
        "beside them, 5 of the lips on each side, the angles of the jaw, and 7 along the middle from between the brows "
        "to the chin. Distances are taken in the picture. With the depth that the mesh guesses a short trial named 2 "
        "points fewer (0.633 against 0.652 of the fresh images, a net of four dense layers, 67 points)."
    ),
    "Training": (
        "FER-2013's Training, less the images in which contempt, unknown or no face have more votes than any of the "
        "seven emotions, and less the 2.2 % on which the mesh sees no face: 27,704. The targets are the shares of the "
        "crowd's votes. AdamW, warm-up and cosine, moving average of the weights, 24 epochs, 2 minutes on a core after "
        "2 minutes for the meshes. Points are moved by up to 0.3 pixels (deviation) of the 48."
    ),
    "Split": (
        "PublicTest tests, and set the temperature; the number of epochs was fixed beforehand. Only images with a mesh "
        "count here. `ferplus_publictest_fresh`: one of the seven emotions alone has the most FER+ votes, less the "
        "images that are (nearly) in Training too. `ferplus_publictest`: with those. `fer2013_publictest`: all under "
        "FER-2013's own labels, which the model was not taught. The mesh sees no face on 2.1 % of the images; with "
        "those counted as wrong the figures are about 0.712, 0.717 and 0.498."
    ),
    "Limits": (
        "It sees where the face's parts lie, not wrinkles, teeth or tears, and so reads less well than `face_image`, "
        "which is the default. It needs a landmarker with a mesh (`tflite` or `mediapipe`). Disgust and fear are rare "
        "in the data and are mostly missed. In profile the distances of the picture mislead it. How well it does for "
        "each age, skin tone or culture has not been measured."
    ),
    "Intended use": (
        "A hint to a robot or a music player in the home of people who know that it is on; where pixels of faces are "
        "not to be kept, distances are enough for it. Not for judging people: not in hiring, teaching, policing, "
        "insurance or medicine. FER-2013's images come without a stated licence; take the weights for research and "
        "private use unless you have cleared that."
    ),
}

RECIPE = Recipe(
    name="face_landmarks",
    task="face",
    title="Seven facial expressions of the distances between landmarks",
    labels=fer.CLASSES,
    input_name="distances",
    input_shape=(1, 1, COUNT),
    input_meaning=(
        f"distances in the picture between each two of {len(POINTS)} points of MediaPipe's face mesh, divided by their "
        "mean; the points are listed in robotd.perceive.features.landmarks"
    ),
    data_name="meshes of FER-2013 Training images with FER+ crowd votes",
    licence="FER-2013: Kaggle contest terms, no licence stated, research use; FER+ votes: MIT; the mesh: Apache-2.0",
    card=_CARD,
    net=Net,
    read=read,
    generate=generate,
    schedule=Schedule(epochs=24, learning_rate=2e-3, weight_decay=0.05, ema_decay=0.995, choose=False),
    operators=("Gemm", "MatMul"),
)
