"""The link to the MQTT broker: publishes, takes commands, and comes back by itself."""

from __future__ import annotations

import asyncio
import logging
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import aiomqtt
from paho.mqtt.reasoncodes import ReasonCode

from robotd.aio import timeout
from robotd.errors import LinkError
from robotd.express import homeassistant, topics
from robotd.express.mqtt_commands import CommandDesk
from robotd.express.mqtt_connection import REPLY_TIMEOUT_S, connect, hang_up, host_of
from robotd.express.mqtt_outbox import Outbox
from robotd.express.payload import encode

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping, Sequence
    from types import TracebackType

    from typing_extensions import Self

    from robotd.config import Mqtt
    from robotd.express.mqtt_commands import Handle
    from robotd.express.mqtt_outbox import Message

logger = logging.getLogger(__name__)

FIRST_RETRY_S = 1.0
LAST_RETRY_S = 30.0
STABLE_S = 30.0
SUSPICIOUS_S = 2.0
CLOSE_S = 1.0

_ONLINE = b"online"
_OFFLINE = b"offline"
_jitter = random.SystemRandom()


@dataclass(slots=True)
class Counters:
    """What became of the messages.

    Attributes:
        published: acknowledged by the broker.
        dropped: transient ones that came while the link was down, that waited when it was lost, or that
            were too many.
        reconnects: connections after the first.
    """

    published: int = 0
    dropped: int = 0
    reconnects: int = 0


class MqttLink:
    """Publishes below `robotd/<robot_id>/` and answers what comes on `command/<name>`.

    An `async with` that never waits for the broker: inside, the link is up as soon as there is a broker and
    whenever it comes back. Retained messages survive its absence, all others are lost in it. Leaving the
    block says `offline`; so does the broker, when we vanish.

    Args:
        config: where the broker is and who we are.
        robot_id: our name in the topics.
        handle: carries out a command and returns the data of its answer.
        commands: the names of the commands that `handle` knows.
        others: topics outside the robot's own that are listened to, and what takes their messages. Messages that the
            broker had kept are not given.

    Attributes:
        counters: what became of the messages.
    """

    def __init__(
        self,
        config: Mqtt,
        robot_id: str,
        handle: Handle,
        commands: Sequence[str] = tuple(topics.COMMANDS),
        *,
        others: Mapping[str, Callable[[bytes], None]] | None = None,
    ) -> None:
        self.counters = Counters()
        self._config = config
        self._robot_id = robot_id
        self._client_id = config.client_id or f"robotd-{robot_id}"
        self._status = topics.full_name(robot_id, "status")
        self._command_prefix = topics.full_name(robot_id, "command/")
        self._birth = f"{config.discovery_prefix}/status"
        self._others = dict(others or {})
        self._desk = CommandDesk(handle, commands, self._respond)
        self._outbox = Outbox(config.queue_size)
        self._up = asyncio.Event()
        self._status_seen = False
        self._met_before = False
        self._trouble: int | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self.publish_retained("status", "online")
        announcement = homeassistant.discovery_payload(robot_id) if config.discovery else homeassistant.REMOVAL
        self._outbox.keep(homeassistant.discovery_topic(config.discovery_prefix, robot_id), encode(announcement))

    async def __aenter__(self) -> Self:
        self._tasks = [
            asyncio.create_task(self._desk.serve(), name="mqtt commands"),
            asyncio.create_task(self._keep_connected(), name="mqtt link"),
        ]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._tasks:  # the commands first, so that their answers still leave
            await _end({task}, again_after_s=REPLY_TIMEOUT_S + 2 * CLOSE_S)

    @property
    def connected(self) -> bool:
        """Whether the link is up."""
        return self._up.is_set()

    async def wait_connected(self) -> None:
        """Wait until the link is up."""
        await self._up.wait()

    def publish_retained(self, name: str, payload: Mapping[str, Any] | str) -> None:
        """Publish a state: at once, or when the link is up again, if nothing newer has come by then.

        Args:
            name: a retained topic of the table, for instance `feeling`.
            payload: a JSON-able object or bare text.

        Raises:
            TypeError: the payload can't be said in JSON.
            ValueError: it holds NaN or an infinity, or the table has no such retained topic.
        """
        if not topics.topic_named(name).retained:
            raise ValueError(f"{name} is never retained")
        self._outbox.keep(topics.full_name(self._robot_id, name), encode(payload))

    def publish(self, name: str, payload: Mapping[str, Any] | str) -> None:
        """Publish what is only true now: at once, or never when the link is down.

        Args and errors as `publish_retained`, for the topics that are not retained.
        """
        if topics.topic_named(name).retained:
            raise ValueError(f"{name} is always retained")
        message = encode(payload)
        if self.connected:
            self.counters.dropped += self._outbox.add(topics.full_name(self._robot_id, name), message)
        else:
            self.counters.dropped += 1

    def _respond(self, command: str, answer: Mapping[str, Any]) -> None:
        self.publish(f"response/{command}", answer)

    async def _keep_connected(self) -> None:
        clock = asyncio.get_running_loop().time
        will = aiomqtt.Will(self._status, _OFFLINE, qos=1, retain=True)
        retry_s = FIRST_RETRY_S
        while True:
            began_s, up_s = clock(), None
            try:
                async with connect(self._config, self._client_id, will) as client:
                    up_s = clock()
                    self._report_up()
                    await self._session(client)
            except LinkError as error:
                retry_s = LAST_RETRY_S
                self._report_down(logging.ERROR, str(error))
            except aiomqtt.MqttError as error:
                lasted_s = None if up_s is None else clock() - up_s
                self._report_down(logging.WARNING, self._loss(error, lasted_s))
            except Exception:  # noqa: BLE001 - the robot goes on without a broker, whatever is wrong
                self._report_down(logging.CRITICAL, f"unforeseen trouble with {self._where}", trace=True)
            if clock() - began_s > STABLE_S:
                retry_s = FIRST_RETRY_S
            await asyncio.sleep(retry_s * _jitter.uniform(0.5, 1.0))
            retry_s = min(retry_s * 2, LAST_RETRY_S)

    async def _session(self, client: aiomqtt.Client) -> None:
        """Use a connection until it is lost, which raises MqttError, or until cancelled."""
        self._status_seen = False
        warning = asyncio.get_running_loop().call_later(REPLY_TIMEOUT_S, self._warn_if_not_heard)
        try:
            await _until_one_ends(self._send(client), self._receive(client))
        except asyncio.CancelledError:
            await self._say_goodbye(client)
            raise
        finally:
            warning.cancel()
            self._up.clear()
            self.counters.dropped += self._outbox.forget_transient()

    async def _subscribe(self, client: aiomqtt.Client) -> None:
        wanted = [f"{self._command_prefix}+", self._status, self._birth, *self._others]
        codes = await client.subscribe([(topic, 1) for topic in wanted])
        for topic, code in zip(wanted, codes, strict=True):
            if isinstance(code, ReasonCode) and code.is_failure:
                logger.error("%s does not let %r subscribe to %s", self._where, self._config.username, topic)

    async def _send(self, client: aiomqtt.Client) -> None:
        await self._up.wait()
        while True:
            # One after another: when the link is lost, at most one message is in doubt.
            await self._send_one(client, await self._outbox.get())

    async def _send_one(self, client: aiomqtt.Client, message: Message) -> None:
        try:
            await client.publish(message.topic, message.payload, qos=1, retain=message.retained)
        except aiomqtt.MqttError:
            self.counters.dropped += not message.retained
            raise
        self.counters.published += 1

    async def _receive(self, client: aiomqtt.Client) -> None:
        # Before `online` is said: whoever hears it may send a command.
        await self._subscribe(client)
        self._outbox.resend_retained()
        self._up.set()
        async for message in client.messages:
            topic, payload = message.topic.value, bytes(message.payload)
            if topic == self._birth:
                if payload == _ONLINE:
                    self._outbox.resend_retained()
            elif topic == self._status:
                if not message.retain:
                    self._hear_own_status(payload)
            elif topic in self._others:
                if not message.retain:
                    self._others[topic](payload)
            elif topic.startswith(self._command_prefix):
                name = topic.removeprefix(self._command_prefix)
                self._desk.receive(name, payload, retained=message.retain)

    def _hear_own_status(self, payload: bytes) -> None:
        self._status_seen = True
        if payload == _OFFLINE:  # the late will of a connection that the broker thought alive until now
            self._outbox.resend_retained(self._status)

    def _warn_if_not_heard(self) -> None:
        """Tell of an access list that keeps us out: a publish that it denies is acknowledged like any other."""
        if not self._status_seen:
            logger.warning(
                "%s did not give %s back to us: its access list may keep user %r from writing or reading it",
                self._where,
                self._status,
                self._config.username,
            )

    async def _say_goodbye(self, client: aiomqtt.Client) -> None:
        try:
            async with timeout(CLOSE_S):
                while (message := self._outbox.take()) is not None:
                    await self._send_one(client, message)
                await client.publish(self._status, _OFFLINE, qos=1, retain=True)
        except (aiomqtt.MqttError, TimeoutError):
            await hang_up(client)  # without a farewell, so that the broker publishes the will

    @property
    def _where(self) -> str:
        return f"the MQTT broker at {host_of(self._config)}:{self._config.port}"

    def _report_up(self) -> None:
        logger.info("connected to %s", self._where)
        self.counters.reconnects += self._met_before
        self._met_before = True
        self._trouble = None

    def _loss(self, error: aiomqtt.MqttError, lasted_s: float | None) -> str:
        if lasted_s is None:
            return f"can't reach {self._where} ({error})"
        if lasted_s < SUSPICIOUS_S:
            return f"lost {self._where} at once; is there another client called {self._client_id!r}?"
        return f"lost {self._where} ({error.__cause__ or error})"

    def _report_down(self, level: int, text: str, *, trace: bool = False) -> None:
        if level != self._trouble:  # once, until it is mended or becomes another trouble
            logger.log(level, "%s; trying again until it works", text, exc_info=trace)
        self._trouble = level


async def _until_one_ends(*jobs: Coroutine[Any, Any, None]) -> None:
    """Run jobs side by side; when one ends, stop the others and raise what it raised."""
    tasks = {asyncio.create_task(job) for job in jobs}
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        await _end(tasks, again_after_s=0.1)
        for task in tasks:  # the others may have failed for the same reason
            _ = task.cancelled() or task.exception()


async def _end(tasks: set[asyncio.Task[None]], again_after_s: float) -> None:
    """Cancel tasks until they end.

    Once is not enough: before Python 3.12 `asyncio.wait_for`, on which aiomqtt waits, may overlook it.
    """
    going = set(tasks)
    while going:
        for task in going:
            task.cancel()
        _, going = await asyncio.wait(going, timeout=again_after_s)
