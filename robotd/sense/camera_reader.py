"""Reads a camera in a process of its own, for a driver or a stream can hang where no time-out reaches.

Takes its orders as one line of JSON on standard input (an address may hold a password, and everybody can see
a command line), writes pictures to standard output, and ends when nobody reads them any more. Each picture is
a `HEADER` (monotonic time in seconds, height, width) and its bytes, BGR.
"""

from __future__ import annotations

import json
import os
import struct
import sys
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    import cv2
    from cv2.typing import MatLike

HEADER = struct.Struct("=dHH")

#: A file that does not say how fast it plays.
_FILE_RATE_HZ = 25.0


def main() -> int:
    """Read until there is nothing more to read, or nobody to read it; return the exit code."""
    orders: dict[str, Any] = json.loads(sys.stdin.readline())
    # Whatever a library prints must not get between the pictures.
    pictures = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    try:
        for image in _pictures(**orders):
            height, width = image.shape[:2]
            pictures.write(HEADER.pack(time.monotonic(), height, width))
            pictures.write(image.data)
            pictures.flush()
    except BrokenPipeError:
        os._exit(0)  # without a last flush, which would complain
    except EOFError as end:
        sys.stderr.write(f"{end}\n")
    return 1


def _pictures(source: str, rate_hz: float, width: int, height: int, patience_s: float) -> Iterator[MatLike]:
    """Yield pictures of at most the given size and rate; a file plays at its own pace, again and again.

    Raises:
        EOFError: there are no more, with the reason.
    """
    import cv2

    cv2.setNumThreads(1)
    is_file = not source.startswith("/dev/") and "://" not in source
    period_s, due_s = 1 / rate_hz, 0.0
    while True:
        capture = _open(source, rate_hz, width, height, patience_s)
        play_rate_hz = capture.get(cv2.CAP_PROP_FPS) or _FILE_RATE_HZ
        began_s, grabbed = time.monotonic(), 0
        # grab() is cheap for most cameras; only pictures that are due are decoded.
        while capture.grab():
            if is_file:
                time.sleep(max(0.0, began_s + grabbed / play_rate_hz - time.monotonic()))
            grabbed += 1
            now_s = time.monotonic()
            if now_s < due_s:
                continue
            due_s = due_s + period_s if now_s < due_s + period_s else now_s + period_s
            ok, image = capture.retrieve()
            if ok:
                yield _at_most(image, width, height)
        capture.release()
        if not is_file or not grabbed:
            raise EOFError("gives no more pictures")


def _open(source: str, rate_hz: float, width: int, height: int, patience_s: float) -> cv2.VideoCapture:
    import cv2

    if source.startswith("/dev/"):
        capture = cv2.VideoCapture(source, cv2.CAP_V4L2)
        capture.set(cv2.CAP_PROP_FRAME_WIDTH, width)
        capture.set(cv2.CAP_PROP_FRAME_HEIGHT, height)
        capture.set(cv2.CAP_PROP_FPS, rate_hz)
    else:
        patience_ms = int(patience_s * 1000)
        capture = cv2.VideoCapture(
            source,
            cv2.CAP_FFMPEG,
            [
                *(cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, patience_ms),
                *(cv2.CAP_PROP_READ_TIMEOUT_MSEC, patience_ms),
                *(cv2.CAP_PROP_N_THREADS, 1),
            ],
        )
    if not capture.isOpened():
        raise EOFError("can't be opened")
    return capture


def _at_most(image: MatLike, width: int, height: int) -> MatLike:
    """Return a picture scaled down to at most width x height, its proportions kept."""
    import cv2

    scale = min(width / image.shape[1], height / image.shape[0])
    if scale >= 1:
        return image
    size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA)


if __name__ == "__main__":
    sys.exit(main())
