from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mido import Message

from robotd.errors import MediaError
from robotd.express import topics
from robotd.express.midi.remote import MOST_EVENTS, TOPIC, Packet, Sharing, read_packet
from robotd.express.midi.scheduler import Scheduler
from robotd.express.payload import encode

GOOD = {"version": 1, "session": "a", "number": 1, "sent_us": 10, "events": [[0, "903c40"]]}

messages = st.one_of(
    st.builds(
        Message,
        st.sampled_from(["note_on", "note_off"]),
        channel=st.integers(0, 15),
        note=st.integers(0, 127),
        velocity=st.integers(0, 127),
    ),
    st.builds(Message, st.just("program_change"), channel=st.integers(0, 15), program=st.integers(0, 127)),
    st.builds(Message, st.just("pitchwheel"), channel=st.integers(0, 15), pitch=st.integers(-8192, 8191)),
    st.sampled_from([Message(kind) for kind in ("clock", "start", "stop", "continue")]),
)


def on(note: int) -> Message:
    return Message("note_on", note=note, velocity=64)


def test_a_bar_looks_so() -> None:
    packet = Packet("5f0c9a1e", 17, 1.75e9, taken_back=[11], piece=12)
    packet.events = [(1.75e9 + 0.42, Message("program_change", program=46)), (1.75e9 + 0.42, on(60))]
    assert packet.payload() == {
        "version": 1,
        "session": "5f0c9a1e",
        "number": 17,
        "sent_us": 1_750_000_000_000_000,
        "panic": False,
        "taken_back": [11],
        "piece": 12,
        "events": [[420_000, "c02e"], [420_000, "903c40"]],
    }
    assert not topics.topic_named(TOPIC).retained


@given(
    st.builds(
        Packet,
        st.text(max_size=8),
        st.integers(1, 10**6),
        st.floats(0, 4e9),
        st.booleans(),
        st.lists(st.integers(1, 99), max_size=3),
        st.integers(0, 99),
    ),
    st.lists(st.tuples(st.floats(0, 50), messages), max_size=20),
)
def test_what_is_told_is_understood(told: Packet, events: list[tuple[float, Message]]) -> None:
    told.events = [(told.sent_s + after_s, message) for after_s, message in events]
    heard = read_packet(encode(told.payload()))
    assert (heard.session, heard.number, heard.piece) == (told.session, told.number, told.piece)
    assert (heard.panic, heard.taken_back) == (told.panic, told.taken_back)
    assert [message.bytes() for _, message in heard.events] == [message.bytes() for _, message in told.events]
    for (heard_s, _), (told_s, _) in zip(heard.events, told.events, strict=True):
        assert heard_s == pytest.approx(told_s, abs=3e-6)


@pytest.mark.parametrize(
    "wrong",
    [
        {"version": 2},
        {"number": 0},
        {"number": "one"},
        {"sent_us": -1},
        {"sent_us": 10**30},
        {"events": [[0, "903c"]]},
        {"events": [[0, "903c40903c40"]]},
        {"events": [[0, "3c40"]]},
        {"events": [[0, "zz"]]},
        {"events": [[0, ""]]},
        {"events": [[0, "f0" + "00" * 64 + "f7"]]},
        {"events": [[10**9, "903c40"]]},
        {"events": [["now", "903c40"]]},
        {"events": [[0, "f8"]] * (MOST_EVENTS + 1)},
    ],
)
def test_what_is_no_music_is_refused_in_one_line(wrong: dict[str, Any]) -> None:
    read_packet(json.dumps(GOOD).encode())
    with pytest.raises(MediaError, match=r"^this is no message of midi/out: .{1,200}$"):
        read_packet(json.dumps(GOOD | wrong).encode())


def test_what_is_due_already_is_due_at_once() -> None:
    late = Packet("s", 1, 1000.0, events=[(999.0, on(60)), (-1.0, on(61))])
    assert [due_s for due_s, _ in read_packet(encode(late.payload())).events] == [1000.0, 1000.0]


@given(st.binary(max_size=60))
def test_garbage_is_refused(garbage: bytes) -> None:
    with pytest.raises(MediaError, match="no message"):
        read_packet(garbage)


def test_what_later_versions_add_is_left_alone() -> None:
    assert read_packet(json.dumps(GOOD | {"swing": 0.6}).encode()).events


class Said:
    """What was published, as it is understood."""

    def __init__(self) -> None:
        self.packets: list[Packet] = []
        self.sharing = Sharing(lambda payload: self.packets.append(read_packet(encode(payload))), now=lambda: 0.0)

    @property
    def notes(self) -> list[list[int]]:
        """The notes of each message."""
        return [[message.note for _, message in packet.events] for packet in self.packets]


async def test_what_is_scheduled_in_one_go_leaves_in_one_message_a_piece() -> None:
    said = Said()
    scheduler = Scheduler(lambda _: None, now=lambda: 0.0, ahead=said.sharing)
    first, second = scheduler.piece(), scheduler.piece()
    for beat in range(4):
        scheduler.play(1.0 + beat, on(60 + beat), first)
    scheduler.play(5.0, on(70), second)
    assert said.packets == []
    await asyncio.sleep(0)
    assert said.notes == [[60, 61, 62, 63], [70]]
    scheduler.play(6.0, on(71), second)
    await asyncio.sleep(0)
    assert said.notes[2:] == [[71]]
    assert [packet.piece for packet in said.packets] == [first, second, second]
    assert [packet.number for packet in said.packets] == [1, 2, 3]
    assert len({packet.session for packet in said.packets}) == 1


async def test_a_time_is_told_by_a_clock_that_never_leaps() -> None:
    now_s, said = 50.0, Said()
    said.sharing._now = lambda: now_s
    said.sharing._epoch_s = 1000.0
    said.sharing.scheduled(50.5, on(60), 0)
    await asyncio.sleep(0)
    now_s = 51.0
    said.sharing.scheduled(51.5, on(61), 0)
    await asyncio.sleep(0)
    assert [(packet.sent_s, packet.events[0][0]) for packet in said.packets] == [(1050.0, 1050.5), (1051.0, 1051.5)]


async def test_a_piece_that_is_taken_back_is_not_told_or_untold() -> None:
    said = Said()
    scheduler = Scheduler(lambda _: None, now=lambda: 0.0, ahead=said.sharing)
    told, untold, kept = scheduler.piece(), scheduler.piece(), scheduler.piece()
    scheduler.play(1.0, on(60), told)
    await asyncio.sleep(0)
    scheduler.play(2.0, on(61), untold)
    assert scheduler.take_back(untold)
    assert scheduler.take_back(told)
    scheduler.play(3.0, on(62), kept)
    await asyncio.sleep(0)
    assert [note for notes in said.notes for note in notes] == [60, 62]
    assert told in [number for packet in said.packets for number in packet.taken_back]
    order = [(number, "back") for packet in said.packets for number in packet.taken_back]
    assert (untold, "back") in order
    assert said.packets[-1].piece == kept


async def test_a_panic_overtakes_all_that_waits() -> None:
    said = Said()
    scheduler = Scheduler(lambda _: None, now=lambda: 0.0, ahead=said.sharing)
    scheduler.play(1.0, on(60))
    scheduler.panic()
    scheduler.play(2.0, on(61))
    await asyncio.sleep(0)
    assert [(packet.panic, notes) for packet, notes in zip(said.packets, said.notes, strict=True)] == [(True, [61])]
    scheduler.panic()
    await asyncio.sleep(0)
    assert said.packets[-1].panic


async def test_threads_may_tell_too() -> None:
    said = Said()
    await asyncio.to_thread(said.sharing.scheduled, 1.0, on(60), 0)
    await asyncio.to_thread(said.sharing.silenced)
    await asyncio.sleep(0)
    assert said.packets[-1].panic


def test_nobody_is_told_after_the_loop_has_ended() -> None:
    async def make() -> Said:
        await asyncio.sleep(0)
        return Said()

    said = asyncio.run(make())
    said.sharing.silenced()
    assert said.packets == []
