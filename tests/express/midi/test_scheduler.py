from __future__ import annotations

import math
import threading
import time

from hypothesis import given
from hypothesis import strategies as st
from mido import Message

from robotd.express.midi.scheduler import Scheduler
from robotd.music.smf import set_tempo
from tests.servers.jack import until


class Sink:
    """Keeps what is sent."""

    def __init__(self) -> None:
        self.messages: list[Message] = []

    def __call__(self, message: Message) -> None:
        self.messages.append(message)

    @property
    def notes(self) -> list[tuple[str, int]]:
        return [(m.type, m.note) for m in self.messages if m.type.startswith("note")]

    @property
    def sounding(self) -> set[int]:
        sounding: set[int] = set()
        for kind, note in self.notes:
            (sounding.add if kind == "note_on" else sounding.discard)(note)
        return sounding


def on(note: int) -> Message:
    return Message("note_on", note=note, velocity=64)


def off(note: int) -> Message:
    return Message("note_off", note=note)


@given(st.lists(st.tuples(st.floats(0, 10), st.integers(21, 108))))
def test_what_is_due_is_played_in_the_order_of_time(notes: list[tuple[float, int]]) -> None:
    sink = Sink()
    scheduler = Scheduler(sink, now=lambda: 0.0)
    for due_s, note in notes:
        scheduler.play(due_s, on(note))
    scheduler.run_until(5)
    early = sorted((due_s, i, note) for i, (due_s, note) in enumerate(notes) if due_s <= 5)
    assert [note for _, note in sink.notes] == [note for _, _, note in early]
    scheduler.run_until(math.inf)
    assert len(sink.notes) == len(notes)


def test_at_one_moment_notes_end_before_the_program_changes_and_others_begin() -> None:
    sink = Sink()
    scheduler = Scheduler(sink, now=lambda: 0.0)
    for message in (on(60), Message("program_change", program=5), off(60)):
        scheduler.play(1, message)
    scheduler.run_until(1)
    assert [message.type for message in sink.messages] == ["note_off", "program_change", "note_on"]


def test_a_thread_plays_in_order_and_measures_its_lateness() -> None:
    sink = Sink()
    with Scheduler(sink) as scheduler:
        start_s = time.monotonic()
        for number in reversed(range(20)):
            scheduler.play(start_s + number / 200, on(40 + number))
        until(lambda: scheduler.lateness.count == 20)
        assert [note for _, note in sink.notes] == list(range(40, 60))
        lateness = scheduler.lateness
        assert 0 <= lateness.p50_ms <= lateness.p99_ms <= lateness.max_ms
    assert sink.sounding == set()


def test_an_earlier_message_overtakes_one_that_is_waited_for() -> None:
    sink = Sink()
    with Scheduler(sink) as scheduler:
        scheduler.play(time.monotonic() + 60, on(60))
        scheduler.play(time.monotonic() + 0.01, on(61))
        until(lambda: sink.notes)
        assert sink.notes == [("note_on", 61)]


def test_panic_from_another_thread_drops_what_is_planned_and_ends_what_sounds() -> None:
    sink = Sink()
    with Scheduler(sink, channels=[0]) as scheduler:
        now_s = time.monotonic()
        scheduler.play(now_s, on(60))
        scheduler.play(now_s + 30, on(61))
        until(lambda: sink.sounding == {60})
        sink.messages.clear()
        panic = threading.Thread(target=scheduler.panic)
        panic.start()
        panic.join()
        until(lambda: len(sink.messages) >= 6)
        # Twice, as a port may lose messages.
        assert sink.messages[:2] == [off(60), off(60)]
        controls = [(m.control, m.value) for m in sink.messages[2:]]
        assert controls == [(64, 0), (123, 0), (120, 0), (121, 0)]
    assert ("note_on", 61) not in sink.notes


def test_opening_and_closing_silence_the_channels() -> None:
    sink = Sink()
    with Scheduler(sink, channels=[3]):
        until(lambda: len(sink.messages) == 4)
    assert [(m.control, m.channel) for m in sink.messages] == 2 * [(64, 3), (123, 3), (120, 3), (121, 3)]


def test_cancel_drops_what_comes_later_and_ends_what_sounds_then() -> None:
    sink = Sink()
    scheduler = Scheduler(sink, now=lambda: 0.0)
    for start_s in (0, 1, 2, 3):
        scheduler.play(start_s, on(60 + start_s))
        scheduler.play(start_s + 1.5, off(60 + start_s))
    scheduler.cancel_after(2.2)
    scheduler.run_until(math.inf)
    assert ("note_on", 63) not in sink.notes
    assert sink.sounding == set()
    assert sink.notes[-2:] == [("note_off", 61), ("note_off", 62)]


def test_a_piece_can_be_taken_back_as_long_as_nothing_of_it_was_played() -> None:
    sink = Sink()
    scheduler = Scheduler(sink, now=lambda: 0.0)
    first, second = scheduler.piece(), scheduler.piece()
    for due_s, message, piece in ((0, on(60), first), (1.5, off(60), first), (1, on(61), second), (2, off(61), second)):
        scheduler.play(due_s, message, piece)
    scheduler.run_until(0.5)
    assert not scheduler.take_back(first)
    assert scheduler.take_back(second)
    scheduler.run_until(math.inf)
    assert sink.notes == [("note_on", 60), ("note_off", 60)]


def test_a_piece_that_was_played_to_its_end_stays_so() -> None:
    scheduler = Scheduler(Sink(), now=lambda: 0.0)
    piece = scheduler.piece()
    scheduler.play(0, on(60), piece)
    scheduler.run_until(1)
    assert not scheduler.take_back(piece)


class Notes:
    """Keeps what is told ahead."""

    def __init__(self) -> None:
        self.told: list[tuple[object, ...]] = []

    def scheduled(self, due_s: float, message: Message, piece: int) -> None:
        self.told.append((due_s, message.note, piece))

    def taken_back(self, piece: int) -> None:
        self.told.append(("taken back", piece))

    def silenced(self) -> None:
        self.told.append(("silenced",))


def test_what_will_be_played_is_told_ahead() -> None:
    notes = Notes()
    scheduler = Scheduler(Sink(), now=lambda: 0.0, ahead=notes)
    scheduler.play(5, set_tempo(90))
    scheduler.play(5, on(60))
    piece = scheduler.piece()
    scheduler.play(6, on(61), piece)
    scheduler.take_back(piece)
    scheduler.panic()
    scheduler.play(7, on(62))
    scheduler.cancel_after(0)
    assert notes.told == [(5, 60, 0), (6, 61, 1), ("taken back", 1), ("silenced",), (7, 62, 0), ("silenced",)]


def test_the_clock_goes_out_before_what_falls_on_it_and_into_no_record() -> None:
    sink = Sink()
    record: list[Message] = []
    scheduler = Scheduler(sink, record=lambda _, message: record.append(message), now=lambda: 0.0)
    for message in (on(60), off(60), Message("clock"), Message("songpos", pos=4)):
        scheduler.play(1, message)
    scheduler.run_until(1)
    assert [message.type for message in sink.messages] == ["clock", "note_off", "songpos", "note_on"]
    assert [message.type for message in record] == ["note_off", "note_on"]


def test_silence_stops_the_clock_if_it_runs() -> None:
    sink = Sink()
    scheduler = Scheduler(sink, channels=[0], now=lambda: 0.0)
    scheduler.panic()
    scheduler.run_until(0)
    assert [message.type for message in sink.messages] == 4 * ["control_change"]
    for message in (Message("start"), Message("clock"), on(60)):
        scheduler.play(0, message)
    scheduler.run_until(0)
    sink.messages.clear()
    scheduler.panic()
    scheduler.run_until(0)
    assert [message.type for message in sink.messages] == ["note_off", "stop", "note_off", *4 * ["control_change"]]


def test_clocks_are_measured_by_themselves() -> None:
    with Scheduler(Sink()) as scheduler:
        scheduler.play(time.monotonic(), Message("clock"))
        until(lambda: scheduler.clock_lateness.count == 1)
        assert scheduler.lateness.count == 0


def test_ends_are_repeated_at_the_bar_line_but_not_of_notes_that_sound() -> None:
    sink = Sink()
    scheduler = Scheduler(sink, now=lambda: 0.0)
    for due_s, message in ((0, on(60)), (1, off(60)), (0, on(62)), (2, off(62)), (2, on(62))):
        scheduler.play(due_s, message)
    scheduler.bar_line(2)
    scheduler.run_until(2)
    assert sink.notes[-3:] == [("note_off", 62), ("note_on", 62), ("note_off", 60)]


def test_an_instrument_that_was_connected_later_is_told_the_programs() -> None:
    sink = Sink()
    scheduler = Scheduler(sink, now=lambda: 0.0)
    scheduler.play(0, Message("program_change", program=48, channel=2))
    scheduler.run_until(0)
    sink.messages.clear()
    scheduler.refresh()
    scheduler.run_until(0)
    assert sink.messages[-1] == Message("program_change", program=48, channel=2)


def test_only_what_was_played_is_recorded() -> None:
    record: list[tuple[float, str]] = []
    scheduler = Scheduler(
        lambda _: None, record=lambda time_s, message: record.append((time_s, message.type)), now=lambda: 1.0
    )
    scheduler.play(0.25, set_tempo(90))
    scheduler.play(0.5, on(60))
    scheduler.play(2, on(61))
    scheduler.run_until(1)
    scheduler.panic()
    scheduler.run_until(math.inf)
    assert record == [(0.25, "set_tempo"), (0.5, "note_on"), (1.0, "note_off")]
