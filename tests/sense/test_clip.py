from __future__ import annotations

import asyncio
import logging
import os
import subprocess
import time
from itertools import pairwise
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
import soundfile

from robotd.errors import MediaError
from robotd.sense.clip import ClipSenses
from robotd.sense.sample import RATE_HZ, Frame, Sample, Sound, Tick
from tests.sense.collected import Collected, collect

if TYPE_CHECKING:
    from pathlib import Path

TONE = "sine=frequency=1000:sample_rate=44100"
PICTURE = "testsrc=size=320x240:rate=15"


def make(path: Path, *arguments: str) -> Path:
    """Make a file with FFmpeg."""
    subprocess.run(["ffmpeg", "-v", "error", "-y", *arguments, str(path)], check=True)
    return path


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three seconds of pictures and sound."""
    return make(
        tmp_path_factory.mktemp("film") / "film.mp4",
        *("-f", "lavfi", "-i", PICTURE, "-f", "lavfi", "-i", TONE, "-t", "3"),
    )


async def fast(path: Path, tick_s: float = 0.5, frame_rate_hz: float = 10) -> Collected:
    return await collect(ClipSenses(path, tick_s, frame_rate_hz, fast=True))


def told(sample: Sample) -> tuple[object, ...]:
    """Return a sample as something that can be compared."""
    if isinstance(sample, Frame):
        return "frame", sample.time_s, sample.image.tobytes()
    if isinstance(sample, Sound):
        return "sound", sample.time_s, sample.samples.tobytes()
    return "tick", sample.time_s


async def test_pictures_sound_and_ticks_come_in_time_order(film: Path) -> None:
    got = await fast(film)
    assert got.times_s == sorted(got.times_s)
    assert [tick.time_s for tick in got.ticks[:5]] == [0.5, 1.0, 1.5, 2.0, 2.5]
    assert isinstance(got.samples[-1], Tick)
    assert got.ticks[-1].time_s == pytest.approx(3, abs=0.05)
    # All that was before a tick has been given before it.
    for earlier, later in pairwise(got.samples):
        assert not (isinstance(earlier, Tick) and later.time_s < earlier.time_s)


async def test_pictures_are_thinned_by_their_time_stamps(film: Path) -> None:
    got = await fast(film)
    assert 28 <= len(got.frames) <= 31
    assert got.frames[0].image.shape == (240, 320, 3)
    assert len((await fast(film, frame_rate_hz=60)).frames) == 45


async def test_sound_is_mono_at_16_khz(film: Path) -> None:
    got = await fast(film)
    samples = np.concatenate([sound.samples for sound in got.sounds])
    assert samples.dtype == np.float32
    assert len(samples) / RATE_HZ == pytest.approx(3, abs=0.05)
    spectrum = np.abs(np.fft.rfft(samples[: 2 * RATE_HZ]))
    assert spectrum.argmax() / 2 == pytest.approx(1000, abs=1)
    assert {len(sound.samples) for sound in got.sounds[:-1]} == {480}


async def test_at_real_speed_the_samples_are_the_same(film: Path) -> None:
    began_s = time.monotonic()
    real = await collect(ClipSenses(film, 0.5, 10))
    took_s = time.monotonic() - began_s
    assert [told(sample) for sample in real.samples] == [told(sample) for sample in (await fast(film)).samples]
    assert took_s > 2.9  # it does not run ahead


async def test_a_slow_reader_gets_everything(film: Path) -> None:
    slow = []
    async with ClipSenses(film, 0.5, 10, fast=True) as senses:
        async for sample in senses:
            await asyncio.sleep(0.001)
            slow.append(told(sample))
    assert slow == [told(sample) for sample in (await fast(film)).samples]


async def test_pictures_alone(tmp_path: Path) -> None:
    got = await fast(make(tmp_path / "silent.mp4", "-f", "lavfi", "-i", PICTURE, "-t", "1"))
    assert len(got.frames) == 10
    assert not got.sounds
    assert len(got.ticks) == 2


@pytest.mark.parametrize("name", ["tone.mp3", "tone.ogg", "tone.wav", "tone.flac", "tone.m4a"])
async def test_sound_alone(tmp_path: Path, name: str) -> None:
    senses = ClipSenses(make(tmp_path / name, "-f", "lavfi", "-i", TONE, "-t", "1"), 0.5, 10, fast=True)
    got = await collect(senses)
    assert not got.frames
    assert sum(len(sound.samples) for sound in got.sounds) / RATE_HZ == pytest.approx(1, abs=0.06)
    assert senses.health == {"microphone": "ok", "camera": "off"}
    assert senses.counters == {"frames": 0, "sound_blocks": len(got.sounds)}


async def test_a_cover_picture_is_no_film(tmp_path: Path) -> None:
    cover = make(tmp_path / "cover.png", "-f", "lavfi", "-i", PICTURE, "-frames:v", "1")
    tone = make(tmp_path / "tone.mp3", "-f", "lavfi", "-i", TONE, "-t", "1")
    song = make(
        tmp_path / "song.mp3",
        *("-i", str(tone), "-i", str(cover), "-map", "0", "-map", "1", "-c", "copy", "-disposition:v", "attached_pic"),
    )
    got = await fast(song)
    assert got.sounds
    assert not got.frames


async def test_what_only_libsndfile_reads(tmp_path: Path) -> None:
    path = tmp_path / "tone.mat"
    soundfile.write(path, np.zeros((22_050, 2)), 22_050, format="MAT5")
    got = await fast(path)
    assert sum(len(sound.samples) for sound in got.sounds) == pytest.approx(RATE_HZ, abs=2)
    assert len(got.ticks) == 2


async def test_wide_pictures_are_scaled_down(tmp_path: Path) -> None:
    wide = make(tmp_path / "wide.mp4", "-f", "lavfi", "-i", "testsrc=size=1920x1080:rate=5", "-t", "0.4")
    assert (await fast(wide)).frames[0].image.shape == (720, 1280, 3)


async def test_a_film_from_a_telephone_is_turned_upright(film: Path, tmp_path: Path) -> None:
    turned = make(tmp_path / "turned.mp4", "-i", str(film), "-c", "copy", "-metadata:s:v", "rotate=90")
    ours = (await fast(turned)).frames[0].image
    # FFmpeg's own program turns pictures by itself.
    upright = cv2.imread(str(make(tmp_path / "upright.png", "-i", str(turned), "-frames:v", "1")))
    assert upright is not None
    assert ours.shape == upright.shape == (320, 240, 3)
    assert np.abs(ours.astype(int) - upright).mean() < 5


async def test_sound_that_begins_later_keeps_its_time(tmp_path: Path) -> None:
    late = make(
        tmp_path / "late.mkv",
        *("-f", "lavfi", "-i", PICTURE, "-itsoffset", "1", "-f", "lavfi", "-i", TONE, "-t", "2"),
    )
    got = await fast(late)
    assert got.sounds[0].time_s == pytest.approx(1, abs=0.05)
    assert got.frames[0].time_s == pytest.approx(0, abs=0.05)


async def test_a_truncated_film_gives_what_it_has(film: Path, tmp_path: Path) -> None:
    whole = make(tmp_path / "whole.mkv", "-i", str(film), "-c", "copy").read_bytes()
    cut = tmp_path / "cut.mkv"
    cut.write_bytes(whole[: len(whole) // 2])
    got = await fast(cut)
    assert 5 < len(got.frames) < 25
    assert got.times_s == sorted(got.times_s)


async def test_damage_in_the_middle_is_told_and_passed_over(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    song = make(tmp_path / "song.flac", "-f", "lavfi", "-i", TONE, "-t", "3")
    content = bytearray(song.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 3000] = bytes(range(250)) * 12
    song.write_bytes(content)
    with caplog.at_level(logging.WARNING, "robotd"):
        got = await fast(song)
    assert len(caplog.records) == 1
    assert "song.flac" in caplog.text
    assert "damaged" in caplog.text
    assert got.sounds[-1].time_s > 2.5
    assert got.times_s == sorted(got.times_s)


@pytest.mark.parametrize("content", [b"", b"no film at all\n" * 50, bytes(5000)])
async def test_what_is_no_media_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "notes.mp4"
    path.write_bytes(content)
    with pytest.raises(MediaError, match=r"notes\.mp4"):
        await fast(path)


async def test_a_film_without_its_index_is_refused(film: Path, tmp_path: Path) -> None:
    path = make(tmp_path / "whole.mp4", "-i", str(film), "-c", "copy").rename(tmp_path / "cut.mp4")
    os.truncate(path, 20_000)
    with pytest.raises(MediaError, match=r"cut\.mp4"):
        await fast(path)


async def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match=r"away\.mp4: there is no such file"):
        await fast(tmp_path / "away.mp4")


async def test_muted_senses_are_left_out(film: Path) -> None:
    senses = ClipSenses(film, 0.5, 10, fast=True)
    got: list[Sample] = []
    async with senses:
        await senses.mute(microphone=True)
        assert senses.health == {"microphone": "muted", "camera": "ok"}
        async for sample in senses:
            got.append(sample)
            if sample.time_s > 1:
                await senses.mute(microphone=False, camera=True)
    assert {type(sample) for sample in got if sample.time_s < 1} == {Frame, Tick}
    assert {type(sample) for sample in got if sample.time_s > 1.5} == {Sound, Tick}


async def test_leaving_early_closes_the_file(film: Path) -> None:
    async with ClipSenses(film, 0.5, 10) as senses:
        async for sample in senses:
            if isinstance(sample, Frame):
                break
        assert senses.freshness_s() < 5
