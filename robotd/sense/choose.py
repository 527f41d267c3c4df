"""Chooses where pictures and sound come from."""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from robotd.errors import DeviceError
from robotd.sense.camera import find
from robotd.sense.devices import list_microphones
from robotd.sense.live import LiveSenses
from robotd.sense.microphone_reader import choose
from robotd.sense.scene import SceneSenses

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from robotd.config import Config
    from robotd.sense.stream import Senses

log = logging.getLogger(__name__)


@asynccontextmanager
async def open_senses(config: Config) -> AsyncIterator[Senses]:
    """Open what `input` says: the devices, or the built-in scene.

    With `auto`, devices when one is named in the configuration or one is there, else the scene.
    """
    tick_s = config.feeling.tick_s
    if await _wants_devices(config):
        async with LiveSenses(config.microphone, config.camera, tick_s) as devices:
            yield devices
    else:
        log.info("the built-in scene plays: a face and a voice, again and again (`input: devices` ends that)")
        async with SceneSenses(tick_s, config.camera.rate_hz) as scene:
            await scene.mute(microphone=not config.microphone.enabled, camera=not config.camera.enabled)
            yield scene


async def _wants_devices(config: Config) -> bool:
    if config.input != "auto":
        return config.input == "devices"
    if config.camera.source is not None or config.microphone.device is not None:
        return True
    if not config.camera.enabled and not config.microphone.enabled:
        return True  # nobody who switches both off wants a film
    # PortAudio and the drivers are asked in a thread: they may take their time.
    there = await asyncio.to_thread(_devices_there, config)
    if there:
        log.info("devices found: %s", ", ".join(there))
    else:
        log.info("there is neither a camera nor a microphone")
    return bool(there)


def _devices_there(config: Config) -> list[str]:
    """Return the names of the devices that would be used."""
    there = []
    if config.microphone.enabled:
        try:
            there.append(choose(list_microphones(), None).name)
        except DeviceError as error:
            log.debug("no microphone: %s", error)
    if config.camera.enabled:
        try:
            there.append(find(None))
        except DeviceError as error:
            log.debug("no camera: %s", error)
    return there
