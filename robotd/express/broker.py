"""Which broker the robot talks to when none is named: the one on this machine, else one of our own."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from robotd.aio import timeout

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from robotd.config import Mqtt

logger = logging.getLogger(__name__)

LOOPBACK = "127.0.0.1"
KNOCK_TIMEOUT_S = 1.0

# MQTT 3.1.1: CONNECT with a clean session, a keep-alive of 5 s and no client id; then DISCONNECT.
_CONNECT = b"\x10\x0c\x00\x04MQTT\x04\x02\x00\x05\x00\x00"
_CONNACK = b"\x20\x02"
_DISCONNECT = b"\xe0\x00"


@asynccontextmanager
async def local_broker(config: Mqtt) -> AsyncIterator[tuple[str, int]]:
    """Yield the host and the port of the broker.

    With `mqtt.host` (or TLS, which our own broker lacks) these are the configured ones. Without, a broker
    that answers on this machine is taken; if there is none, one is run for the length of the block. It
    listens on the loopback only, so it lets everybody in, and it remembers nothing.
    """
    if config.host is not None or config.tls:
        yield config.host or "localhost", config.port
    elif await _is_broker("localhost", config.port):
        yield "localhost", config.port
    else:
        port = config.port if _is_free(config.port) else _free_port()
        async with _own_broker(port):
            yield LOOPBACK, port


@asynccontextmanager
async def _own_broker(port: int) -> AsyncIterator[None]:
    for noisy in ("amqtt", "transitions"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    from robotd.express.own_broker import OwnBroker

    broker = OwnBroker(LOOPBACK, port)
    await broker.start()
    logger.info(
        "no MQTT broker here, so robotd runs its own on %s:%d; watch it with: "
        "mosquitto_sub -h %s -p %d -t 'robotd/#' -v",
        LOOPBACK,
        port,
        LOOPBACK,
        port,
    )
    try:
        yield
    finally:
        await broker.shutdown()


async def _is_broker(host: str, port: int) -> bool:
    """Return whether what listens there speaks MQTT; whether it would let us in does not matter."""
    try:
        async with timeout(KNOCK_TIMEOUT_S):
            reader, writer = await asyncio.open_connection(host, port)
            with contextlib.closing(writer):
                writer.write(_CONNECT)
                answer = await reader.readexactly(len(_CONNACK))
                writer.write(_DISCONNECT)
    except (OSError, TimeoutError, asyncio.IncompleteReadError):
        return False
    return answer == _CONNACK


def _is_free(port: int) -> bool:
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the broker does, for ports in TIME_WAIT
        try:
            sock.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind((LOOPBACK, 0))
        port: int = sock.getsockname()[1]
    return port
