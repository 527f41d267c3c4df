"""Finding faces and their 468 landmarks: what every landmarker gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

#: Corners of the eyes and the middles of the lips in the 468-point mesh (seen from the camera: left is left).
LEFT_EYE, RIGHT_EYE = (33, 133), (362, 263)
LIPS = (13, 14)


@dataclass(frozen=True, slots=True, eq=False)
class FoundFace:
    """A face in a picture.

    Attributes:
        x, y, width, height: its box in pixels; it may reach over the picture's edge.
        score: how sure the detector is, 0..1.
        eyes: (left x, y), (right x, y) in pixels as the detector sees them, if it does.
    """

    x: float
    y: float
    width: float
    height: float
    score: float
    eyes: tuple[tuple[float, float], tuple[float, float]] | None = None

    def overlap(self, other: FoundFace) -> float:
        """Return the intersection over union of the two boxes, 0..1."""
        wide = min(self.x + self.width, other.x + other.width) - max(self.x, other.x)
        high = min(self.y + self.height, other.y + other.height) - max(self.y, other.y)
        shared = max(0.0, wide) * max(0.0, high)
        return shared / (self.width * self.height + other.width * other.height - shared)


class Landmarker(Protocol):
    """Finds faces, and the mesh of one of them."""

    name: str
    #: Whether a face without a mesh is no face: a second opinion on what was found.
    has_mesh: bool

    def find(self, image: NDArray[np.uint8]) -> list[FoundFace]:
        """Return the faces of a [height, width, 3] BGR picture."""

    def mesh(self, image: NDArray[np.uint8], face: FoundFace) -> NDArray[np.float32] | None:
        """Return [468, 3] points in pixels (z with the scale of x), None where there is no mesh."""
