"""The broker that robotd runs itself, made of amqtt. Importing it takes a while, so only do it to run it."""

from __future__ import annotations

import asyncio
from typing import Any

from amqtt.broker import Broker

CLOSE_S = 2.0


class OwnBroker(Broker):  # type: ignore[misc]  # amqtt is not type-checked here
    """Serves everybody who reaches one address and port; remembers nothing over a restart.

    Three of amqtt 0.12's hooks are mended here, each for the reason that it gives.

    Args:
        address: where to listen.
        port: likewise.
    """

    def __init__(self, address: str, port: int) -> None:
        super().__init__(
            {
                "listeners": {"default": {"type": "tcp", "bind": f"{address}:{port}"}},
                "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
            }
        )
        self._callers: dict[asyncio.Task[Any], asyncio.StreamWriter] = {}

    async def stream_connected(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, listener_name: str
    ) -> None:
        """Serve one client. amqtt keeps the connections of those who leave without a word."""
        caller = asyncio.current_task()
        assert caller is not None
        self._callers[caller] = writer
        try:
            await super().stream_connected(reader, writer, listener_name)
        finally:
            del self._callers[caller]
            writer.close()

    async def shutdown(self) -> None:
        """Hang up on everybody and stop. amqtt may wait for ever for a client who just says something."""
        for server in self._servers.values():
            server.instance.close()
        for writer in self._callers.values():
            writer.transport.abort()
        if self._callers:
            await asyncio.wait(self._callers, timeout=CLOSE_S)
        await super().shutdown()

    async def _publish_retained_messages_for_subscription(self, subscription: tuple[str, int], session: Any) -> None:
        """Send the retained messages of a subscription to whom it belongs.

        amqtt sends a newcomer those of everybody's subscriptions, and drops it if one more comes meanwhile.
        """
        subscribers = self._subscriptions.get(subscription[0], ())
        if any(subscriber.client_id == session.client_id for subscriber, _ in subscribers):
            await super()._publish_retained_messages_for_subscription(subscription, session)
