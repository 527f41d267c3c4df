from __future__ import annotations

import asyncio
import logging
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import psutil
import pytest

from robotd.config import Camera, Microphone
from robotd.errors import DeviceError
from robotd.sense.camera import find
from robotd.sense.live import LiveSenses
from robotd.sense.process import last_words, without_credentials
from tests.sense.collected import collecting, until
from tests.sense.orphans import Parent
from tests.servers.camera import MjpegCamera, write_video

if TYPE_CHECKING:
    from collections.abc import Iterator

NO_MICROPHONE = Microphone(enabled=False)


def senses_of(camera: Camera) -> LiveSenses:
    return LiveSenses(NO_MICROPHONE, camera, 0.1, first_pause_s=0.1)


@pytest.fixture
def server() -> Iterator[MjpegCamera]:
    with MjpegCamera() as camera:
        yield camera


def reader_of(senses: LiveSenses) -> psutil.Process:
    pid = senses._camera.pid
    assert pid is not None
    return psutil.Process(pid)


async def test_sees_a_network_camera(server: MjpegCamera) -> None:
    senses = senses_of(Camera(source=server.address))
    async with collecting(senses) as seen:
        await until(lambda: len(seen.frames) >= 10)
        assert senses.health == {"microphone": "off", "camera": "ok"}
        assert senses.freshness_s() < 2
    assert seen.frames[0].image.shape == (480, 640, 3)
    assert seen.frames[0].image.dtype == np.uint8
    assert seen.frames[0].image[440, 320] == pytest.approx([90, 90, 90], abs=3)
    assert seen.frames[0].image[:, :, 1].max() > 240  # the square
    assert seen.times_s == sorted(seen.times_s)
    assert senses.counters["frames"] == len(seen.frames)
    assert senses.health["camera"] == "off"


async def test_pictures_are_thinned_to_the_wanted_rate_and_scaled_down() -> None:
    with MjpegCamera(rate_hz=60, width=800, height=400) as server:
        senses = senses_of(Camera(source=server.address, rate_hz=5, width=320, height=320))
        async with collecting(senses) as seen:
            await until(lambda: len(seen.frames) >= 8)
    assert {frame.image.shape for frame in seen.frames} == {(160, 320, 3)}
    # No faster than asked for (a busy machine may be slower).
    span_s = seen.frames[7].time_s - seen.frames[0].time_s
    assert span_s > 7 / 5 * 0.9


async def test_a_frozen_camera_is_killed_and_comes_back_by_itself(
    server: MjpegCamera, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "robotd")
    senses = senses_of(Camera(source=server.address, stall_s=0.5))
    async with collecting(senses) as seen:
        await until(lambda: len(seen.frames) > 3)
        frozen = reader_of(senses)
        server.frozen.set()
        await until(lambda: senses.health["camera"] == "stalled")
        await until(lambda: not frozen.is_running())
        server.frozen.clear()
        before = len(seen.frames)
        await until(lambda: len(seen.frames) > before)
        assert senses.health["camera"] == "ok"
        assert senses.counters["camera_restarted"] >= 1
        assert server.connections >= 2
    told = [record.getMessage() for record in caplog.records]
    assert [text.split(":")[0] for text in told] == ["camera is open", "no camera", "camera is back"]


async def test_a_reader_that_hangs_is_killed(server: MjpegCamera) -> None:
    senses = senses_of(Camera(source=server.address, stall_s=0.5))
    async with collecting(senses) as seen:
        await until(lambda: len(seen.frames) > 3)
        hung = reader_of(senses)
        hung.send_signal(signal.SIGSTOP)  # as in a driver's uninterruptible call
        before = len(seen.frames)
        await until(lambda: not hung.is_running())
        await until(lambda: len(seen.frames) > before)


async def test_a_reader_that_crashes_is_started_again(server: MjpegCamera) -> None:
    senses = senses_of(Camera(source=server.address))
    async with collecting(senses) as seen:
        await until(lambda: len(seen.frames) > 3)
        reader_of(senses).send_signal(signal.SIGSEGV)
        await until(lambda: senses.counters["camera_restarted"] == 1)
        before = len(seen.frames)
        await until(lambda: len(seen.frames) > before)


async def test_a_camera_that_goes_and_comes_back(server: MjpegCamera) -> None:
    senses = senses_of(Camera(source=server.address))
    async with collecting(senses) as seen:
        await until(lambda: len(seen.frames) > 3)
        server.stop()
        await until(lambda: senses.health["camera"] == "missing")
        before = len(seen.frames)
        server.start()
        await until(lambda: len(seen.frames) > before)


async def test_muting_ends_the_reader_and_unmuting_starts_one(server: MjpegCamera) -> None:
    senses = senses_of(Camera(source=server.address))
    async with collecting(senses) as seen:
        await until(lambda: len(seen.frames) > 3)
        reader = reader_of(senses)
        await senses.mute(camera=True)
        muted_at = len(seen.frames)
        assert not reader.is_running()
        assert senses.health["camera"] == "muted"
        assert senses.freshness_s() == 0
        await until(lambda: server.watchers == 0)
        assert len(seen.frames) == muted_at
        await senses.mute(camera=True)  # twice does no harm
        await senses.mute(camera=False)
        await until(lambda: len(seen.frames) > muted_at)


async def test_a_camera_that_is_switched_off_stays_off(server: MjpegCamera) -> None:
    senses = senses_of(Camera(enabled=False, source=server.address))
    async with collecting(senses) as seen:
        await senses.mute(camera=False)
        await until(lambda: len(seen.ticks) > 3)
        assert senses.health["camera"] == "off"
    assert server.connections == 0


async def test_nothing_is_left_behind(server: MjpegCamera) -> None:
    senses = senses_of(Camera(source=server.address))
    async with collecting(senses) as seen:
        await until(lambda: len(seen.frames) > 0)
        reader = reader_of(senses)
    assert not reader.is_running()


async def test_closing_at_once_leaves_no_reader(server: MjpegCamera) -> None:
    for _ in range(3):
        async with senses_of(Camera(source=server.address)):
            await asyncio.sleep(0)
    assert psutil.Process().children() == []


async def test_closing_while_a_camera_is_being_opened() -> None:
    with MjpegCamera() as server:
        server.frozen.set()
        async with senses_of(Camera(source=server.address)) as senses:
            await until(lambda: senses._camera.pid is not None)
            reader = reader_of(senses)
        assert not reader.is_running()


async def test_a_file_plays_at_its_pace_and_begins_again(tmp_path: Path) -> None:
    film = write_video(tmp_path / "film.mp4", seconds=1, rate_hz=20)
    senses = senses_of(Camera(source=str(film), rate_hz=20))
    async with collecting(senses) as seen:
        await until(lambda: len(seen.frames) >= 30)
    brightness = [int(frame.image.mean()) for frame in seen.frames[:30]]
    assert min(np.diff(brightness)) < -80  # from its bright end to its dark beginning
    # No faster than it was filmed.
    assert seen.frames[29].time_s - seen.frames[0].time_s > 1.3


async def test_a_camera_that_is_not_there_is_told_with_its_reason_but_without_its_password(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with MjpegCamera() as server:
        address = server.address
    senses = senses_of(Camera(source=address.replace("//", "//robot:sesame@")))
    async with collecting(senses) as seen:
        await until(lambda: senses.counters["camera_restarted"] >= 2)
        assert senses.health["camera"] == "missing"
        assert len(seen.ticks) > 0
    told = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert len(told) == 1
    assert "can't be opened" in told[0]
    assert "Connection refused" in told[0]
    assert "//***@127.0.0.1" in told[0]
    assert "sesame" not in caplog.text


async def test_a_file_that_is_no_film_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "notes.txt").write_text("no film at all")
    async with collecting(senses_of(Camera(source=str(tmp_path / "notes.txt")))):
        await until(lambda: bool(caplog.records))
    assert "notes.txt can't be opened" in caplog.text


def test_the_reader_ends_when_its_parent_is_killed(server: MjpegCamera) -> None:
    parent = Parent(PARENT, server.address)
    parent.kill()
    assert parent.reader_ends()


PARENT = """
import asyncio, sys
from robotd.config import Camera, Microphone
from robotd.sense.live import LiveSenses

async def main():
    async with LiveSenses(Microphone(enabled=False), Camera(source=sys.argv[1]), 0.5) as senses:
        async for sample in senses:
            if senses.counters["frames"]:
                print(senses._camera.pid, flush=True)
                await asyncio.sleep(60)

asyncio.run(main())
"""


def test_a_camera_is_found_by_number_path_or_address(tmp_path: Path) -> None:
    assert find("rtsp://camera/stream") == "rtsp://camera/stream"
    film = tmp_path / "film.mp4"
    film.touch()
    assert find(str(film)) == str(film)
    with pytest.raises(DeviceError, match="/dev/video97 does not exist"):
        find(97)
    with pytest.raises(DeviceError, match="/dev/video97 does not exist"):
        find("97")


def test_the_last_words_of_a_reader() -> None:
    assert last_words([]) == ""
    assert last_words([b"can't be opened\n"]) == "can't be opened"
    assert last_words([b"noise\n", b"[tcp @ 0x55f2] refused\n", b"can't be opened\n"]) == "can't be opened (refused)"


def test_credentials_are_masked() -> None:
    assert without_credentials("rtsp://me:my@host/a") == "rtsp://***@host/a"
    assert without_credentials("http://host/a@b") == "http://host/a@b"
