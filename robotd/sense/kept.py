"""A device kept open: opened, watched, closed, and opened again after growing pauses."""

from __future__ import annotations

import asyncio
import logging
import time
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

from robotd.errors import DeviceError

if TYPE_CHECKING:
    from collections.abc import Callable

    from robotd.sense.stream import Health

log = logging.getLogger(__name__)

#: Pause before a device is opened again; doubled each time up to the last.
FIRST_PAUSE_S, LAST_PAUSE_S = 2.0, 30.0
#: A device that was just opened may take this long before it gives anything (PulseAudio: 1.5 s).
FIRST_SAMPLE_S = 5.0
#: A device that does not close in this time is left behind.
CLOSE_S = 5.0


class KeptDevice(ABC):
    """The part that microphone and camera share: state, watching, retry; a subclass opens and closes.

    Only for the loop's thread. A subclass calls `_sampled` for each sample, and `_end` when it knows that no
    more will come.

    Args:
        enabled: False for a device that is never opened.
        stall_s: it is reopened when nothing came for so long.
        first_pause_s: pause before the first new attempt.
    """

    kind: ClassVar[str]

    def __init__(self, *, enabled: bool, stall_s: float, first_pause_s: float = FIRST_PAUSE_S) -> None:
        self.health: Health = "off"
        self.reopened = 0
        self.on_crash: Callable[[BaseException], None] | None = None
        self._enabled = enabled
        self._stall_s = stall_s
        self._first_pause_s = first_pause_s
        self._name = ""
        self._newest_s = 0.0
        self._delivered = False
        self._loss_told = False
        self._ended: asyncio.Future[str] | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._switch = asyncio.Lock()

    @abstractmethod
    async def _open(self) -> str:
        """Open the device and return what it is called; may be cancelled.

        Raises:
            DeviceError: it can't be opened.
        """

    @abstractmethod
    async def _close(self) -> None:
        """Close whatever `_open` opened, even half."""

    async def start(self) -> None:
        """Begin to keep the device open; returns at once."""
        async with self._switch:
            if not self._enabled or self._keeper is not None:
                return
            self.health = "opening"
            self._newest_s = time.monotonic()
            self._loss_told = False
            self._keeper = asyncio.create_task(self._keep(), name=self.kind)
            self._keeper.add_done_callback(self._notice_crash)

    async def stop(self, health: Health) -> None:
        """Close the device and leave it closed."""
        async with self._switch:
            if self._keeper is not None:
                self._keeper.cancel()
                await asyncio.wait([self._keeper])
                self._keeper = None
            if self._enabled:
                self.health = health

    def age_s(self) -> float | None:
        """Return the age of the newest sample, None when none is to be expected."""
        if self.health in {"off", "muted", "missing"}:
            return None
        return time.monotonic() - self._newest_s

    def _sampled(self) -> None:
        """Note that a sample has come."""
        self._newest_s = time.monotonic()
        self._delivered = True
        if self.health != "ok":
            log.info("%s %s: %s", self.kind, "is back" if self._loss_told else "is open", self._name)
            self.health = "ok"
            self._loss_told = False

    def _end(self, reason: str) -> None:
        """Note that nothing more will come until the device is opened again."""
        if self._ended is not None and not self._ended.done():
            self._ended.set_result(reason)

    async def _keep(self) -> None:
        pause_s = self._first_pause_s
        while True:
            self._delivered = False
            try:
                await self._use()
            except DeviceError as error:
                log.log(
                    logging.DEBUG if self._loss_told else logging.WARNING,
                    "no %s: %s; trying again (`robotd devices` lists what there is)",
                    self.kind,
                    error,
                )
                self._loss_told = True
            finally:
                await self._close()
            if self._delivered:
                pause_s = self._first_pause_s
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, LAST_PAUSE_S)
            self.reopened += 1

    async def _use(self) -> None:
        """Open the device and watch it for as long as it gives something.

        Raises:
            DeviceError: always in the end: it can't be opened, ended, or gave nothing for too long.
        """
        ended = self._ended = asyncio.get_running_loop().create_future()
        opened_s = time.monotonic()
        try:
            self._name = await self._open()
        except DeviceError:
            self.health = "missing"
            raise
        while not ended.done():
            patience_s = self._stall_s if self._delivered else max(self._stall_s, FIRST_SAMPLE_S)
            rest_s = max(opened_s, self._newest_s) + patience_s - time.monotonic()
            if rest_s <= 0:
                self.health = "stalled"
                raise DeviceError(f"{self._name} gave nothing for {patience_s:g} s")
            await asyncio.wait([ended], timeout=rest_s)
        self.health = "stalled" if self._delivered else "missing"
        raise DeviceError(ended.result())

    def _notice_crash(self, keeper: asyncio.Task[None]) -> None:
        if not keeper.cancelled() and (error := keeper.exception()) and self.on_crash:
            self.on_crash(error)
