"""Reads the emotion of the largest face of a picture, and keeps an eye on whether there is one."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import cv2

from robotd.emotion import Reading, to_eight
from robotd.perceive.faces import LEFT_EYE, LIPS, RIGHT_EYE
from robotd.perceive.features.face_image import SIDE, aligned_face, boxed_face, face_tensor
from robotd.perceive.landmarkers import open_landmarker
from robotd.perceive.runtime import Model

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from robotd.config import Face, Runtime
    from robotd.perceive.faces import FoundFace, Landmarker
    from robotd.perceive.manifest import Manifest
    from robotd.sense.sample import Frame

log = logging.getLogger(__name__)

#: Another face takes over from the one that is followed when it is so many times larger.
_TAKE_OVER = 1.5
#: Boxes that overlap more than this belong to the same face from picture to picture.
_SAME_OVERLAP = 0.25


@dataclass(frozen=True, slots=True)
class Look:
    """What came of one picture.

    Attributes:
        reading: of the followed face, None if there is none.
        event: whether a face appeared, or has been away for `lost_after_s`.
    """

    reading: Reading | None
    event: Literal["face_seen", "face_lost"] | None = None


class FaceReader:
    """A landmarker and a face model of the manifest.

    Raises:
        ModelError: one of them can't be used.
    """

    def __init__(self, face: Face, manifest: Manifest, runtime: Runtime) -> None:
        self._config = face
        self._model = Model(face.model, "face", manifest, runtime)
        self._landmarker, warning = open_landmarker(face, manifest, runtime)
        if warning:
            log.warning(warning)
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
        cut = None if self._followed is None else crop(frame.image, self._followed, self._landmarker)
        if cut is None:
            self._followed = None
            if self._seen_at_s is not None and frame.time_s - self._seen_at_s >= self._config.lost_after_s:
                self._seen_at_s = None
                return Look(None, "face_lost")
            return Look(None)
        event: Literal["face_seen"] | None = "face_seen" if self._seen_at_s is None else None
        self._seen_at_s = frame.time_s
        return Look(self._read(cut, frame.time_s), event)

    def forget(self) -> bool:
        """Begin anew, as the camera was muted or another one is used; returns whether a face was in sight."""
        seen = self._seen_at_s is not None
        self._followed = self._seen_at_s = None
        return seen

    def read_picture(self, image: NDArray[np.uint8]) -> tuple[Reading, FoundFace] | None:
        """Read the largest face of a single [height, width, 3] BGR picture; None if there is none."""
        for face in sorted(self._faces(image), key=lambda face: -face.width * face.height):
            cut = crop(image, face, self._landmarker)
            if cut is not None:
                return self._read(cut, 0.0), face
        return None

    def read_crop(self, image: NDArray[np.uint8]) -> Reading:
        """Read a picture that is a face crop already, framed as FER-2013 frames faces."""
        grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
        if grey.shape != (SIDE, SIDE):
            grey = cv2.resize(grey, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
        return self._read(grey.astype("uint8", copy=False), 0.0)

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

    def _read(self, grey_crop: NDArray[np.uint8], time_s: float) -> Reading:
        probabilities = self._model.probabilities(face_tensor(grey_crop))
        return Reading("face", time_s, to_eight(self._model.entry.labels, probabilities))


def crop(image: NDArray[np.uint8], face: FoundFace, landmarker: Landmarker) -> NDArray[np.uint8] | None:
    """Cut a face out as a [48, 48] grey crop, by its mesh or, where the landmarker has none, by its box.

    None means that the mesh does not see a face there.
    """
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY).astype("uint8", copy=False)
    if not landmarker.has_mesh:
        return boxed_face(grey, face.x, face.y, face.width, face.height)
    points = landmarker.mesh(image, face)
    if points is None:
        return None

    def middle(which: tuple[int, int]) -> tuple[float, float]:
        x, y = points[list(which), :2].mean(axis=0)
        return float(x), float(y)

    return aligned_face(grey, middle(LEFT_EYE), middle(RIGHT_EYE), middle(LIPS))
