from __future__ import annotations

import asyncio
import logging
import signal
import threading
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pytest
import rtmidi
import soundfile
from mido import Message

from robotd.config import Midi
from robotd.errors import DeviceError
from robotd.express.midi import MidiPort, Performer, Playing, Scheduler, list_midi_ports, open_midi
from robotd.express.midi import backend as backends
from robotd.express.midi.backend import Output
from robotd.music.compose.opening import rule_composer
from tests.servers.jack import JackServer, fluidsynth, jack_server, until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

JACK = Midi(backend="jack")


class Listener:
    """A MIDI input of another program: keeps what arrives.

    RtMidi queues it: a callback that waits for the interpreter would keep JACK waiting, which then overwrites
    what was not read yet.
    """

    def __init__(self) -> None:
        self._input = rtmidi.MidiIn(rtapi=rtmidi.API_UNIX_JACK, name="listener", queue_size_limit=20_000)
        self._messages: list[Message] = []

    def connect(self, name: str) -> None:
        until(lambda: self._find(name) is not None)
        self._input.open_port(self._find(name), "in")

    def be_found(self, name: str) -> None:
        self._input.open_virtual_port(name)

    def close(self) -> None:
        self._input.close_port()
        self._input.delete()

    @property
    def messages(self) -> list[Message]:
        while (event := self._input.get_message()) is not None:
            self._messages.append(Message.from_bytes(event[0]))
        return self._messages

    @property
    def sounding(self) -> set[int]:
        sounding: set[int] = set()
        for message in self.messages:
            if message.type == "note_on":
                sounding.add(message.note)
            elif message.type == "note_off":
                sounding.discard(message.note)
        return sounding

    @property
    def begun(self) -> list[int]:
        return [message.note for message in self.messages if message.type == "note_on"]

    def _find(self, name: str) -> int | None:
        return next((i for i, port in enumerate(self._input.get_ports()) if name in port), None)


@contextmanager
def listener(*, to: str | None = None, named: str | None = None) -> Iterator[Listener]:
    opened = Listener()
    try:
        if to is not None:
            opened.connect(to)
        if named is not None:
            opened.be_found(named)
        yield opened
    finally:
        opened.close()


@pytest.fixture
def jack() -> Iterator[JackServer]:
    with jack_server() as server:
        yield server


@pytest.fixture
def no_system(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JACK_DEFAULT_SERVER", "robotd-nobody")
    monkeypatch.setattr(backends, "SEQUENCER", backends.SEQUENCER.with_name("no-sequencer"))


def on(note: int) -> Message:
    return Message("note_on", note=note, velocity=64)


def _set(event: asyncio.Event, _: Playing | None) -> None:
    event.set()


def _hears(heard: Listener, note: int) -> bool:
    return note in heard.sounding


def send_many(port: MidiPort, count: int) -> None:
    for _ in range(count):
        port.send(on(60))


def test_a_virtual_port_carries_every_note(jack: JackServer) -> None:
    with MidiPort(JACK) as port, listener(to="robotd:robotd") as heard:
        assert port.name == "robotd"
        assert "robotd:robotd" in jack.ports()
        for note in range(21, 109):
            port.send(on(note))
        until(lambda: len(heard.messages) == 88)
        assert [message.note for message in heard.messages] == list(range(21, 109))


@pytest.mark.usefixtures("jack")
def test_an_existing_output_is_found_by_a_part_of_its_name_in_any_case() -> None:
    with listener(named="Grand Piano") as heard, MidiPort(Midi(backend="auto", port="grand")) as port:
        assert port.name is not None
        assert "Grand Piano" in port.name
        port.send(on(60))
        until(lambda: heard.sounding == {60})
        assert any("Grand Piano" in found.name for found in list_midi_ports() if found.backend == "jack")


@pytest.mark.usefixtures("jack")
def test_an_instrument_that_goes_is_found_again_when_it_is_back(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    returns = []
    with MidiPort(Midi(backend="jack", port="Organ"), watch_s=0.05) as port:
        port.on_return = lambda: returns.append(port.name)
        with listener(named="Organ"):
            until(lambda: returns and "listener" in (returns[-1] or ""))
        until(lambda: returns[-1] == "Organ")
        with listener(named="Organ") as heard:
            until(lambda: "listener" in (returns[-1] or ""))
            port.send(on(60))
            until(lambda: heard.sounding == {60})
            assert sum("is lost" in record.message for record in caplog.records) == 1


@pytest.mark.usefixtures("jack")
def test_an_instrument_is_kept_though_another_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    # JACK gives the place of a port that goes to one that comes, so that the second organ is listed first.
    with ExitStack() as stack, listener(named="Drums"):
        with listener(named="Flute"):
            first = stack.enter_context(listener(named="Organ"))
            port = stack.enter_context(MidiPort(Midi(backend="jack", port="organ"), watch_s=0.01))
            kept = port.name
        second = stack.enter_context(listener(named="Organ"))
        organs = [found.name for found in list_midi_ports() if "Organ" in found.name]
        assert organs[0] != kept
        looks: list[bool] = []
        intact = port._intact

        def look(client: Output) -> bool:
            looks.append(intact(client))
            return looks[-1]

        monkeypatch.setattr(port, "_intact", look)
        until(lambda: len(looks) >= 5)
        assert all(looks)
        assert port.name == kept
        port.send(on(60))
        until(lambda: first.begun == [60])
        assert second.begun == []


def test_the_port_comes_back_after_the_server_died(
    jack: JackServer, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.INFO)
    with MidiPort(JACK, watch_s=0.1) as port, Scheduler(port.send, channels=[0]) as scheduler:
        port.on_return = scheduler.refresh
        scheduler.play(0, Message("program_change", program=48))
        for _ in range(2):
            jack.kill()
            until(lambda: port.name is None)
            port.send(on(1))
            jack.start()
            until(lambda: port.name == "robotd")
            with listener(to="robotd:robotd") as heard:
                scheduler.play(0, on(60))
                until(partial(_hears, heard, 60))
    texts = [record.message for record in caplog.records]
    assert sum("lost" in text for text in texts) == 2
    assert sum("MIDI goes to" in text for text in texts) == 3
    assert "socket" not in capfd.readouterr().err


def test_a_server_that_stands_still_blocks_nobody(jack: JackServer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with MidiPort(JACK, watch_s=0.1) as port:
        jack.signal(signal.SIGSTOP)
        until(lambda: port.name is None)
        sender = threading.Thread(target=send_many, args=(port, 5000))
        sender.start()
        sender.join(10)
        assert not sender.is_alive()
        jack.signal(signal.SIGCONT)
        until(lambda: port.name == "robotd")
        with listener(to="robotd:robotd") as heard:
            port.send(on(61))
            until(lambda: heard.sounding == {61})
    assert sum("stands still" in record.message for record in caplog.records) == 1


@pytest.mark.usefixtures("no_system")
def test_without_a_midi_system_there_is_one_clear_warning(caplog: pytest.LogCaptureFixture) -> None:
    with MidiPort(Midi(), watch_s=0.01, retry_s=0.01) as port:
        port.send(on(60))
        assert port.name is None
        with pytest.raises(DeviceError, match=r"modprobe snd-seq.*or start a JACK server"):
            backends.running(Midi())
        with pytest.raises(DeviceError, match=r"^no MIDI system is running: start a JACK server"):
            backends.running(JACK)
    (warning,) = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert "no MIDI system is running" in warning.message
    assert list_midi_ports() == ()


@pytest.mark.usefixtures("no_system")
async def test_without_a_midi_system_the_music_is_recorded_all_the_same(tmp_path: Path) -> None:
    config = Midi(record=tmp_path / "take.mid")
    async with open_midi(config) as out:
        out.scheduler.play(0, on(60))
        await asyncio.to_thread(until, lambda: out.scheduler.lateness.count == 1)
    assert b"robotd" in (tmp_path / "take.mid").read_bytes()


def test_a_midi_system_that_starts_later_is_used(jack: JackServer) -> None:
    jack.stop()
    with MidiPort(JACK, retry_s=0.05) as port:
        assert port.name is None
        jack.start()
        until(lambda: port.name == "robotd")


@pytest.mark.usefixtures("jack")
async def test_a_synthesizer_behind_the_port_sounds(jack: JackServer, tmp_path: Path) -> None:
    config = Midi(backend="jack", port="synth")
    with fluidsynth(jack):
        async with open_midi(config) as out:
            assert out.port is not None
            assert out.port.name == "synth:midi_00"
            begun = asyncio.Event()
            performer = Performer(rule_composer(2), out.scheduler, config, out.clock, on_bar=lambda _: begun.set())
            playing = asyncio.create_task(performer.run())
            performer.feel(0.8, 0.8)
            await asyncio.wait_for(begun.wait(), 10)
            recording = jack.record(tmp_path / "heard.wav", 2, "synth:left", "synth:right")
            await asyncio.to_thread(recording.wait, 20)
            playing.cancel()
            await asyncio.wait([playing])
    sound, rate_hz = soundfile.read(tmp_path / "heard.wav")
    assert len(sound) == 2 * rate_hz
    assert np.sqrt(np.mean(sound**2)) > 0.003
