from __future__ import annotations

import logging
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from robotd.config import Config
from robotd.sense.choose import open_senses
from robotd.sense.live import LiveSenses
from robotd.sense.sample import Frame, Tick
from robotd.sense.scene import SceneSenses
from tests.servers.sound import PulseAudio

if TYPE_CHECKING:
    from pathlib import Path

    from robotd.sense.stream import Senses


@pytest.fixture
def deserted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine that has no sound server and no camera."""
    monkeypatch.setenv("PULSE_SERVER", f"unix:{tmp_path}/none")
    monkeypatch.setenv("JACK_DEFAULT_SERVER", "none")
    monkeypatch.setattr("robotd.sense.camera.list_cameras", list)


def config(**keys: Any) -> Config:
    return Config.model_validate(keys)


async def opened(wanted: Config) -> Senses:
    async with open_senses(wanted) as senses:
        return senses


@pytest.mark.usefixtures("deserted")
async def test_without_devices_the_scene_plays_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "robotd")
    assert isinstance(await opened(config()), SceneSenses)
    assert "neither a camera nor a microphone" in caplog.text
    assert "the built-in scene plays" in caplog.text


@pytest.mark.usefixtures("deserted")
@pytest.mark.parametrize(
    "keys",
    [
        {"input": "devices"},
        {"camera": {"source": "http://127.0.0.1:9/"}},
        {"microphone": {"device": "usb"}},
        {"camera": {"enabled": False}, "microphone": {"enabled": False}},
    ],
)
async def test_devices_that_are_asked_for_are_waited_for(keys: dict[str, Any]) -> None:
    assert isinstance(await opened(config(**keys)), LiveSenses)


@pytest.mark.skipif(not shutil.which("pulseaudio"), reason="PulseAudio is not installed")
@pytest.mark.usefixtures("deserted")
async def test_a_microphone_is_enough_for_devices(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "robotd")
    with PulseAudio(tmp_path):
        assert isinstance(await opened(config()), LiveSenses)
        assert "devices found: default" in caplog.text
        # One that is switched off is none.
        assert isinstance(await opened(config(microphone={"enabled": False})), SceneSenses)


async def test_a_camera_is_enough_for_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("robotd.sense.choose.find", lambda _: "/dev/video0")
    assert isinstance(await opened(config(microphone={"enabled": False})), LiveSenses)


async def test_the_scene_can_be_asked_for_and_keeps_to_what_is_switched_off() -> None:
    wanted = config(input="scene", microphone={"enabled": False}, feeling={"tick_s": 0.1})
    kinds = set()
    async with open_senses(wanted) as senses:
        assert senses.health == {"microphone": "muted", "camera": "ok"}
        async for sample in senses:
            kinds.add(type(sample))
            if sample.time_s > 0.5:
                break
    assert kinds == {Frame, Tick}
