from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import rtmidi

from robotd.config import Midi
from robotd.emotion import Quadrant
from robotd.express.midi import Playing
from robotd.express.midi.band import Band
from robotd.music.bar import Bar
from robotd.music.compose.opening import rule_composer
from tests.express.midi.players import HAPPY, SAD, PlainComposer
from tests.express.midi.test_port import listener
from tests.express.midi.test_recorder import heard
from tests.servers.jack import jack_server, until

SILENT = Midi(enabled=False)
CLOCK, START, STOP = 0xF8, 0xFA, 0xFC


class Bars:
    """Hears which bars begin."""

    def __init__(self) -> None:
        self.told: list[Playing | None] = []
        self._new = asyncio.Event()

    def __call__(self, playing: Playing | None) -> None:
        self.told.append(playing)
        self._new.set()

    async def until(self, count: int) -> None:
        while len(self.told) < count:
            self._new.clear()
            await asyncio.wait_for(self._new.wait(), 20)

    async def until_silent(self) -> None:
        while not self.told or self.told[-1] is not None:
            await self.until(len(self.told) + 1)


async def test_a_clip_at_full_speed_is_played_by_its_own_time(tmp_path: Path) -> None:
    bars = Bars()
    config = Midi(record=tmp_path / "take.mid")
    async with Band(config, PlainComposer(), bars, media_time=True) as band:
        for half_seconds in range(20):
            band.feel(*(HAPPY if half_seconds < 8 else SAD))
            await band.advance(half_seconds / 2)
        assert band.connected
        assert band.external_clock is None
        told = band.diagnostics()
    assert (told["port"], told["clock"], told["notes"]) == (None, "own", band.notes_played)
    assert told["bars"] == {"played": 5, "late": 0, "replaced": 1, "dropped": 0}
    assert told["change_to_music_s"]["count"] == 1
    assert told["change_to_music_s"]["over_a_bar"] == 0
    assert [playing.quadrant for playing in bars.told if playing] == 2 * [Quadrant.Q1] + 3 * [Quadrant.Q3]
    assert heard(tmp_path / "take.mid")


async def test_a_band_plays_is_muted_and_told_to_rest() -> None:
    bars = Bars()
    async with Band(SILENT, rule_composer(1), bars) as band:
        band.feel(*HAPPY)
        await bars.until(1)
        band.mute(muted=True)
        assert bars.told[-1] is None
        band.mute(muted=False)
        await bars.until(3)
        band.panic()
        assert bars.told[-1] is None
        await bars.until(5)
        band.rest()
        await bars.until_silent()
        assert not band.failed


class BrokenComposer(PlainComposer):
    def bar(self, valence: float, arousal: float, index: int, quadrant: Quadrant | None = None) -> Bar:
        raise ValueError(f"no ideas for bar {index} at {valence}, {arousal} in {quadrant}")


async def test_a_composer_that_fails_is_told_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    async with Band(SILENT, BrokenComposer(), Bars()) as band:
        band.feel(*HAPPY)
        await asyncio.to_thread(until, lambda: band.failed)
    assert any("there is no more music" in record.message for record in caplog.records)


async def test_a_record_that_can_t_be_written_is_told_in_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with Band(Midi(enabled=False, record=tmp_path / "nowhere" / "take.mid"), PlainComposer(), Bars()):
        pass
    (error,) = [record.message for record in caplog.records if record.levelno == logging.ERROR]
    assert "can't write" in error


class Sequencer:
    """Another instrument that is the clock: it sends a tick every so often, from before its start on."""

    def __init__(self, gap_s: float) -> None:
        self._out = rtmidi.MidiOut(rtapi=rtmidi.API_UNIX_JACK, name="sequencer")
        self._gap_s = gap_s
        self._lock = threading.Lock()
        self._done = threading.Event()
        self._ticking = threading.Thread(target=self._tick)

    def send(self, status: int) -> None:
        with self._lock:
            self._out.send_message([status])

    def _tick(self) -> None:
        while not self._done.wait(self._gap_s):
            self.send(CLOCK)

    @contextmanager
    def playing_to(self, port: str) -> Iterator[Sequencer]:
        until(lambda: any(port in name for name in self._out.get_ports()))
        self._out.open_port(next(number for number, name in enumerate(self._out.get_ports()) if port in name))
        self._ticking.start()
        try:
            yield self
        finally:
            self._done.set()
            self._ticking.join()
            self._out.close_port()
            self._out.delete()


async def test_a_band_follows_the_clock_of_another_instrument() -> None:
    bars = Bars()
    with jack_server():
        async with Band(Midi(backend="jack", clock="in"), rule_composer(1), bars) as band:
            band.feel(*HAPPY)
            with listener(to="robotd:robotd") as ear, Sequencer(0.008).playing_to("robotd-in") as other:
                await asyncio.to_thread(until, lambda: band.diagnostics()["clock"] == "external, stopped")
                other.send(START)
                await bars.until(2)
                assert band.diagnostics()["clock"] == "external"
                assert any(message.type == "note_on" for message in ear.messages)
                other.send(STOP)
                await bars.until_silent()
                await asyncio.to_thread(until, lambda: ear.sounding == set())
            await asyncio.to_thread(until, lambda: band.diagnostics()["clock"] == "external, stopped")


async def test_a_band_gives_the_clock_to_another_instrument() -> None:
    bars = Bars()
    with jack_server():
        async with Band(Midi(backend="jack", clock="out"), rule_composer(1), bars) as band:
            with listener(to="robotd:robotd") as ear:
                ear._input.ignore_types(timing=False)
                band.feel(*HAPPY)
                await bars.until(2)
                band.mute(muted=True)
                await asyncio.to_thread(until, lambda: any(message.type == "stop" for message in ear.messages))
                kinds = [message.type for message in ear.messages]
                assert kinds.index("start") < kinds.index("clock") < kinds.index("note_on")
                assert kinds.count("clock") >= 90
