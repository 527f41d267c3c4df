"""Plays here, through a jitter buffer, what a robot says over MQTT that it is going to play."""

from __future__ import annotations

import asyncio
import logging
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

import aiomqtt
from paho.mqtt.reasoncodes import ReasonCode

from robotd.errors import LinkError, MediaError
from robotd.express import topics
from robotd.express.midi.jitter import RemoteClock
from robotd.express.midi.remote import TOPIC, read_packet
from robotd.express.midi.scheduler import Scheduler
from robotd.express.mqtt_connection import connect, host_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from mido import Message
    from typing_extensions import Self

    from robotd.config import Mqtt
    from robotd.express.midi.remote import Packet

logger = logging.getLogger(__name__)

#: A note that comes later than so is left out; its end is played at all events.
LATEST_S = 0.25
FIRST_RETRY_S, LAST_RETRY_S = 0.5, 10.0
#: So many pieces are remembered that could be taken back.
PIECES = 64


@dataclass(slots=True)
class Received:
    """What became of what was received.

    Attributes:
        messages: over MQTT.
        notes: that were to begin.
        late: of these, that were here too late, and began at once.
        dropped: that were so late that they were left out.
        lost: messages that did not come.
        broken: messages that could not be read.
    """

    messages: int = 0
    notes: int = 0
    late: int = 0
    dropped: int = 0
    lost: int = 0
    broken: int = 0


class RemotePlayer:
    """Plays the messages of `midi/out`; `with RemotePlayer(port.send, delay_s) as player:`.

    Args:
        send: gets each MIDI message when it is due here; must not raise.
        delay_s: how much later than at the robot everything is played, at least.

    Attributes:
        received: what became of what was received.
    """

    def __init__(self, send: Callable[[Message], None], delay_s: float) -> None:
        self.received = Received()
        self.clock = RemoteClock(delay_s)
        self.scheduler = Scheduler(send, channels=range(16), now=self.clock.now)
        self._session: str | None = None
        self._number = 0
        #: The robot's numbers of pieces, and ours.
        self._pieces: dict[int, int] = {}

    def __enter__(self) -> Self:
        self.scheduler.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.scheduler.__exit__(kind, error, trace)

    def hear(self, payload: bytes) -> None:
        """Take a message of the topic; one that can't be read is counted."""
        try:
            packet = read_packet(payload)
        except MediaError as error:
            self.received.broken += 1
            logger.debug("%s", error)
            return
        if self._is_next(packet):
            self._take(packet)

    def silence(self) -> None:
        """Drop everything and end all notes at once: nobody knows what became of the robot."""
        self._pieces.clear()
        self.scheduler.panic()

    def _is_next(self, packet: Packet) -> bool:
        if packet.session != self._session:
            if self._session is not None:
                self.silence()
                self.clock.forget()
            self._session, self._number = packet.session, packet.number - 1
        if packet.number <= self._number:
            return False  # MQTT's QoS 1 may deliver twice
        self.received.messages += 1
        self.received.lost += packet.number - self._number - 1
        self._number = packet.number
        return True

    def _take(self, packet: Packet) -> None:
        first_s = min((due_s for due_s, _ in packet.events), default=None)
        if self.clock.hear(packet.sent_s, first_s) or packet.panic:
            self.silence()
        for number in packet.taken_back:
            if number in self._pieces:
                self.scheduler.take_back(self._pieces.pop(number))
        if first_s is None:
            return
        piece = self._piece(packet.piece)
        now_s = self.clock.now()
        for due_s, message in packet.events:
            if message.type == "note_on" and not self._in_time(now_s - due_s):
                continue
            self.scheduler.play(due_s, message, piece)
        self.scheduler.bar_line(first_s, piece)

    def _in_time(self, late_s: float) -> bool:
        self.received.notes += 1
        self.received.late += 0 < late_s <= LATEST_S
        self.received.dropped += late_s > LATEST_S
        return late_s <= LATEST_S

    def _piece(self, number: int) -> int:
        if number == 0:
            return 0
        if number not in self._pieces:
            while len(self._pieces) >= PIECES:
                del self._pieces[next(iter(self._pieces))]
            self._pieces[number] = self.scheduler.piece()
        return self._pieces[number]


async def listen(config: Mqtt, robot_id: str, player: RemotePlayer) -> None:
    """Hear a robot until cancelled, and come back to its broker whenever that is lost.

    When the broker or the robot goes, all is silent.

    Args:
        config: where the broker is and who we are; its client id is not used, as that is the robot's.
        robot_id: whom to hear.
        player: plays it.

    Raises:
        LinkError: the broker refuses us.
    """
    client_id = f"robotd-listen-{secrets.token_hex(4)}"
    where = f"the MQTT broker at {host_of(config)}:{config.port}"
    retry_s, told = FIRST_RETRY_S, False
    while True:
        try:
            async with connect(config, client_id, None) as client:
                logger.info("connected to %s", where)
                retry_s, told = FIRST_RETRY_S, False
                await _session(client, robot_id, player)
        except aiomqtt.MqttError as error:
            if not told:
                logger.warning("no connection to %s (%s); trying again until it works", where, error)
            told = True
        finally:
            player.silence()
        await asyncio.sleep(retry_s)
        retry_s = min(2 * retry_s, LAST_RETRY_S)


async def _session(client: aiomqtt.Client, robot_id: str, player: RemotePlayer) -> None:
    """Hear the robot until the connection is lost, which raises MqttError.

    Raises:
        LinkError: the broker does not let us hear it.
    """
    music, status = (topics.full_name(robot_id, name) for name in (TOPIC, "status"))
    for topic, code in zip((music, status), await client.subscribe([(music, 1), (status, 1)]), strict=True):
        if isinstance(code, ReasonCode) and code.is_failure:
            raise LinkError(f"the broker does not let us subscribe to {topic}: check mqtt.username and its access list")
    async for message in client.messages:
        payload = bytes(message.payload)
        if message.topic.value == music:
            if not message.retain:  # somebody else's doing: robotd never retains it
                player.hear(payload)
        elif message.topic.value == status:
            logger.info("the robot %s is %s", robot_id, payload.decode(errors="replace"))
            if payload == b"offline":
                player.silence()
