"""The two ways in which stages hand things on: the latest value, and a bounded queue."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class Latest(Generic[T]):
    """Holds one value; a newer one replaces an older one that nobody took. For one reader.

    Attributes:
        replaced: how many values were never taken.
    """

    def __init__(self) -> None:
        self.replaced = 0
        self._value: T | None = None
        self._ready = asyncio.Event()

    def put(self, value: T) -> None:
        """Offer a value (loop thread only)."""
        if self._value is not None:
            self.replaced += 1
        self._value = value
        self._ready.set()

    def take(self) -> T | None:
        """Return and forget the value, None if there is none."""
        value, self._value = self._value, None
        self._ready.clear()
        return value

    async def get(self) -> T:
        """Wait for a value, return and forget it."""
        while (value := self.take()) is None:
            await self._ready.wait()
        return value


class BoundedQueue(Generic[T]):
    """A queue that drops its oldest entry when full, and counts it. For one reader.

    Attributes:
        overflowed: how many entries were dropped.
    """

    def __init__(self, size: int) -> None:
        self.overflowed = 0
        self._entries: deque[T] = deque()
        self._size = size
        self._ready = asyncio.Event()

    def __len__(self) -> int:
        return len(self._entries)

    def put(self, entry: T) -> None:
        """Append an entry (loop thread only)."""
        if len(self._entries) >= self._size:
            self._entries.popleft()
            self.overflowed += 1
        self._entries.append(entry)
        self._ready.set()

    def take(self) -> T | None:
        """Return the oldest entry, None if there is none."""
        if not self._entries:
            self._ready.clear()
            return None
        return self._entries.popleft()

    async def get(self) -> T:
        """Wait for an entry and return the oldest."""
        while (entry := self.take()) is None:
            await self._ready.wait()
        return entry

    def clear(self) -> None:
        """Forget all entries."""
        self._entries.clear()
        self._ready.clear()
