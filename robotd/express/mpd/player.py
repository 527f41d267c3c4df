"""The player: stays connected to MPD, hands it recommended songs and tells how they were received."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING, Any

import mpd

from robotd.aio import end, timeout
from robotd.errors import LinkError, RobotdError
from robotd.express.mpd.connection import LOST, REPLY_TIMEOUT_S, connect, where_is
from robotd.express.mpd.listening import Listening, Reaction
from robotd.express.mpd.queue import queue
from robotd.express.mpd.status import Status

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from types import TracebackType

    from typing_extensions import Self

    from robotd.config import Player
    from robotd.express.mpd.connection import Client
    from robotd.music.recommendation import Recommendation

log = logging.getLogger(__name__)

FIRST_RETRY_S = 0.5
LAST_RETRY_S = 30.0
#: MPD is looked at so often even if it reports no change: one that hangs reports none.
LOOK_S = 10.0


class MpdPlayer:
    """Plays recommendations through MPD.

    An `async with` that never waits for MPD: inside, the player is connected as soon as there is one and whenever
    it comes back. Leaving the block leaves MPD's queue as it is.

    Args:
        config: where MPD is, and how songs are queued.
        on_feedback: is told what became of each song of ours, once.
    """

    def __init__(self, config: Player, on_feedback: Callable[[Reaction], Awaitable[None]]) -> None:
        self._config = config
        self._on_feedback = on_feedback
        self._listening = Listening()
        self._wanted: tuple[Recommendation, float] | None = None
        self._wake = asyncio.Event()
        self._up = asyncio.Event()
        self._trouble: str | None = f"not connected to {where_is(config)} yet"
        self._told_level: int | None = None
        self._queued = self._reactions = 0
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._keep_connected(), name="mpd")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._task is not None
        await end(self._task)

    @property
    def connected(self) -> bool:
        """Whether MPD is there."""
        return self._up.is_set()

    @property
    def trouble(self) -> str | None:
        """Why MPD is not there, None if it is."""
        return self._trouble

    async def wait_connected(self) -> None:
        """Wait until MPD is there."""
        await self._up.wait()

    def play(self, recommendation: Recommendation) -> None:
        """Play songs: now, or when MPD comes back within the time that the recommendation stands.

        The newest recommendation takes the place of one that still waits for MPD.
        """
        self._wanted = (recommendation, asyncio.get_running_loop().time() + recommendation.ttl_s)
        self._wake.set()

    def diagnostics(self) -> dict[str, Any]:
        """Return which song of ours is `playing`, how many were `queued`, and how many `reactions` were told."""
        playing = self._listening.playing
        return {
            "connected": self.connected,
            "playing": playing.song_id if playing else None,
            "queued": self._queued,
            "reactions": self._reactions,
        }

    async def _keep_connected(self) -> None:
        retry_s = FIRST_RETRY_S
        while True:
            try:
                async with connect(self._config) as client:
                    await self._converse(client)
            except LinkError as error:
                retry_s = LAST_RETRY_S
                self._report_down(logging.ERROR, str(error))
            except LOST as error:
                retry_s = FIRST_RETRY_S if self.connected else retry_s
                how = "lost" if self.connected else "can't reach"
                self._report_down(logging.WARNING, f"{how} {where_is(self._config)} ({_told(error)})")
            except Exception:  # noqa: BLE001 - the robot goes on without a player, whatever is wrong
                self._report_down(logging.CRITICAL, f"unforeseen trouble with {where_is(self._config)}", trace=True)
            finally:
                self._up.clear()
            await asyncio.sleep(retry_s)
            retry_s = min(retry_s * 2, LAST_RETRY_S)

    async def _converse(self, client: Client) -> None:
        """Use a connection until it is lost, which raises one of `LOST`."""
        async with timeout(REPLY_TIMEOUT_S):
            files = {int(song["id"]): song["file"] for song in await client.playlistid()}
            self._listening.resume(files, Status.read(await client.status()))
        self._report_up()
        watching = asyncio.create_task(self._watch(client), name="mpd changes")
        watching.add_done_callback(lambda _: self._wake.set())
        try:
            while not watching.done():
                self._wake.clear()
                async with timeout(REPLY_TIMEOUT_S):
                    reaction = await self._look(client)
                if reaction is not None:
                    await self._tell(reaction)
                async with timeout(REPLY_TIMEOUT_S):
                    await self._hand_over(client)
                with contextlib.suppress(TimeoutError):
                    async with timeout(LOOK_S):
                        await self._wake.wait()
            watching.result()
            raise mpd.ConnectionError("MPD ended the connection")
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)

    async def _watch(self, client: Client) -> None:
        async for _ in client.idle(["player"]):
            self._wake.set()

    async def _look(self, client: Client) -> Reaction | None:
        status = Status.read(await client.status())
        return self._listening.look(status, asyncio.get_running_loop().time())

    async def _hand_over(self, client: Client) -> None:
        if self._wanted is None:
            return
        recommendation, until_s = self._wanted
        if asyncio.get_running_loop().time() > until_s:
            log.info("recommendation %s came to no player in time", recommendation.id)
        else:
            self._queued += await queue(client, self._config, recommendation, self._listening)
            self._wake.set()
        if self._wanted[0] is recommendation:  # else a newer one came meanwhile
            self._wanted = None

    async def _tell(self, reaction: Reaction) -> None:
        try:
            await self._on_feedback(reaction)
        except RobotdError as error:
            log.warning("feedback was lost: %s", error)
            return
        self._reactions += 1

    def _report_up(self) -> None:
        log.info("connected to %s", where_is(self._config))
        self._trouble, self._told_level = None, None
        self._up.set()

    def _report_down(self, level: int, text: str, *, trace: bool = False) -> None:
        if level != self._told_level:  # once, until it is mended or becomes another trouble
            log.log(level, "%s; trying again until it works", text, exc_info=trace)
        self._trouble, self._told_level = text, level


def _told(error: Exception) -> str:
    return str(error) or type(error).__name__
