"""The fallback face detector: OpenCV's Haar cascade (Viola & Jones 2001). It has no landmarks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import cv2

from robotd.errors import ModelError
from robotd.perceive.faces import FoundFace

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

#: Pictures are searched at this width: Haar is slow, and a face near a robot is large.
_SEARCH_WIDTH_PX = 320


class HaarLandmarker:
    """Frontal faces by the cascade that OpenCV carries.

    Raises:
        ModelError: this OpenCV carries none.
    """

    name = "haar"
    has_mesh = False

    def __init__(self) -> None:
        path = str(Path(cv2.__file__).parent / "data" / "haarcascade_frontalface_default.xml")
        self._cascade = cv2.CascadeClassifier(path)
        if self._cascade.empty():
            raise ModelError(f"{path} is missing: install opencv-python-headless below version 5")

    def find(self, image: NDArray[np.uint8]) -> list[FoundFace]:
        """Return the faces of a BGR picture; the cascade has no score, each gets 1."""
        scale = min(1.0, _SEARCH_WIDTH_PX / image.shape[1])
        grey = cv2.cvtColor(cv2.resize(image, None, fx=scale, fy=scale), cv2.COLOR_BGR2GRAY)
        boxes = self._cascade.detectMultiScale(grey, scaleFactor=1.15, minNeighbors=5, minSize=(32, 32))
        return [FoundFace(x / scale, y / scale, width / scale, height / scale, 1.0) for x, y, width, height in boxes]

    def mesh(self, image: NDArray[np.uint8], face: FoundFace) -> None:
        """Haar has no landmarks."""
