"""The two MediaPipe models run directly: BlazeFace finds faces, the face mesh puts 468 points on one.

BlazeFace: Bazarevsky et al. 2019, arXiv:1907.05047. Face mesh: Kartynnik et al. 2019, arXiv:1907.06724.
"""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING

import cv2
import numpy as np

from robotd.perceive.faces import FoundFace
from robotd.perceive.runtime import Model

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from robotd.config import Runtime
    from robotd.perceive.manifest import Manifest

_DETECTOR_PX = 128
_MESH_PX = 192
#: 0.3 also finds faces in small crops; what it finds too much, the mesh rejects.
_MIN_SCORE = 0.3
_SAME_FACE_OVERLAP = 0.3
#: The mesh sees the detected box widened to this much of its longer side, as in MediaPipe's graph.
_MESH_MARGIN = 1.5
#: The mesh says by a logit whether it sits on a face at all.
_MIN_MESH_LOGIT = 0.0


class BlazefaceLandmarker:
    """BlazeFace (short range, faces to about 2 m) and the 468-point mesh in LiteRT.

    Raises:
        ModelError: a model file is missing or changed.
    """

    name = "tflite"
    has_mesh = True

    def __init__(self, manifest: Manifest, runtime: Runtime) -> None:
        self._detector = Model("face_detection", "face_detection", manifest, runtime)
        self._mesh = Model("face_mesh", "face_mesh", manifest, runtime)

    def find(self, image: NDArray[np.uint8]) -> list[FoundFace]:
        """Return the faces of a BGR picture, the surest first."""
        square, scale, left, top = _letterbox(image, _DETECTOR_PX)
        tensor = cv2.cvtColor(square, cv2.COLOR_BGR2RGB).astype(np.float32) / 127.5 - 1.0
        boxes, logits = self._detector.run(tensor[None])
        scores = 1.0 / (1.0 + np.exp(-np.clip(logits[0, :, 0], -80.0, 80.0)))
        good = np.flatnonzero(scores > _MIN_SCORE)
        raw = boxes[0, good]
        # Everything is in pixels of the square, relative to the anchor's centre.
        raw[:, 0:2] += _anchors()[good]
        raw[:, 4:8] += np.tile(_anchors()[good], 2)
        kept: list[FoundFace] = []
        for index in np.argsort(-scores[good]):
            x, y, width, height, *eyes = (float(value) / scale for value in raw[index, :8])
            face = FoundFace(
                x - width / 2 - left,
                y - height / 2 - top,
                width,
                height,
                float(scores[good][index]),
                ((eyes[0] - left, eyes[1] - top), (eyes[2] - left, eyes[3] - top)),
            )
            if all(face.overlap(other) < _SAME_FACE_OVERLAP for other in kept):
                kept.append(face)
        return kept

    def mesh(self, image: NDArray[np.uint8], face: FoundFace) -> NDArray[np.float32] | None:
        """Return [468, 3] points in pixels, None if the mesh sees no face there."""
        assert face.eyes is not None
        (left_x, left_y), (right_x, right_y) = face.eyes
        turn = math.atan2(right_y - left_y, right_x - left_x)
        zoom = _MESH_PX / (max(face.width, face.height) * _MESH_MARGIN)
        cos, sin = math.cos(turn) * zoom, math.sin(turn) * zoom
        centre_x, centre_y = face.x + face.width / 2, face.y + face.height / 2
        to_crop = np.array(
            [
                [cos, sin, _MESH_PX / 2 - cos * centre_x - sin * centre_y],
                [-sin, cos, _MESH_PX / 2 + sin * centre_x - cos * centre_y],
            ]
        )
        crop = cv2.warpAffine(image, to_crop, (_MESH_PX, _MESH_PX), flags=cv2.INTER_LINEAR)
        tensor = cv2.cvtColor(crop, cv2.COLOR_BGR2RGB).astype(np.float32) / 255.0
        points, logit = self._mesh.run(tensor[None])
        if float(logit.reshape(-1)[0]) < _MIN_MESH_LOGIT:
            return None
        points = points.reshape(468, 3)
        found = np.empty_like(points)
        to_picture = cv2.invertAffineTransform(to_crop)
        found[:, :2] = points[:, :2] @ to_picture[:, :2].T + to_picture[:, 2]
        found[:, 2] = points[:, 2] / zoom
        return found


@functools.cache
def _anchors() -> NDArray[np.float32]:
    """Return the centres, [896, 2] in pixels, of BlazeFace's two grids: 2 on each of 16x16, 6 on each of 8x8."""
    centres: list[tuple[float, float]] = []
    for cells, each in ((16, 2), (8, 6)):
        step = _DETECTOR_PX / cells
        centres += [
            ((column + 0.5) * step, (row + 0.5) * step)
            for row in range(cells)
            for column in range(cells)
            for _ in range(each)
        ]
    return np.array(centres, np.float32)


def _letterbox(image: NDArray[np.uint8], side: int) -> tuple[NDArray[np.uint8], float, float, float]:
    """Fit a picture into a square; returns it, the scale, and the bars left and above in picture pixels."""
    height, width = image.shape[:2]
    scale = side / max(height, width)
    inner = (max(1, round(width * scale)), max(1, round(height * scale)))
    left, top = (side - inner[0]) // 2, (side - inner[1]) // 2
    square = np.zeros((side, side, 3), np.uint8)
    square[top : top + inner[1], left : left + inner[0]] = cv2.resize(image, inner, interpolation=cv2.INTER_LINEAR)
    return square, scale, left / scale, top / scale
