"""MIDI over MQTT, ahead of its time: what the robot is going to play, for synthesizers on other machines.

A message of the topic `midi/out` is a JSON object::

    {"version": 1, "session": "5f0c9a1e", "number": 17, "sent_us": 1750000000000000, "panic": false,
     "taken_back": [11], "piece": 12, "events": [[420000, "c02e"], [420000, "923c50"], [900000, "823c00"]]}

| key | means |
|---|---|
| `session` | another one: the robot began anew, its clock and numbers too |
| `number` | 1, 2, 3... in a session; a gap: something was lost |
| `sent_us` | when it was sent, in µs since 1970 by the robot's clock, which in a session never leaps |
| `panic` | drop everything, end all notes, before anything else here |
| `taken_back` | pieces of which nothing has been played yet, and which will not be played |
| `piece` | what the events belong to, such as a bar; 0: nothing that could be taken back |
| `events` | when they are due, in µs after `sent_us`, and the bytes of a MIDI message in hexadecimal |

Nothing here follows MQTT's delivery guarantees: what is late or lost is worthless. It is sent with QoS 1 like all
else, because it is ahead of its time anyway: a broker may drop QoS 0 in silence where a listener is slow.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, Literal

from mido import Message
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from robotd.errors import MediaError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

#: The topic, below the robot's prefix.
TOPIC = "midi/out"
#: Nobody knows the music of so much later.
FARTHEST_US = 60_000_000
MOST_EVENTS = 10_000
_US = 1_000_000


@dataclass(slots=True)
class Packet:
    """What is told at once.

    Attributes:
        session: changes when the sender begins anew.
        number: in the session, from 1.
        sent_s: when, by the sender's clock.
        panic: whether everything before it is void.
        taken_back: the pieces that will not be played.
        piece: of the events.
        events: when they are due, by the sender's clock in seconds, and MIDI messages.
    """

    session: str = ""
    number: int = 0
    sent_s: float = 0.0
    panic: bool = False
    taken_back: list[int] = field(default_factory=list)
    piece: int = 0
    events: list[tuple[float, Message]] = field(default_factory=list)

    def payload(self) -> dict[str, Any]:
        """Return it as it is published."""
        return {
            "version": 1,
            "session": self.session,
            "number": self.number,
            "sent_us": round(self.sent_s * _US),
            "panic": self.panic,
            "taken_back": self.taken_back,
            "piece": self.piece,
            # What is due already is due now.
            "events": [
                [max(round((due_s - self.sent_s) * _US), 0), message.bin().hex()] for due_s, message in self.events
            ],
        }


Offset = Annotated[int, Field(ge=0, le=FARTHEST_US)]


class _Payload(BaseModel):
    """The shape of a message; keys of later versions are left alone."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    version: Literal[1]
    session: Annotated[str, Field(max_length=64)]
    number: Annotated[int, Field(ge=1)]
    sent_us: Annotated[int, Field(ge=0, lt=2**62)]
    panic: bool = False
    taken_back: Annotated[list[int], Field(max_length=MOST_EVENTS)] = []
    piece: Annotated[int, Field(ge=0)] = 0
    events: Annotated[list[tuple[Offset, Annotated[str, Field(max_length=64)]]], Field(max_length=MOST_EVENTS)] = []


def read_packet(payload: bytes) -> Packet:
    """Return what a message of the topic says.

    Raises:
        MediaError: it is not of this shape, or holds no MIDI.
    """
    try:
        read = _Payload.model_validate_json(payload)
        sent_s = read.sent_us / _US
        events = [(sent_s + offset / _US, Message.from_bytes(bytes.fromhex(code))) for offset, code in read.events]
    except (ValidationError, ValueError) as error:
        raise MediaError(f"this is no message of {TOPIC}: {' '.join(str(error).split())[:200]}") from None
    return Packet(read.session, read.number, sent_s, read.panic, list(read.taken_back), read.piece, events)


class Sharing:
    """Tells others what a scheduler is going to play; to be made on the loop, on which it publishes.

    What is scheduled in one go, a bar for instance, leaves in one message, as soon as the loop is free. All its
    methods can be called from any thread.

    Args:
        publish: sends a message of the topic `midi/out`; called on the loop.
        now: the scheduler's clock, in seconds.
    """

    def __init__(self, publish: Callable[[Mapping[str, Any]], None], now: Callable[[], float] = time.monotonic) -> None:
        self._publish = publish
        self._now = now
        self._loop = asyncio.get_running_loop()
        self._session = secrets.token_hex(4)
        # Listeners could do without the date, but people and other programs read it too.
        self._epoch_s = time.time() - now()
        self._number = 0
        self._waiting: list[Packet] = []
        self._lock = threading.Lock()

    def scheduled(self, due_s: float, message: Message, piece: int) -> None:
        """Tell that a message is going to be played at a time."""
        with self._lock:
            packet = self._latest()
            if packet.events and packet.piece != piece:
                packet = self._begin()
            packet.piece = piece
            packet.events.append((due_s + self._epoch_s, message))

    def taken_back(self, piece: int) -> None:
        """Tell that nothing of a piece is going to be played."""
        with self._lock:
            for packet in self._waiting:
                if packet.piece == piece:
                    packet.events.clear()
            packet = self._latest()
            if packet.events:
                packet = self._begin()
            packet.taken_back.append(piece)

    def silenced(self) -> None:
        """Tell that all is silent and nothing that was scheduled is going to be played."""
        with self._lock:
            if self._waiting:
                # What waits is void; another message would only come after it.
                self._waiting = [Packet(panic=True)]
            else:
                self._begin().panic = True

    def _latest(self) -> Packet:
        return self._waiting[-1] if self._waiting else self._begin()

    def _begin(self) -> Packet:
        packet = Packet()
        self._waiting.append(packet)
        if len(self._waiting) == 1:
            with contextlib.suppress(RuntimeError):  # the loop has just been closed
                self._loop.call_soon_threadsafe(self._send)
        return packet

    def _send(self) -> None:
        with self._lock:
            waiting, self._waiting = self._waiting, []
        for packet in waiting:
            self._number += 1
            packet.session, packet.number = self._session, self._number
            packet.sent_s = self._now() + self._epoch_s
            self._publish(packet.payload())
