"""What we tell the service manager: sd_notify(3) over the socket that NOTIFY_SOCKET names.

Started by hand, without that variable, nothing is sent.
"""

from __future__ import annotations

import logging
import os
import socket
import time

logger = logging.getLogger(__name__)


def ready() -> None:
    """Say that the start, or a reload, is complete."""
    _send("READY=1")


def status(text: str) -> None:
    """Set the line that `systemctl status` shows."""
    _send(f"STATUS={' '.join(text.split())}")


def watchdog() -> None:
    """Say that we are alive; to be called every `watchdog_interval_s`."""
    _send("WATCHDOG=1")


def stopping() -> None:
    """Say that we are about to end."""
    _send("STOPPING=1")


def reloading() -> None:
    """Say that the configuration is being read again; `ready` ends it."""
    _send("RELOADING=1", f"MONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}")


def watchdog_interval_s() -> float | None:
    """Return how often `watchdog` is to be called, None if nobody waits for it.

    That is half of WATCHDOG_USEC, as sd_watchdog_enabled(3) recommends.
    """
    if os.environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None
    try:
        limit_us = int(os.environ.get("WATCHDOG_USEC", "0"))
    except ValueError:
        return None
    return limit_us / 2e6 if limit_us > 0 else None


def _send(*lines: str) -> None:
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    if address.startswith("@"):  # an abstract socket has no file; its name begins with a null byte
        address = "\0" + address[1:]
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as sock:
            sock.connect(address)
            sock.send("\n".join(lines).encode())
    except OSError as error:
        # The service manager is a listener, not a condition for playing music.
        logger.warning("can't notify the service manager (%s): %s", lines[0], error)
