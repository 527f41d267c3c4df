from __future__ import annotations

import logging
import shutil
from pathlib import Path

import numpy as np
import pytest

from robotd.config import Camera, Microphone
from robotd.errors import DeviceError
from robotd.sense.devices import FoundMicrophone, list_microphones
from robotd.sense.live import LiveSenses
from robotd.sense.microphone import _SampleClock
from robotd.sense.microphone_reader import choose
from robotd.sense.sample import RATE_HZ
from tests.sense.collected import collecting, until
from tests.sense.orphans import Parent
from tests.servers.sound import PulseAudio, jack, write_tone

NO_CAMERA = Camera(enabled=False)

needs_pulseaudio = pytest.mark.skipif(not shutil.which("pulseaudio"), reason="PulseAudio is not installed")
needs_jack = pytest.mark.skipif(not shutil.which("jackd"), reason="JACK is not installed")


def loudest_hz(samples: np.ndarray) -> float:
    return float(np.abs(np.fft.rfft(samples)).argmax() * RATE_HZ / len(samples))


@needs_pulseaudio
async def test_hears_what_is_played_at_16_khz_in_blocks_of_the_wanted_length(tmp_path: Path) -> None:
    tone = write_tone(tmp_path / "tone.wav", seconds=20, frequency_hz=1000)
    with PulseAudio(tmp_path) as server:
        server.play(tone)
        senses = LiveSenses(Microphone(device="pulse", block_ms=20), NO_CAMERA, 0.5)
        async with collecting(senses) as heard:
            await until(lambda: len(heard.sounds) > 100)
            assert senses.health == {"microphone": "ok", "camera": "off"}
            assert senses.freshness_s() < 2
            assert senses.counters["sound_blocks"] == len(heard.sounds)
        last = heard.sounds[-50:]
        assert {len(sound.samples) for sound in last} == {320}
        assert {sound.samples.dtype for sound in last} == {np.dtype(np.float32)}
        samples = np.concatenate([sound.samples for sound in last])
        assert loudest_hz(samples) == pytest.approx(1000, abs=5)
        assert 0.3 < np.abs(samples).max() < 0.6
        # PulseAudio sends half a second at once; that is no gap.
        assert np.diff([sound.time_s for sound in last]).max() < 0.2
        assert heard.times_s == sorted(heard.times_s)
        assert senses.health["microphone"] == "off"


@needs_pulseaudio
async def test_comes_back_when_the_sound_server_was_killed_and_started_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "robotd")
    with PulseAudio(tmp_path) as server:
        senses = LiveSenses(Microphone(stall_s=1), NO_CAMERA, 0.1, first_pause_s=0.1)
        async with collecting(senses) as heard:
            await until(lambda: len(heard.sounds) > 10)
            server.kill()
            await until(lambda: senses.health["microphone"] == "missing")
            ticks = len(heard.ticks)
            await until(lambda: len(heard.ticks) > ticks + 10)  # life goes on
            assert senses.freshness_s() == 0  # nothing is to be expected
            server.start()
            before = len(heard.sounds)
            await until(lambda: len(heard.sounds) > before + 10)
            assert senses.health["microphone"] == "ok"
            assert senses.counters["microphone_reopened"] >= 1
    told = [record.getMessage() for record in caplog.records]
    assert [text.split(":")[0] for text in told] == ["microphone is open", "no microphone", "microphone is back"]
    assert "robotd devices" in told[1]


@needs_pulseaudio
async def test_a_stopped_sound_server_is_a_stall(tmp_path: Path) -> None:
    with PulseAudio(tmp_path) as server:
        senses = LiveSenses(Microphone(stall_s=0.5), NO_CAMERA, 0.1, first_pause_s=0.1)
        async with collecting(senses) as heard:
            await until(lambda: len(heard.sounds) > 10)
            with server.frozen():
                await until(lambda: senses.health["microphone"] == "stalled")
            before = len(heard.sounds)
            await until(lambda: len(heard.sounds) > before + 10)


@needs_pulseaudio
async def test_muting_closes_the_stream_and_unmuting_opens_it(tmp_path: Path) -> None:
    with PulseAudio(tmp_path) as server:
        senses = LiveSenses(Microphone(), NO_CAMERA, 0.1)
        async with collecting(senses) as heard:
            await until(lambda: len(heard.sounds) > 5)
            assert server.recorders() == 1
            await senses.mute(microphone=True)
            muted_at = len(heard.sounds)
            await until(lambda: server.recorders() == 0)
            assert senses.health["microphone"] == "muted"
            assert senses.freshness_s() == 0
            ticks = len(heard.ticks)
            await until(lambda: len(heard.ticks) > ticks + 5)
            assert len(heard.sounds) == muted_at
            await senses.mute(microphone=False)
            await until(lambda: len(heard.sounds) > muted_at)
            assert server.recorders() == 1
            # The gap shows in the time.
            assert heard.sounds[muted_at].time_s - heard.sounds[muted_at - 1].time_s > 0.2


@needs_pulseaudio
def test_the_reader_ends_when_its_parent_is_killed_even_while_no_sound_comes(tmp_path: Path) -> None:
    with PulseAudio(tmp_path) as server:
        parent = Parent(PARENT)
        with server.frozen():
            parent.kill()
            assert parent.reader_ends()


PARENT = """
import asyncio
from robotd.config import Camera, Microphone
from robotd.sense.live import LiveSenses

async def main():
    async with LiveSenses(Microphone(), Camera(enabled=False), 0.5) as senses:
        async for sample in senses:
            if senses.counters["sound_blocks"]:
                print(senses._microphone.pid, flush=True)
                await asyncio.sleep(60)

asyncio.run(main())
"""


@needs_jack
async def test_hears_a_jack_server() -> None:
    with jack(rate_hz=44_100):
        senses = LiveSenses(Microphone(device="SYSTEM"), NO_CAMERA, 0.5)
        async with collecting(senses) as heard:
            await until(lambda: len(heard.sounds) > 30)
    assert {len(sound.samples) for sound in heard.sounds} == {480}


async def test_a_microphone_that_is_not_there_is_told_once_and_waited_for(caplog: pytest.LogCaptureFixture) -> None:
    senses = LiveSenses(Microphone(device="no such thing"), NO_CAMERA, 0.1, first_pause_s=0.05)
    async with collecting(senses) as heard:
        await until(lambda: senses.counters["microphone_reopened"] >= 3)
        assert senses.health["microphone"] == "missing"
        await until(lambda: len(heard.ticks) > 3)
    told = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert len(told) == 1
    assert "no such thing" in told[0].getMessage()


def test_without_the_portaudio_library_the_remedy_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sounddevice.py").write_text('raise OSError("PortAudio library not found")')
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(DeviceError, match="apt install libportaudio2"):
        list_microphones()


@needs_pulseaudio
def test_lists_microphones_as_they_come_and_go(tmp_path: Path) -> None:
    with PulseAudio(tmp_path):
        listed = {each.name: each for each in list_microphones()}
    assert listed["pulse"].channels > 0
    assert any(each.default for each in listed.values())
    assert "pulse" not in {each.name for each in list_microphones()}


FOUND = [
    FoundMicrophone(0, "HDA Intel: Analog", 2, 44_100, default=False),
    FoundMicrophone(3, "USB PnP Sound Device: Audio", 1, 48_000, default=True),
    FoundMicrophone(5, "USB", 1, 16_000, default=False),
]


@pytest.mark.parametrize(
    ("wanted", "number"), [(None, 3), (0, 0), (5, 5), ("intel", 0), ("usb pnp", 3), ("usb", 5), ("USB", 5)]
)
def test_a_microphone_is_chosen_by_number_name_part_of_a_name_or_default(wanted: str | int | None, number: int) -> None:
    assert choose(FOUND, wanted).number == number


def test_without_a_default_the_first_is_taken() -> None:
    assert choose(FOUND[:1], None) is FOUND[0]


@pytest.mark.parametrize(("wanted", "said"), [("blue", "HDA Intel"), (4, "USB PnP")])
def test_a_wrong_name_gets_the_names_that_there_are(wanted: str | int, said: str) -> None:
    with pytest.raises(DeviceError, match=said):
        choose(FOUND, wanted)


def test_no_microphone_at_all() -> None:
    with pytest.raises(DeviceError, match="none at all"):
        choose([], None)


def test_the_clock_counts_samples_through_bursts_and_finds_what_was_lost() -> None:
    clock = _SampleClock()
    given: list[float] = []

    def arrive(now_s: float) -> None:
        clock.arrive(now_s, 480)
        given.append(clock.next_s)
        clock.count(480)

    for block in range(100):
        arrive(10.03 + (block // 20 * 20 + 19) * 0.03)  # twenty at a time
    # The first burst tells how late sound can be; from then on its time is even.
    assert np.abs(np.diff(given[20:]) - 0.03).max() < 1e-9
    assert given[20] == pytest.approx(10.6)
    for block in range(100):
        arrive(14.03 + block * 0.03)  # a second was lost
    steps = np.diff(given[100:])
    assert sorted(steps)[-2:] == [pytest.approx(0.03), pytest.approx(1.03)]
    assert given[-1] == pytest.approx(14 + 99 * 0.03)
