from __future__ import annotations

import logging
import threading
import time
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

import pytest
import rtmidi
from mido import Message

from robotd.config import Midi
from robotd.express.midi import backend as backends
from robotd.express.midi.backend import list_midi_inputs, list_midi_ports
from robotd.express.midi.input import MidiInput, is_panic, open_input
from robotd.express.midi.port import MidiPort
from tests.servers.jack import JackServer, jack_server, until
from tests.servers.mqtt import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

JACK = Midi(backend="jack", input="auto")


class Controller:
    """A MIDI output of another program, such as a box with knobs.

    Args:
        name: of its port.
        into: the input that it is connected to, or a part of its name.
    """

    def __init__(self, name: str, into: str | None = None) -> None:
        self._output = rtmidi.MidiOut(rtapi=rtmidi.API_UNIX_JACK, name="box")
        if into is None:
            self._output.open_virtual_port(name)
        else:
            (number,) = [number for number, port in enumerate(self._output.get_ports()) if into in port]
            self._output.open_port(number, name)

    def send(self, *data: int) -> None:
        self._output.send_message(data)

    def close(self) -> None:
        self._output.close_port()
        self._output.delete()


@contextmanager
def controller(name: str = "knobs", into: str | None = None) -> Iterator[Controller]:
    opened = Controller(name, into)
    try:
        yield opened
    finally:
        opened.close()


class Ear:
    """Remembers what it was told, and on which thread."""

    def __init__(self) -> None:
        self.panics = 0
        self.heard: list[tuple[float, Message]] = []

    def panic(self) -> None:
        self.panics += 1

    def hear(self, time_s: float, message: Message) -> None:
        self.heard.append((time_s, message))

    def has_heard(self, status: int) -> bool:
        return any(message.bytes()[0] == status for _, message in self.heard)

    @property
    def kinds(self) -> list[str]:
        return [message.type for _, message in self.heard]


@pytest.fixture
def jack() -> Iterator[JackServer]:
    with jack_server() as server:
        yield server


@pytest.fixture
def ear() -> Ear:
    return Ear()


@pytest.mark.parametrize(
    ("asks", "data"),
    [
        (True, [0xB0, 120, 0]),
        (True, [0xBF, 123, 0]),
        (True, [0xB3, 20, 1]),
        (False, [0xB3, 20, 0]),
        (False, [0xB3, 21, 127]),
        (False, [0xB0, 121, 0]),
        (False, [0xB0, 123]),
        (True, [0xFF]),
        (True, [0xF0, 0x7F, 0x7F, 0x06, 0x01, 0xF7]),
        (True, [0xF0, 0x7F, 0x05, 0x06, 0x01, 0xF7]),
        (False, [0xF0, 0x7F, 0x7F, 0x06, 0x02, 0xF7]),
        (False, [0xF0, 0x7E, 0x7F, 0x06, 0x01, 0xF7]),
        (False, [0xF0, 0xF7]),
        (False, [0x90, 120, 0]),
        (False, [0xFC]),
    ],
)
def test_these_messages_ask_for_silence(*, asks: bool, data: list[int]) -> None:
    assert is_panic(data, 20) is asks


def test_without_a_controller_of_its_own_every_other_one_is_left_alone() -> None:
    assert not any(is_panic([0xB0, number, 127], None) for number in range(128) if number not in {120, 123})


@pytest.mark.usefixtures("jack")
def test_a_button_is_a_panic_once_though_it_speaks_on_all_channels(ear: Ear, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with controller() as knobs, MidiInput(JACK, ear.panic, ear.hear) as midi_in:
        assert midi_in.name == "box:knobs"
        for channel in range(16):
            knobs.send(0xB0 + channel, 123, 0)
        knobs.send(0xFC)
        until(lambda: ear.kinds == ["stop"])
    assert ear.panics == 1
    assert sum("panic, asked for by MIDI (box:knobs)" in record.message for record in caplog.records) == 1


@pytest.mark.usefixtures("jack")
def test_a_clock_is_heard_whole_and_in_order_with_its_times(ear: Ear) -> None:
    sent = [(0xF2, 8, 1), (0xFA,), *[(0xF8,)] * 48, (0xFC,), (0xFB,)]
    with controller() as knobs, MidiInput(JACK, ear.panic, ear.hear):
        began_s = time.monotonic()
        for message in sent:
            knobs.send(*message)
            knobs.send(0xFE)
            knobs.send(0x90, 60, 60)
            time.sleep(0.002)
        until(lambda: len(ear.heard) == len(sent))
        ended_s = time.monotonic()
    assert [tuple(message.bytes()) for _, message in ear.heard] == sent
    assert ear.heard[0][1].pos == 8 + 128
    times_s = [time_s for time_s, _ in ear.heard]
    assert times_s == sorted(times_s)
    assert began_s <= times_s[0] <= times_s[-1] <= ended_s
    assert ear.panics == 0


@pytest.mark.usefixtures("jack")
def test_without_a_controller_there_is_a_port_to_plug_one_into(ear: Ear) -> None:
    with MidiInput(JACK, ear.panic) as midi_in:
        assert midi_in.name == "robotd-in"
        # It is not taken for an instrument, by us least of all.
        assert not any("robotd" in found.name for found in list_midi_ports())
        with MidiPort(Midi(backend="jack")) as port:
            assert port.name == "robotd"
            assert [found.name for found in list_midi_inputs()] == ["robotd:robotd"]
            assert midi_in.name == "robotd-in"
        with controller(into="robotd-in") as knobs:
            knobs.send(0xFF)
            until(lambda: ear.panics == 1)


@pytest.mark.usefixtures("jack")
def test_the_wanted_controller_is_found_among_others_whenever_it_comes(ear: Ear) -> None:
    wanted = Midi(backend="jack", input="PEDAL", panic_controller=64)
    with controller("knobs"), MidiInput(wanted, ear.panic, ear.hear, watch_s=0.05) as midi_in:
        assert midi_in.name == "robotd-in"
        for message in (0xFA, 0xFC):
            with controller("Pedals") as pedals:
                until(lambda: "Pedals" in (midi_in.name or ""))
                pedals.send(0xB0, 64, 127)
                pedals.send(message)
                until(partial(ear.has_heard, message))
            until(lambda: midi_in.name == "robotd-in")
    assert ear.panics >= 1


def test_it_is_heard_again_after_the_server_died(jack: JackServer, ear: Ear, caplog: pytest.LogCaptureFixture) -> None:
    with MidiInput(JACK, ear.panic, ear.hear, watch_s=0.05) as midi_in:
        jack.kill()
        until(lambda: midi_in.name is None)
        jack.start()
        with controller() as knobs:
            until(lambda: midi_in.name == "box:knobs")
            knobs.send(0xF8)
            until(lambda: ear.kinds == ["clock"])
    assert abs(ear.heard[0][0] - time.monotonic()) < 60
    assert sum("is lost" in record.message for record in caplog.records) <= 2


@pytest.mark.usefixtures("jack")
async def test_a_panic_comes_on_the_loop_and_the_clock_at_once() -> None:
    threads: dict[str, str] = {}
    with controller() as knobs:
        async with open_input(
            JACK,
            lambda: threads.update(panic=threading.current_thread().name),
            lambda _, message: threads.update({message.type: threading.current_thread().name}),
        ):
            knobs.send(0xF8)
            knobs.send(0xFF)
            await eventually(lambda: len(threads) == 2)
    assert threads == {"clock": "midi-in", "panic": threading.current_thread().name}


@pytest.mark.usefixtures("jack")
@pytest.mark.parametrize(
    ("config", "opens"),
    [
        (Midi(backend="jack"), False),
        (Midi(backend="jack", enabled=False, input="auto"), False),
        (Midi(backend="jack", input="auto"), True),
    ],
)
async def test_it_is_only_there_where_it_is_wanted(config: Midi, *, opens: bool, jack: JackServer) -> None:
    async with open_input(config, lambda: None):
        assert any("robotd-in" in port for port in jack.ports()) is opens


async def test_the_clock_is_listened_to_though_no_port_is_named(jack: JackServer) -> None:
    async with open_input(Midi(backend="jack"), lambda: None, lambda *_: None):
        assert any("robotd-in" in port for port in jack.ports())


def test_without_a_midi_system_there_is_one_warning(
    ear: Ear, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("JACK_DEFAULT_SERVER", "robotd-nobody")
    monkeypatch.setattr(backends, "SEQUENCER", backends.SEQUENCER.with_name("no-sequencer"))
    with MidiInput(Midi(input="auto"), ear.panic, watch_s=0.01, retry_s=0.01) as midi_in:
        assert midi_in.name is None
    assert sum("no MIDI system is running" in record.message for record in caplog.records) == 1
    assert list_midi_inputs() == ()
