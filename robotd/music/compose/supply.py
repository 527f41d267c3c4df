"""Where a composer gets its stretches from: composed when they are needed, or ahead of time by a worker."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from concurrent.futures import Future

    from robotd.music.compose.studio import Order, Stretch, Studio


class Supply(Protocol):
    """Gives stretches."""

    def take(self, order: Order, *, wait: bool) -> Stretch | None:
        """Return a stretch; None if it is not there and is not to be waited for."""

    def prepare(self, orders: Sequence[Order]) -> None:
        """Tell what will be taken next, the most urgent first; everything else is forgotten."""

    def close(self) -> None:
        """Compose no more."""


class AtOnce:
    """Composes each stretch when it is taken: for pieces that nobody waits for."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    def take(self, order: Order, *, wait: bool) -> Stretch | None:  # noqa: ARG002 - it is always there
        """Return the stretch."""
        return self._studio.compose(order)

    def prepare(self, orders: Sequence[Order]) -> None:
        """Nothing is composed that isn't needed."""

    def close(self) -> None:
        """There is nothing to end."""


class Ahead:
    """Composes in a worker thread what will be needed, so that nobody waits for it."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="compose")
        self._coming: dict[str, Future[Stretch]] = {}

    def take(self, order: Order, *, wait: bool) -> Stretch | None:
        """Return a stretch that is there; without `wait` None for one that isn't yet."""
        coming = self._coming.get(order.key)
        if coming is None:
            if not wait:
                return None
            coming = self._worker.submit(self._studio.compose, order)
        if not wait and not coming.done():
            return None
        self._coming.pop(order.key, None)
        return coming.result()

    def prepare(self, orders: Sequence[Order]) -> None:
        """Begin to compose in this order what isn't there yet."""
        wanted = {order.key: order for order in orders}
        for key in [key for key in self._coming if key not in wanted]:
            self._coming.pop(key).cancel()
        for key, order in wanted.items():
            if key not in self._coming:
                self._coming[key] = self._worker.submit(self._studio.compose, order)

    def close(self) -> None:
        """Compose no more; what is being composed is left to end."""
        self._worker.shutdown(wait=False, cancel_futures=True)
