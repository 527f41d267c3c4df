"""Lists the microphones and cameras that there are."""

from __future__ import annotations

import fcntl
import json
import os
import struct
import subprocess
from dataclasses import dataclass
from pathlib import Path

from robotd.errors import DeviceError
from robotd.sense.microphone_reader import FoundMicrophone
from robotd.sense.process import command, environment, last_words

__all__ = ["FoundCamera", "FoundMicrophone", "list_cameras", "list_microphones"]

#: V4L2's VIDIOC_QUERYCAP and its answer: driver, card, bus, version, capabilities, device capabilities, spare
#: (linux/videodev2.h).
_QUERYCAP = 0x80685600
_CAPABILITY = struct.Struct("=16s32s32sIII12x")
_VIDEO_CAPTURE, _VIDEO_CAPTURE_MPLANE, _DEVICE_CAPS = 0x1, 0x1000, 0x80000000
#: PortAudio asks all sound servers; some take long to refuse.
_PATIENCE_S = 20.0
#: Image processors of the Raspberry Pi that say of themselves that they capture.
_NOT_CAMERAS = ("bcm2835-isp", "bcm2835-codec", "pispbe", "rpivid", "rpi-hevc")


@dataclass(frozen=True, slots=True)
class FoundCamera:
    """A V4L2 camera.

    Attributes:
        path: for instance /dev/video0.
        name: what the driver calls it.
        readable: whether we may open it; if not, the user has to be in the group `video`.
    """

    path: str
    name: str
    readable: bool


def list_microphones() -> list[FoundMicrophone]:
    """Return the microphones (blocks for some tenths of a second).

    Raises:
        DeviceError: PortAudio is not installed, or does not answer.
    """
    try:
        answer = subprocess.run(
            command("robotd.sense.microphone_reader"),
            input=b'{"list": true}\n',
            env=environment(),
            capture_output=True,
            check=False,
            timeout=_PATIENCE_S,
        )
    except subprocess.TimeoutExpired as error:
        raise DeviceError("PortAudio does not answer; restart the sound server") from error
    if answer.returncode != 0:
        raise DeviceError(last_words(answer.stderr.splitlines()[-1:]) or "PortAudio does not start")
    return [FoundMicrophone(**each) for each in json.loads(answer.stdout)]


def list_cameras(known: Path = Path("/sys/class/video4linux"), nodes: Path = Path("/dev")) -> list[FoundCamera]:
    """Return the cameras, in the order of their numbers."""
    cameras = []
    for entry in sorted(known.glob("video*"), key=lambda path: int(path.name.removeprefix("video"))):
        name = (entry / "name").read_text(encoding="utf-8", errors="replace").strip()
        if name.startswith(_NOT_CAMERAS):
            continue
        node = nodes / entry.name
        try:
            captures = bool(_capabilities(node) & (_VIDEO_CAPTURE | _VIDEO_CAPTURE_MPLANE))
        except PermissionError:
            cameras.append(FoundCamera(str(node), name, readable=False))
        except OSError:
            continue
        else:
            if captures:
                cameras.append(FoundCamera(str(node), name, readable=True))
    return cameras


def _capabilities(node: Path) -> int:
    """Return the V4L2 capability bits of a device node.

    Raises:
        OSError: it can't be opened, or is no V4L2 device.
    """
    answer = bytearray(_CAPABILITY.size)
    descriptor = os.open(node, os.O_RDWR | os.O_NONBLOCK)
    try:
        fcntl.ioctl(descriptor, _QUERYCAP, answer)
    finally:
        os.close(descriptor)
    *_, whole, of_this_node = _CAPABILITY.unpack(answer)
    return int(of_this_node if whole & _DEVICE_CAPS else whole)
