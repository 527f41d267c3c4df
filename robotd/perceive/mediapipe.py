"""The face through the mediapipe package itself (the extra `mediapipe`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from robotd.errors import ModelError
from robotd.perceive.faces import LEFT_EYE, RIGHT_EYE, FoundFace

if TYPE_CHECKING:
    from numpy.typing import NDArray

_MAX_FACES = 4
_MIN_SCORE = 0.3


class MediapipeLandmarker:
    """MediaPipe's own Face Mesh graph, tracking from picture to picture.

    Raises:
        ModelError: the package is not installed, or is a version without `solutions`.
    """

    name = "mediapipe"
    has_mesh = True

    def __init__(self) -> None:
        try:
            from mediapipe.python.solutions.face_mesh import FaceMesh
        except ImportError as error:
            raise ModelError("face.landmarker: mediapipe needs its package: pip install 'robotd[mediapipe]'") from error
        self._graph = FaceMesh(max_num_faces=_MAX_FACES, min_detection_confidence=_MIN_SCORE)
        self._meshes: dict[FoundFace, NDArray[np.float32]] = {}

    def find(self, image: NDArray[np.uint8]) -> list[FoundFace]:
        """Return the faces of a BGR picture."""
        height, width = image.shape[:2]
        result = self._graph.process(cv2.cvtColor(image, cv2.COLOR_BGR2RGB))
        self._meshes = {}
        for landmarks in result.multi_face_landmarks or ():
            points = np.array([(p.x * width, p.y * height, p.z * width) for p in landmarks.landmark], np.float32)
            left, top = points[:, :2].min(axis=0)
            right, bottom = points[:, :2].max(axis=0)
            face = FoundFace(
                float(left),
                float(top),
                float(right - left),
                float(bottom - top),
                1.0,
                (_centre(points, LEFT_EYE), _centre(points, RIGHT_EYE)),
            )
            self._meshes[face] = points
        return list(self._meshes)

    def mesh(self, image: NDArray[np.uint8], face: FoundFace) -> NDArray[np.float32] | None:  # noqa: ARG002 - protocol
        """Return the points that `find` already has."""
        return self._meshes.get(face)


def _centre(points: NDArray[np.float32], which: tuple[int, int]) -> tuple[float, float]:
    x, y = points[list(which), :2].mean(axis=0)
    return float(x), float(y)
