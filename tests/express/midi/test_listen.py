from __future__ import annotations

import asyncio
import random
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from mido import Message

from robotd.config import Midi, Mqtt
from robotd.errors import LinkError
from robotd.express.midi.jitter import MOST_S
from robotd.express.midi.listen import LATEST_S, RemotePlayer, listen
from robotd.express.midi.port import MidiPort
from robotd.express.midi.remote import TOPIC, Packet, Sharing
from robotd.express.midi.scheduler import SILENCE, Scheduler
from robotd.express.mqtt import MqttLink
from robotd.express.payload import encode
from tests.express.midi.test_port import listener
from tests.servers.jack import jack_server, until
from tests.servers.mqtt import HOST, Mosquitto, eventually
from tests.servers.mqtt import listen as speak

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping
    from pathlib import Path
    from typing import Any

    from robotd.express.mqtt_commands import Command

JACK = Midi(backend="jack")
#: No clock of ours, and none that stands still either.
SENT_S = 1.7e9


def on(note: int) -> Message:
    return Message("note_on", note=note, velocity=64)


def off(note: int) -> Message:
    return Message("note_off", note=note)


def bar(
    number: int, *events: tuple[float, Message], session: str = "a", piece: int = 0, ago_s: float = 0.0, **more: Any
) -> bytes:
    """Return a message that was sent a while ago, with events due so many seconds after that."""
    now_s = SENT_S + time.monotonic() - ago_s
    due = [(now_s + after_s, message) for after_s, message in events]
    return encode(Packet(session, number, now_s, piece=piece, events=due, **more).payload())


class Heard:
    """Keeps what is sent to an instrument."""

    def __init__(self) -> None:
        self.messages: list[Message] = []

    def __call__(self, message: Message) -> None:
        self.messages.append(message)

    @property
    def notes(self) -> list[tuple[str, int]]:
        return [(message.type, message.note) for message in self.messages if message.type.startswith("note")]

    @property
    def begun(self) -> list[int]:
        return [note for kind, note in self.notes if kind == "note_on"]

    @property
    def sounding(self) -> set[int]:
        sounding: set[int] = set()
        for kind, note in self.notes:
            (sounding.add if kind == "note_on" else sounding.discard)(note)
        return sounding

    def silenced(self) -> int:
        """How often the channel was silenced."""
        last = SILENCE[-1][0]
        return sum(message.is_cc(last) and message.channel == 0 for message in self.messages)


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def player(heard: Heard) -> Iterator[RemotePlayer]:
    with RemotePlayer(heard, 0.05) as player:
        until(lambda: heard.silenced() == 1)
        yield player


def test_what_is_told_is_played_in_the_order_in_which_it_is_due(player: RemotePlayer, heard: Heard) -> None:
    player.hear(bar(1, (0.03, on(62)), (0.01, on(60)), (0.02, off(60)), (0.02, on(61))))
    player.hear(bar(2, (0.06, off(62)), (0.04, off(61)), (0.05, on(63)), (0.07, off(63))))
    until(lambda: len(heard.notes) >= 8)
    played = [("note_on", 60), ("note_off", 60), ("note_on", 61), ("note_on", 62)]
    assert heard.notes[:4] == played
    until(lambda: heard.sounding == set())
    assert heard.begun == [60, 61, 62, 63]
    assert (player.received.notes, player.received.late, player.received.lost) == (4, 0, 0)


def test_notes_that_come_too_late_are_left_out_but_their_ends_are_not(player: RemotePlayer, heard: Heard) -> None:
    player.hear(bar(1))
    # So late that even the longest buffer does not help.
    events = [(0.0, on(60)), (0.0, off(61)), (LATEST_S, on(62)), (1.0, on(63)), (1.0, off(63))]
    player.hear(bar(2, *events, ago_s=MOST_S + 1.5 * LATEST_S))
    until(lambda: 63 in heard.begun)
    assert heard.begun == [62, 63]
    assert ("note_off", 61) in heard.notes
    assert (player.received.notes, player.received.late, player.received.dropped) == (3, 1, 1)


def test_what_comes_twice_is_played_once_and_what_is_missing_is_counted(player: RemotePlayer, heard: Heard) -> None:
    first = bar(3, (0.0, on(60)))
    for payload in (first, first, bar(7, (0.0, on(61))), first):
        player.hear(payload)
    until(lambda: 61 in heard.sounding)
    assert heard.begun == [60, 61]
    assert (player.received.messages, player.received.lost) == (2, 3)


def test_a_bar_that_is_taken_back_is_not_heard(player: RemotePlayer, heard: Heard) -> None:
    player.hear(bar(1, (0.0, on(60)), piece=5))
    player.hear(bar(2, (0.2, on(61)), piece=6))
    player.hear(bar(3, (0.2, on(62)), piece=7, taken_back=[6]))
    until(lambda: 62 in heard.sounding)
    assert heard.begun == [60, 62]


def test_a_panic_is_obeyed_at_once(player: RemotePlayer, heard: Heard) -> None:
    player.hear(bar(1, (0.0, on(60)), (9.0, off(60)), (1.0, on(61))))
    until(lambda: heard.sounding == {60})
    player.hear(bar(2, (0.0, on(70)), (0.01, off(70)), panic=True))
    until(lambda: 70 in heard.begun)
    # Ends are told twice.
    assert heard.notes[:4] == [("note_on", 60), ("note_off", 60), ("note_off", 60), ("note_on", 70)]
    assert heard.silenced() == 2


def test_a_robot_that_begins_anew_ends_what_it_played_before(player: RemotePlayer, heard: Heard) -> None:
    player.hear(bar(9, (0.0, on(60)), (9.0, off(60))))
    until(lambda: heard.sounding == {60})
    player.hear(bar(1, (0.0, on(61)), session="b"))
    until(lambda: heard.sounding == {61})
    assert player.received.lost == 0


def test_what_is_no_music_is_counted_and_changes_nothing(player: RemotePlayer, heard: Heard) -> None:
    player.hear(bar(1, (0.0, on(60))))
    for payload in (b"", b"[]", b"\xff", b'{"version": 1}', encode({"version": 9})):
        player.hear(payload)
    until(lambda: heard.sounding == {60})
    assert (player.received.broken, player.received.messages) == (5, 1)


def test_a_clock_passes_through(player: RemotePlayer, heard: Heard) -> None:
    player.hear(bar(1, (0.0, Message("start")), (0.01, Message("clock"))))
    until(lambda: heard.messages[-1].type == "clock")
    assert heard.messages[-2].type == "start"


# With a real broker and a real MIDI system.


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with Mosquitto(tmp_path) as mosquitto:
        yield mosquitto


async def _nothing(_: Command) -> Mapping[str, Any]:
    return {}


def robot(port: int) -> MqttLink:
    return MqttLink(Mqtt(host=HOST, port=port), "tin", _nothing)


@asynccontextmanager
async def listening(port: int, player: RemotePlayer) -> AsyncIterator[None]:
    task = asyncio.create_task(listen(Mqtt(host=HOST, port=port), "tin", player))
    try:
        yield
    finally:
        while not task.done():
            task.cancel()
            await asyncio.wait({task}, timeout=1)


async def heard_by(player: RemotePlayer, link: MqttLink, sharing: Sharing) -> None:
    """Wait until the player hears the robot."""
    await link.wait_connected()

    def is_heard() -> bool:
        sharing.silenced()
        return player.received.messages > 0

    await eventually(is_heard)


async def test_a_robots_music_is_heard_elsewhere_whole_and_in_order(broker: Mosquitto) -> None:
    roll = random.Random(2)
    with jack_server():
        async with robot(broker.port) as link:
            sharing = Sharing(lambda payload: link.publish(TOPIC, payload))
            with MidiPort(JACK) as port, RemotePlayer(port.send, 0.15) as player, listener(to="robotd:robotd") as heard:
                async with listening(broker.port, player):
                    await heard_by(player, link, sharing)
                    with Scheduler(lambda _: None, ahead=sharing) as scheduler:
                        sent = []
                        for _ in range(20):
                            piece, start_s = scheduler.piece(), time.monotonic() + 0.1
                            for step in range(8):
                                note = roll.randrange(36, 96)
                                sent.append(note)
                                scheduler.play(start_s + step * 0.0125, on(note), piece)
                                scheduler.play(start_s + step * 0.0125 + 0.01, off(note), piece)
                            await asyncio.sleep(0.1)
                        await eventually(lambda: len(heard.begun) >= len(sent))
                        assert heard.begun == sent
                        await eventually(lambda: heard.sounding == set())
                        assert (player.received.dropped, player.received.lost, player.received.broken) == (0, 0, 0)


async def test_all_is_silent_when_the_robot_goes(broker: Mosquitto, player: RemotePlayer, heard: Heard) -> None:
    async with listening(broker.port, player):
        async with robot(broker.port) as link:
            sharing = Sharing(lambda payload: link.publish(TOPIC, payload))
            await heard_by(player, link, sharing)
            await asyncio.sleep(0)
            sharing.scheduled(time.monotonic(), on(60), 0)
            await eventually(lambda: heard.sounding == {60})
        await eventually(lambda: heard.sounding == set())


async def test_all_is_silent_when_the_broker_goes_and_sounds_again_when_it_is_back(
    broker: Mosquitto, player: RemotePlayer, heard: Heard, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    async with listening(broker.port, player), robot(broker.port) as link:
        sharing = Sharing(lambda payload: link.publish(TOPIC, payload))
        await heard_by(player, link, sharing)
        await asyncio.sleep(0)
        sharing.scheduled(time.monotonic(), on(60), 0)
        await eventually(lambda: heard.sounding == {60})
        broker.kill()
        await eventually(lambda: heard.sounding == set())
        broker.start()
        before = player.received.messages

        def heard_again() -> bool:
            if link.connected:
                sharing.scheduled(time.monotonic(), on(62), 0)
            return player.received.messages > before

        await eventually(heard_again)
        await eventually(lambda: heard.sounding == {62})
    texts = [record.message for record in caplog.records if record.name.endswith("listen")]
    assert sum("no connection" in text for text in texts) == 1
    assert sum(text.startswith("connected to") for text in texts) == 2


async def test_what_somebody_retained_is_not_played(broker: Mosquitto, player: RemotePlayer, heard: Heard) -> None:
    async with speak(broker.port) as somebody:
        await somebody.say("robotd/tin/midi/out", bar(1, (0.0, on(60))), retain=True)
        async with listening(broker.port, player), robot(broker.port) as link:
            sharing = Sharing(lambda payload: link.publish(TOPIC, payload))
            await heard_by(player, link, sharing)
            await asyncio.sleep(0)
            sharing.scheduled(time.monotonic(), on(61), 0)
            await eventually(lambda: heard.sounding == {61})
            assert heard.begun == [61]


async def test_a_broker_that_refuses_us_is_told_about(tmp_path: Path, player: RemotePlayer) -> None:
    with Mosquitto(tmp_path, users={"box": "secret"}) as broker:
        config = Mqtt(host=HOST, port=broker.port, username="box")
        with pytest.raises(LinkError, match=r"refuses user 'box'.*mqtt\.password"):
            await listen(config, "tin", player)
