"""The camera: its pictures come from a reader process."""

from __future__ import annotations

import os
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, ClassVar

import numpy as np

from robotd.errors import DeviceError
from robotd.sense.camera_reader import HEADER
from robotd.sense.devices import list_cameras
from robotd.sense.kept import FIRST_PAUSE_S
from robotd.sense.process import ProcessDevice, read_into

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from numpy.typing import NDArray

    from robotd.config import Camera


class LiveCamera(ProcessDevice):
    """Keeps a camera open and gives its pictures.

    Args:
        settings: the `camera` section of the configuration.
        deliver: called on the loop with each picture: the monotonic time at which it was taken in seconds, and
            the image, [height, width, 3] uint8 BGR.
        first_pause_s: pause before a lost camera is opened again.
    """

    kind: ClassVar[str] = "camera"
    module: ClassVar[str] = "robotd.sense.camera_reader"

    def __init__(
        self,
        settings: Camera,
        deliver: Callable[[float, NDArray[np.uint8]], None],
        *,
        first_pause_s: float = FIRST_PAUSE_S,
    ) -> None:
        super().__init__(enabled=settings.enabled, stall_s=settings.stall_s, first_pause_s=first_pause_s)
        self._settings = settings
        self._deliver = deliver

    def _orders(self) -> Mapping[str, Any]:
        return {
            "source": find(self._settings.source),
            "rate_hz": self._settings.rate_hz,
            "width": self._settings.width,
            "height": self._settings.height,
            "patience_s": self._settings.stall_s,
        }

    def _messages(self, pipe: IO[bytes]) -> Iterator[tuple[float, NDArray[np.uint8]]]:
        header = bytearray(HEADER.size)
        while read_into(pipe, memoryview(header)):
            taken_s, height, width = HEADER.unpack(header)
            image = np.empty((height, width, 3), np.uint8)
            if not read_into(pipe, image.reshape(-1).data):
                return
            yield taken_s, image

    def _take(self, message: tuple[float, NDArray[np.uint8]]) -> None:
        self._sampled()
        self._deliver(*message)


def find(source: str | int | None) -> str:
    """Return the path or address of a camera by its number, path or address; None: the first one.

    Raises:
        DeviceError: there is no such camera.
    """
    if source is None:
        cameras = list_cameras()
        if not cameras:
            raise DeviceError("none is there")
        source = cameras[0].path
    path = f"/dev/video{source}" if str(source).isdecimal() else str(source)
    if "://" in path:
        return path
    if not Path(path).exists():
        raise DeviceError(f"{path} does not exist")
    if not os.access(path, os.R_OK):
        remedy = ": add the user to the group `video`" if path.startswith("/dev/") else ""
        raise DeviceError(f"{path} may not be opened{remedy}")
    return path
