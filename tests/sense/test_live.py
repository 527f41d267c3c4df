from __future__ import annotations

import asyncio
import shutil
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest

from robotd.config import Camera, Microphone
from robotd.sense.live import LiveSenses
from robotd.sense.sample import Frame, Sound, Tick
from tests.sense.collected import collecting, until
from tests.servers.camera import MjpegCamera
from tests.servers.sound import PulseAudio

if TYPE_CHECKING:
    from pathlib import Path

needs_pulseaudio = pytest.mark.skipif(not shutil.which("pulseaudio"), reason="PulseAudio is not installed")


def no_devices(tick_s: float) -> LiveSenses:
    return LiveSenses(Microphone(enabled=False), Camera(enabled=False), tick_s)


@needs_pulseaudio
async def test_a_frozen_camera_does_not_delay_the_sound(tmp_path: Path) -> None:
    with PulseAudio(tmp_path), MjpegCamera() as camera:
        senses = LiveSenses(Microphone(), Camera(source=camera.address, stall_s=1), 0.1, first_pause_s=0.1)
        async with collecting(senses) as got:
            await until(lambda: bool(got.frames) and bool(got.sounds))
            assert senses.health == {"microphone": "ok", "camera": "ok"}
            camera.frozen.set()
            await until(lambda: senses.health["camera"] == "stalled")
            frozen_at = len(got.samples)
            await until(lambda: len(got.samples) > frozen_at + 200)
        after = got.samples[frozen_at:]
        sound_s = [sample.time_s for sample in after if isinstance(sample, Sound)]
        assert max(later - earlier for earlier, later in pairwise(sound_s)) < 1.0
        assert got.times_s == sorted(got.times_s)


async def test_ticks_come_at_multiples_of_their_period() -> None:
    async with collecting(no_devices(0.05)) as got:
        await until(lambda: len(got.ticks) >= 10)
    periods = [tick.time_s / 0.05 for tick in got.ticks]
    assert periods == pytest.approx([round(period) for period in periods])
    assert len({round(period) for period in periods}) == len(periods)


async def test_a_slow_reader_gets_the_newest_picture_all_the_sound_and_no_stale_ticks() -> None:
    senses = no_devices(0.01)
    async with senses:
        for number in range(5):
            senses._see(senses._began_s + number, np.full((2, 2, 3), number, np.uint8))
            senses._hear(senses._began_s + number, np.full(480, number, np.float32))
        await asyncio.sleep(0.1)  # ten ticks pass
        samples = aiter(senses)
        got = [await anext(samples) for _ in range(8)]
    assert [type(sample) for sample in got] == [Sound] * 5 + [Frame] + [Tick] * 2
    sounds = [sample.samples[0] for sample in got if isinstance(sample, Sound)]
    assert sounds == [0, 1, 2, 3, 4]
    frame = next(sample for sample in got if isinstance(sample, Frame))
    assert frame.image[0, 0, 0] == 4
    assert senses.counters["frames_replaced"] == 4
    # Time never falls, whatever the devices say.
    times_s = [sample.time_s for sample in got]
    assert times_s == sorted(times_s)


async def test_sound_that_nobody_takes_is_dropped_and_counted() -> None:
    senses = no_devices(1)
    async with senses:
        for number in range(400):
            senses._hear(number * 0.03, np.zeros(480, np.float32))
        assert senses.counters["sound_overflows"] == 400 - 333


async def test_muting_forgets_what_was_not_taken_yet() -> None:
    senses = no_devices(0.01)
    async with senses:
        senses._hear(0.0, np.zeros(480, np.float32))
        senses._see(0.0, np.zeros((2, 2, 3), np.uint8))
        await senses.mute(microphone=True, camera=True)
        assert isinstance(await anext(aiter(senses)), Tick)


async def test_without_devices_nothing_is_to_be_expected() -> None:
    async with no_devices(1) as senses:
        assert senses.health == {"microphone": "off", "camera": "off"}
        assert senses.freshness_s() == 0


async def test_waiting_for_a_sample_can_be_cancelled() -> None:
    async with no_devices(60) as senses:
        waiting = asyncio.ensure_future(anext(aiter(senses)))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting


async def test_a_fault_of_our_own_is_not_swallowed(monkeypatch: pytest.MonkeyPatch) -> None:
    senses = LiveSenses(Microphone(enabled=False), Camera(source="x"), 0.1)

    async def fault() -> str:
        raise ZeroDivisionError

    monkeypatch.setattr(senses._camera, "_open", fault)
    async with senses:
        with pytest.raises(ZeroDivisionError):
            await anext(aiter(senses))
