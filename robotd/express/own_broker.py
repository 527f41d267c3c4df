"""The broker that robotd runs itself, made of amqtt. Importing it takes a while, so only do it to run it."""

from __future__ import annotations

from typing import Any

from amqtt.broker import Broker


class OwnBroker(Broker):  # type: ignore[misc]  # amqtt is not type-checked here
    """Serves everybody who reaches one address and port; remembers nothing over a restart.

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

    async def _publish_retained_messages_for_subscription(
        self, subscription: tuple[str, int], session: Any
    ) -> None:
        """Send the retained messages of a subscription only to whom it belongs.

        amqtt 0.12 sends a newcomer those of everybody's subscriptions, and drops it if one more comes meanwhile.
        """
        subscribers = self._subscriptions.get(subscription[0], ())
        if any(subscriber.client_id == session.client_id for subscriber, _ in subscribers):
            await super()._publish_retained_messages_for_subscription(subscription, session)
