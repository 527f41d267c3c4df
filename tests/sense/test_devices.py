from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from robotd.sense import devices
from robotd.sense.devices import FoundCamera, list_cameras

if TYPE_CHECKING:
    from pathlib import Path

CAPTURE, CAPTURE_MPLANE, METADATA, OUTPUT = 0x1, 0x1000, 0x800000, 0x2


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with some V4L2 devices; their capabilities are what stands in the node."""
    for number, name, content in [
        (10, "bcm2835-codec-decode", str(CAPTURE)),
        (0, "HD Webcam: HD Webcam", str(CAPTURE)),
        (1, "HD Webcam: HD Webcam", str(METADATA)),
        (2, "Loudspeaker", str(OUTPUT)),
        (3, "unicam", str(CAPTURE_MPLANE)),
        (4, "Guarded", "guarded"),
        (5, "Unplugged", "unplugged"),
        (13, "bcm2835-isp-capture0", str(CAPTURE)),
    ]:
        entry = tmp_path / "sys" / f"video{number}"
        entry.mkdir(parents=True)
        (entry / "name").write_text(name + "\n")
        (tmp_path / f"video{number}").write_text(content)

    def capabilities(node: Path) -> int:
        content = node.read_text()
        if content == "guarded":
            raise PermissionError
        if content == "unplugged":
            raise FileNotFoundError
        return int(content)

    monkeypatch.setattr(devices, "_capabilities", capabilities)
    return tmp_path


def test_lists_the_cameras_and_nothing_else(machine: Path) -> None:
    assert list_cameras(machine / "sys", machine) == [
        FoundCamera(f"{machine}/video0", "HD Webcam: HD Webcam", readable=True),
        FoundCamera(f"{machine}/video3", "unicam", readable=True),
        FoundCamera(f"{machine}/video4", "Guarded", readable=False),
    ]


def test_a_machine_without_video_has_no_cameras(tmp_path: Path) -> None:
    assert list_cameras(tmp_path / "none", tmp_path) == []


def test_what_is_no_v4l2_device_is_no_camera(tmp_path: Path) -> None:
    entry = tmp_path / "sys" / "video0"
    entry.mkdir(parents=True)
    (entry / "name").write_text("a file")
    (tmp_path / "video0").touch()
    assert list_cameras(tmp_path / "sys", tmp_path) == []


def test_the_layout_of_the_request_is_that_of_the_kernel() -> None:
    # _IOR('V', 0, struct v4l2_capability): the size is part of the number.
    size = devices._CAPABILITY.size
    assert size == 104
    assert (2 << 30) + (size << 16) + (ord("V") << 8) == devices._QUERYCAP
