"""What waits to be sent to the broker: the newest of every retained topic, and a bounded queue of the rest."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Message:
    """A message on its way out; `topic` is the whole name."""

    topic: str
    payload: bytes
    retained: bool


class Outbox:
    """Hands out messages in the order in which they came, replaced retained ones in their old place. One reader.

    Retained messages are kept for good, because a broker may lose them: `resend_retained` offers them
    again. All others are handed out once or, with `forget_transient`, never.

    Args:
        size: so many transient messages wait at most; then the oldest is dropped.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._retained: dict[str, Message] = {}
        self._unsent: dict[str, None] = {}
        self._transient: deque[Message] = deque()
        self._ready = asyncio.Event()

    def keep(self, topic: str, payload: bytes) -> None:
        """Offer a retained message in place of the last one of its topic."""
        self._retained[topic] = Message(topic, payload, retained=True)
        self._unsent[topic] = None
        self._ready.set()

    def add(self, topic: str, payload: bytes) -> int:
        """Offer a transient message; return how many had to be dropped for it, 0 or 1."""
        dropped = len(self._transient) >= self._size
        if dropped:
            self._transient.popleft()
        self._transient.append(Message(topic, payload, retained=False))
        self._ready.set()
        return int(dropped)

    def resend_retained(self, *topics: str) -> None:
        """Offer the newest message of these retained topics again, of all if none is named."""
        self._unsent |= dict.fromkeys(topics or self._retained)
        self._ready.set()

    def forget_transient(self) -> int:
        """Drop what is not retained; return how many messages that were."""
        forgotten = len(self._transient)
        self._transient.clear()
        return forgotten

    def take(self) -> Message | None:
        """Return the next message, None if there is none.

        Retained ones go first: whoever hears of an event finds the topics in the state that goes with it.
        """
        if self._unsent:
            topic = next(iter(self._unsent))
            del self._unsent[topic]
            return self._retained[topic]
        if self._transient:
            return self._transient.popleft()
        self._ready.clear()
        return None

    async def get(self) -> Message:
        """Wait for the next message and return it."""
        while (message := self.take()) is None:
            await self._ready.wait()
        return message
