"""Reads the emotion of the largest face of a picture, and keeps an eye on whether there is one."""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import cv2

from robotd.emotion import Reading, to_eight
from robotd.errors import MediaError, ModelError
from robotd.perceive.faces import LEFT_EYE, LIPS, RIGHT_EYE, FoundFace
from robotd.perceive.features import landmarks
from robotd.perceive.features.face_image import SIDE, aligned_face, boxed_face, face_tensor
from robotd.perceive.landmarkers import open_landmarker
from robotd.perceive.runtime import Model

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from robotd.config import Face, Runtime
    from robotd.perceive.faces import Landmarker
    from robotd.perceive.manifest import Manifest
    from robotd.sense.sample import Frame

log = logging.getLogger(__name__)

#: Another face takes over from the one that is followed when it is so many times larger.
_TAKE_OVER = 1.5
#: Boxes that overlap more than this belong to the same face from picture to picture.
_SAME_OVERLAP = 0.25
#: The box that BlazeFace draws in FER-2013's crops is so much of their side (median of 700 images), in their middle.
_BOX_IN_CROP = 0.89


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """What came of one picture.

    Attributes:
        reading: of the followed face, None if there is none.
        event: whether a face appeared, or has been away for `lost_after_s`.
        crop: [48, 48] grey crop of the followed face, None if there is none.
    """

    reading: Reading | None
    event: Literal["face_seen", "face_lost"] | None = None
    crop: NDArray[np.uint8] | None = None


class FaceReader:
    """A landmarker and a face model of the manifest.

    What the model sees is told by the size of its input: the pixels of a crop, or the distances between landmarks.

    Raises:
        ModelError: one of them can't be used, or the model needs a mesh and the landmarker has none.
    """

    def __init__(self, face: Face, manifest: Manifest, runtime: Runtime) -> None:
        self._config = face
        self._model = Model(face.model, "face", manifest, runtime)
        self._landmarker, warning = open_landmarker(face, manifest, runtime)
        if warning:
            log.warning(warning)
        size = math.prod(self._model.entry.input.shape)
        if size not in (SIDE * SIDE, landmarks.COUNT):
            raise ModelError(
                f"{face.model}: a face model takes {SIDE}x{SIDE} pixels or {landmarks.COUNT} distances between "
                f"landmarks, not {list(self._model.entry.input.shape)}"
            )
        self._by_distances = size == landmarks.COUNT
        if self._by_distances and not self._landmarker.has_mesh:
            raise ModelError(
                f"{face.model} reads the face mesh, which Haar cascades don't have: set face.landmarker to tflite "
                "(robotd models --fetch gets its files), or choose another face.model"
            )
        self._followed: FoundFace | None = None
        self._seen_at_s: float | None = None

    @property
    def model(self) -> str:
        """The expression model's name."""
        return self._model.name

    @property
    def landmarker(self) -> str:
        """What finds the faces: tflite, mediapipe or haar."""
        return self._landmarker.name

    def look(self, frame: Frame) -> Look:
        """Read the followed face of a picture in a stream.

        Raises:
            ModelError: a model gave nonsense.
        """
        self._followed = self._follow(self._faces(frame.image))
        seen = None if self._followed is None else self._see(frame.image, self._followed)
        if seen is None:
            self._followed = None
            if self._seen_at_s is not None and frame.time_s - self._seen_at_s >= self._config.lost_after_s:
                self._seen_at_s = None
                return Look(None, "face_lost")
            return Look(None)
        event: Literal["face_seen"] | None = "face_seen" if self._seen_at_s is None else None
        self._seen_at_s = frame.time_s
        features, cut = seen
        return Look(self._read(features, frame.time_s), event, cut)

    def forget(self) -> bool:
        """Begin anew, as the camera was muted or another one is used; returns whether a face was in sight."""
        seen = self._seen_at_s is not None
        self._followed = self._seen_at_s = None
        return seen

    def read_picture(self, image: NDArray[np.uint8]) -> tuple[Reading, FoundFace] | None:
        """Read the largest face of a single [height, width, 3] BGR picture; None if there is none."""
        for face in sorted(self._faces(image), key=lambda face: -face.width * face.height):
            seen = self._see(image, face)
            if seen is not None:
                return self._read(seen[0], 0.0), face
        return None

    def read_crop(self, image: NDArray[np.uint8]) -> Reading:
        """Read a picture that is a face crop already, framed as FER-2013 frames faces.

        Raises:
            MediaError: the model reads the mesh, which sees no face in the crop.
        """
        if self._by_distances:
            mesh = mesh_in_crop(image, self._landmarker)
            if mesh is None:
                raise MediaError("the face mesh sees no face in the crop")
            return self._read(landmarks.distances(landmarks.chosen(mesh)), 0.0)
        grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
        if grey.shape != (SIDE, SIDE):
            grey = cv2.resize(grey, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
        return self._read(face_tensor(grey.astype("uint8", copy=False)), 0.0)

    def _faces(self, image: NDArray[np.uint8]) -> list[FoundFace]:
        smallest = self._config.min_face_px
        return [face for face in self._landmarker.find(image) if face.width >= smallest]

    def _follow(self, faces: list[FoundFace]) -> FoundFace | None:
        largest = max(faces, key=lambda face: face.width * face.height, default=None)
        if largest is None or self._followed is None:
            return largest
        same = max(faces, key=self._followed.overlap)
        if self._followed.overlap(same) < _SAME_OVERLAP:
            return largest
        return largest if largest.width * largest.height > _TAKE_OVER * same.width * same.height else same

    def _see(self, image: NDArray[np.uint8], face: FoundFace) -> tuple[NDArray[np.float32], NDArray[np.uint8]] | None:
        """Return what the model needs to know of a face, and its crop; None if the mesh sees none there."""
        grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY).astype("uint8", copy=False)
        mesh = self._landmarker.mesh(image, face) if self._landmarker.has_mesh else None
        if mesh is None and self._landmarker.has_mesh:
            return None
        cut = boxed_face(grey, face.x, face.y, face.width, face.height) if mesh is None else meshed_face(grey, mesh)
        if self._by_distances and mesh is not None:
            return landmarks.distances(landmarks.chosen(mesh)), cut
        return face_tensor(cut), cut

    def _read(self, seen: NDArray[np.float32], time_s: float) -> Reading:
        probabilities = self._model.probabilities(seen.reshape(self._model.entry.input.shape))
        return Reading("face", time_s, to_eight(self._model.entry.labels, probabilities))


def mesh_in_crop(image: NDArray[np.uint8], landmarker: Landmarker) -> NDArray[np.float32] | None:
    """Return the [468, 3] mesh of a face crop framed as FER-2013's, None if the mesh sees no face in it.

    The face is looked for as in any picture. Where that fails its box is taken to lie as it mostly does in such crops.
    """
    height, width = image.shape[:2]
    side = _BOX_IN_CROP * max(height, width)
    # FER-2013's eyes are level, so any two points of one height do.
    level = ((0.0, height / 2), (float(width), height / 2))
    usual = FoundFace((width - side) / 2, (height - side) / 2, side, side, 0.0, level)
    found = sorted(landmarker.find(image), key=lambda face: -face.width * face.height)
    meshes = (landmarker.mesh(image, face) for face in (*found, usual))
    return next((mesh for mesh in meshes if mesh is not None), None)


def crop(image: NDArray[np.uint8], face: FoundFace, landmarker: Landmarker) -> NDArray[np.uint8] | None:
    """Cut a face out as a [48, 48] grey crop, by its mesh or, where the landmarker has none, by its box.

    None means that the mesh does not see a face there.
    """
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY).astype("uint8", copy=False)
    if not landmarker.has_mesh:
        return boxed_face(grey, face.x, face.y, face.width, face.height)
    points = landmarker.mesh(image, face)
    return None if points is None else meshed_face(grey, points)


def meshed_face(grey: NDArray[np.uint8], mesh: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Cut a face out of a grey picture as a [48, 48] crop, by its [468, 3] mesh."""

    def middle(which: tuple[int, int]) -> tuple[float, float]:
        x, y = mesh[list(which), :2].mean(axis=0)
        return float(x), float(y)

    return aligned_face(grey, middle(LEFT_EYE), middle(RIGHT_EYE), middle(LIPS))
