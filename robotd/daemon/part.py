"""A part of the robot that is open for as long as its settings stay as they are."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager
    from types import TracebackType

    from typing_extensions import Self

    from robotd.config import Config

T = TypeVar("T")


class Part(Generic[T]):
    """Opens something from the configuration, and opens it anew when the settings that it stands on change.

    Args:
        open_: from a configuration to what is entered and left.
        settings: picks the settings that it stands on.
        config: to begin with.
    """

    def __init__(
        self,
        open_: Callable[[Config], AbstractAsyncContextManager[T]],
        settings: Callable[[Config], object],
        config: Config,
    ) -> None:
        self._open = open_
        self._settings = settings
        self._config = config
        self._stack = AsyncExitStack()
        self._it: T

    @property
    def it(self) -> T:
        """What is open."""
        return self._it

    async def __aenter__(self) -> Self:
        self._it = await self._stack.enter_async_context(self._open(self._config))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def reload(self, config: Config) -> bool:
        """Take a configuration; returns whether this meant to open anew."""
        anew = self._settings(config) != self._settings(self._config)
        self._config = config
        if anew:
            await self._stack.aclose()
            self._it = await self._stack.enter_async_context(self._open(config))
        return anew
