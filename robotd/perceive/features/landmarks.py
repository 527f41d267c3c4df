"""Distances between landmarks of a face: what `face_landmarks` sees, in training and on the robot.

The distances between all pairs of landmarks say what a face does, whatever its place, size and turn in the picture.
The landmarks are some of MediaPipe's 468-point mesh (Kartynnik et al. 2019, arXiv:1907.06724).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: How many points a mesh has.
MESH_POINTS = 468

# Numbers of the mesh's points, left as the camera sees it, for what the Facial Action Coding System describes.
#: Outer end, arch and inner end of a brow.
_LEFT_BROW, _RIGHT_BROW = (70, 105, 107), (300, 334, 336)
#: Outer corner, upper lid, inner corner and lower lid of an eye.
_LEFT_EYE, _RIGHT_EYE = (33, 159, 133, 145), (263, 386, 362, 374)
#: Wing of the nose, and the cheek beside it, where a smile folds it.
_LEFT_CHEEK, _RIGHT_CHEEK = (98, 205), (327, 425)
#: Corner of the mouth, and round the outer edge of the lips from above to below.
_LEFT_LIPS, _RIGHT_LIPS = (61, 40, 37, 91, 84), (291, 270, 267, 321, 314)
#: Angle of the jaw.
_LEFT_JAW, _RIGHT_JAW = (172,), (397,)
#: Between the brows, bridge and tip of the nose, edge and inside of the upper lip, inside of the lower lip, chin.
_MIDDLE = (9, 168, 4, 0, 13, 14, 152)

_LEFT = _LEFT_BROW + _LEFT_EYE + _LEFT_CHEEK + _LEFT_LIPS + _LEFT_JAW
_RIGHT = _RIGHT_BROW + _RIGHT_EYE + _RIGHT_CHEEK + _RIGHT_LIPS + _RIGHT_JAW
#: The chosen points of the mesh, in the order in which they are used.
POINTS = (*_LEFT, *_MIDDLE, *_RIGHT)
#: For each of the chosen points the place of its twin on the other side.
TWINS = tuple(POINTS.index(twin) for twin in (*_RIGHT, *_MIDDLE, *_LEFT))
#: The pairs of chosen points, by their places: [pairs], [pairs].
PAIRS = np.triu_indices(len(POINTS), 1)
#: How many distances there are.
COUNT = len(PAIRS[0])


def chosen(mesh: NDArray[np.float32]) -> NDArray[np.float32]:
    """Pick the points that are used out of meshes, [..., 468, 3] to [..., points, 2].

    How deep they lie is left out: the mesh guesses it, and with it faces were read less well.

    Raises:
        ValueError: it is no such mesh.
    """
    if mesh.shape[-2:] != (MESH_POINTS, 3):
        raise ValueError(f"a mesh is [{MESH_POINTS}, 3], not {list(mesh.shape)}")
    return mesh[..., POINTS, :2]


def distances(points: NDArray[np.float32]) -> NDArray[np.float32]:
    """Turn chosen points, [..., points, 2], into a model's input, [..., 1, COUNT].

    Each distance is divided by the mean of all, so that the size of the face in the picture says nothing.

    Raises:
        ValueError: the points coincide, or are not numbers.
    """
    first, second = PAIRS
    x, y = np.ascontiguousarray(points[..., 0]), np.ascontiguousarray(points[..., 1])
    lengths = np.hypot(x[..., first] - x[..., second], y[..., first] - y[..., second])
    mean = lengths.mean(axis=-1, keepdims=True)
    if not (np.isfinite(mean).all() and (mean > 0.0).all()):
        raise ValueError("the landmarks of a face are different points")
    scaled: NDArray[np.float32] = (lengths / mean).astype(np.float32)[..., None, :]
    return scaled
