"""One connection to MPD, from the password to the farewell; `player` decides when there is another."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import mpd
from mpd.asyncio import MPDClient

from robotd.aio import timeout
from robotd.errors import LinkError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from robotd.config import Player

REPLY_TIMEOUT_S = 10.0

#: What it means when it is not there, or no longer; time may mend it.
LOST = (mpd.ConnectionError, mpd.ProtocolError, OSError, TimeoutError)

_NEEDED = {"status", "idle", "playlistid", "find", "addid", "deleteid", "playid"}


class Client(MPDClient):  # type: ignore[misc]
    """A client that loses its connection without a traceback in the log."""

    #: So soon after the last command it listens for changes again, in seconds.
    IMMEDIATE_COMMAND_TIMEOUT = 0.02

    def _MPDClient__idle_result(self, result: Any) -> None:  # noqa: N802 - the private name as Python mangles it
        # Of an `idle` that the end of the connection broke off, python-mpd2 would raise the error in a callback,
        # where nobody can catch it. It tells those who wait for changes by another way.
        if result.cancelled() or isinstance(result.exception(), LOST):
            return
        super()._MPDClient__idle_result(result)


@asynccontextmanager
async def connect(config: Player) -> AsyncIterator[Client]:
    """Connect to MPD, and leave it.

    Raises:
        LinkError: it wants a password, or another one.
        mpd.MPDError, OSError, TimeoutError: it can't be reached, or was lost.
    """
    client = Client()
    try:
        async with timeout(REPLY_TIMEOUT_S):
            await client.connect(config.host, config.port)
            await _log_in(client, config)
        yield client
    finally:
        client.disconnect()


def where_is(config: Player) -> str:
    """Return how MPD is called in messages."""
    return f"MPD at {config.host}" if "/" in config.host else f"MPD at {config.host}:{config.port}"


async def _log_in(client: Client, config: Player) -> None:
    if config.password is not None:
        try:
            await client.password(config.password.get_secret_value())
        except mpd.CommandError as error:
            raise LinkError(f"{where_is(config)} refuses the password ({error}): check player.password") from None
    if denied := sorted(_NEEDED - set(await client.commands())):
        with_it = "with this password" if config.password is not None else "without a password"
        raise LinkError(f"{where_is(config)} does not allow us {', '.join(denied)} {with_it}: check player.password")
