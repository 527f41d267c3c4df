"""Network cameras without a camera: MJPEG over HTTP, and a server that accepts and then says nothing."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    from typing_extensions import Self


class MjpegCamera:
    """A network camera on a free port of 127.0.0.1: grey pictures with a white square that moves.

    Args:
        rate_hz: pictures a second.
        width: of the pictures.
        height: of the pictures.

    Attributes:
        frozen: while set, the connections stay open and nothing comes.
        watchers: how many connections there are now.
        connections: how many there have been.
    """

    def __init__(self, *, rate_hz: float = 15.0, width: int = 640, height: int = 480) -> None:
        self.frozen = threading.Event()
        self.watchers = 0
        self.connections = 0
        self._closing = threading.Event()
        self._period_s = 1 / rate_hz
        self._size = (height, width)
        self._server: ThreadingHTTPServer | None = None
        self._port = 0

    @property
    def address(self) -> str:
        """Where the pictures are."""
        return f"http://127.0.0.1:{self._port}/camera.mjpg"

    def __enter__(self) -> Self:
        """Start to serve."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self.stop()

    def start(self) -> None:
        """Serve, on the same port as before if there was one."""
        camera = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                camera._serve(self)

            def log_message(self, *_: object) -> None:
                pass

        self._closing.clear()
        self._server = ThreadingHTTPServer(("127.0.0.1", self._port), Handler)
        self._port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        """Close the connections and the port."""
        assert self._server is not None
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()

    def _serve(self, request: BaseHTTPRequestHandler) -> None:
        self.watchers += 1
        self.connections += 1
        try:
            request.send_response(200)
            request.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
            request.end_headers()
            count = 0
            while not self._closing.wait(self._period_s):
                if self.frozen.is_set():
                    continue
                jpeg = self._picture(count)
                request.wfile.write(
                    b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%b\r\n" % (len(jpeg), jpeg)
                )
                count += 1
        except ConnectionError:
            pass
        finally:
            self.watchers -= 1

    def _picture(self, count: int) -> bytes:
        height, width = self._size
        image = np.full((height, width, 3), 90, np.uint8)
        left = count * 8 % (width - 60)
        image[40:100, left : left + 60] = 255
        return bytes(cv2.imencode(".jpg", image)[1])


def write_video(path: Path, *, seconds: float, rate_hz: float = 15.0, width: int = 320, height: int = 240) -> Path:
    """Write a silent video whose brightness rises from 40 to 200 and return its path."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), rate_hz, (width, height))
    count = int(seconds * rate_hz)
    for number in range(count):
        writer.write(np.full((height, width, 3), 40 + 160 * number // count, np.uint8))
    writer.release()
    return path
