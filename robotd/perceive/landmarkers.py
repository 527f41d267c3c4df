"""The choice between what finds faces."""

from __future__ import annotations

from typing import TYPE_CHECKING

from robotd.errors import ModelError

if TYPE_CHECKING:
    from robotd.config import Face, Runtime
    from robotd.perceive.faces import Landmarker
    from robotd.perceive.manifest import Manifest


def open_landmarker(face: Face, manifest: Manifest, runtime: Runtime) -> tuple[Landmarker, str | None]:
    """Return the landmarker that the configuration asks for, and a word of warning if it is a substitute.

    Raises:
        ModelError: the one that is asked for by name can't be had.
    """
    if face.landmarker == "haar":
        from robotd.perceive.haar import HaarLandmarker

        return HaarLandmarker(), None
    if face.landmarker == "mediapipe":
        from robotd.perceive.mediapipe import MediapipeLandmarker

        return MediapipeLandmarker(), None
    from robotd.perceive.blazeface import BlazefaceLandmarker

    try:
        return BlazefaceLandmarker(manifest, runtime), None
    except ModelError as error:
        if face.landmarker == "tflite":
            raise
        from robotd.perceive.haar import HaarLandmarker

        return HaarLandmarker(), f"{error}; until then faces are found by Haar cascades, slower and less well"
