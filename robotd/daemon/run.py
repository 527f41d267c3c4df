"""The robot's life: open in order, wait, close in reverse."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from robotd.aio import TaskGroup, end
from robotd.daemon.answer import Answer
from robotd.daemon.memory import trim
from robotd.daemon.mind import Mind
from robotd.daemon.part import Part
from robotd.daemon.robot import Robot
from robotd.daemon.scribe import Scribe
from robotd.daemon.switches import Switches, load_switches
from robotd.errors import LibraryError, ModelError
from robotd.express import hermes, notify
from robotd.express.broker import local_broker
from robotd.express.midi.band import Band
from robotd.express.midi.punctual import punctual
from robotd.express.midi.remote import Sharing
from robotd.express.mqtt import MqttLink
from robotd.express.outlet import Outlet
from robotd.music.compose.opening import open_composer
from robotd.music.library import Library
from robotd.music.recommend import Recommender
from robotd.music.taste_book import TasteBook, taste_path
from robotd.paths import library_path
from robotd.perceive.keywords import Keyworder, shipped_keyworder
from robotd.sense.choose import open_senses
from robotd.sense.clip import ClipSenses

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from robotd.config import Config
    from robotd.express.jsonlines import JsonLines
    from robotd.express.mpd import MpdPlayer
    from robotd.sense.stream import Senses

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Signals:
    """What may be asked of a running robot from outside, each by setting it.

    Attributes:
        stop: end.
        reload: read the configuration again.
        panic: silence every note.
    """

    stop: asyncio.Event = field(default_factory=asyncio.Event)
    reload: asyncio.Event = field(default_factory=asyncio.Event)
    panic: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(frozen=True, slots=True)
class Options:
    """What is asked for on the command line beside the configuration.

    Attributes:
        clip: a video or sound file in place of the senses.
        fast: the clip as fast as possible.
        for_s: stop after so many seconds.
        lines: where `--json` goes.
        load: reads the configuration again.
    """

    load: Callable[[], Config]
    clip: Path | None = None
    fast: bool = False
    for_s: float | None = None
    lines: JsonLines | None = None


async def run(config: Config, signals: Signals, options: Options) -> dict[str, Any]:
    """Run the robot until it is told to stop, the clip ends or the time is up; returns a summary of counts.

    Raises:
        RobotdError: the input failed, for instance a clip that went away.
    """
    began_s = time.monotonic()
    # A clip is looked at as it is: switches that were left on a device do not touch it.
    switches = Switches() if options.clip else load_switches()
    async with AsyncExitStack() as stack:
        library = _open_library(stack)
        recommender = None
        if library is not None:
            words = await asyncio.to_thread(_open_words, config)
            book = _open_book(stack)
            recommender = Recommender(library, config.recommend, config.taste, book=book, words=words)
        answer = Answer(config, recommender, switches.mode or config.mode)
        robot = Robot(config, switches, answer, options.load)
        robot.recommender = recommender
        robot.reload_wanted = signals.reload
        robot.library = library
        robot.outlet = Outlet(lambda: robot.link.it, options.lines)
        robot.link = await stack.enter_async_context(
            Part(lambda c: _open_link(c, robot), lambda c: (c.mqtt, c.robot_id, c.asr), config)
        )
        robot.band = await stack.enter_async_context(
            Part(lambda c: _open_band(c, robot, options), lambda c: (c.midi, c.compose, c.runtime), config)
        )
        robot.player = await stack.enter_async_context(
            Part(lambda c: _open_player(c, robot, options), lambda c: c.player, config)
        )
        robot.scribe = await stack.enter_async_context(
            Part(lambda c: Scribe(c.asr, robot.hear_text), lambda c: c.asr, config)
        )
        robot.mind = await stack.enter_async_context(
            Part(
                lambda c: Mind(c, robot.overhear),
                lambda c: (c.face, c.voice, c.words, c.runtime, c.speech, c.fusion.kind),
                config,
            )
        )
        robot.senses = await stack.enter_async_context(
            Part(
                lambda c: _open_senses(c, options),
                lambda c: (c.input, c.microphone, c.camera, c.feeling.tick_s),
                config,
            )
        )
        await robot.apply_switches()
        robot.tell_switches()
        stack.enter_context(punctual())
        trim()
        robot.ready = True
        notify.ready()
        await _live(robot, signals, options.for_s)
        robot.ready = False
        notify.stopping()
    if robot.failure is not None:
        raise robot.failure
    return _summary(robot, time.monotonic() - began_s)


async def _live(robot: Robot, signals: Signals, for_s: float | None) -> None:
    """Let the robot live until it is stopped, reloading its parts or silencing it when that is asked for."""
    async with TaskGroup() as tasks:
        watching = tasks.create_task(robot.watch(), name="watch")
        perceiving = tasks.create_task(robot.perceive(), name="perceive")
        ends = asyncio.get_running_loop().time() + for_s if for_s is not None else None
        while True:
            left_s = None if ends is None else max(0.0, ends - asyncio.get_running_loop().time())
            await _first((signals.stop, signals.reload, signals.panic, robot.ended), left_s)
            if signals.panic.is_set():
                signals.panic.clear()
                robot.band.it.panic()
                continue
            if not robot.reload_wanted.is_set() or signals.stop.is_set():
                break
            robot.reload_wanted.clear()
            await end(perceiving)
            await robot.reload()
            perceiving = tasks.create_task(robot.perceive(), name="perceive")
        await end(perceiving)
        await end(watching)


async def _first(events: tuple[asyncio.Event, ...], timeout_s: float | None) -> None:
    """Wait until one of some events is set, or the time is up."""
    waiting = [asyncio.create_task(event.wait()) for event in events]
    try:
        await asyncio.wait(waiting, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)


def _open_library(stack: AsyncExitStack) -> Library | None:
    try:
        return stack.enter_context(Library(library_path()))
    except LibraryError as error:
        log.error("%s; going on without recommendations", error)
        return None


def _open_book(stack: AsyncExitStack) -> TasteBook | None:
    try:
        return stack.enter_context(TasteBook(taste_path()))
    except LibraryError as error:
        log.error("%s; what is liked is forgotten at the end", error)
        return None


def _open_words(config: Config) -> Keyworder | None:
    try:
        return shipped_keyworder(config.runtime, config.words.keywords)
    except ModelError as error:
        log.error("%s; only the same words are alike", error)
        return None


@asynccontextmanager
async def _open_link(config: Config, robot: Robot) -> AsyncIterator[MqttLink | None]:
    if not config.mqtt.enabled:
        yield None
        return
    async with local_broker(config.mqtt) as (host, port):
        mqtt = config.mqtt.model_copy(update={"host": host, "port": port})
        others = {hermes.TOPIC: partial(_take_hermes, robot, config)} if config.asr.hermes else {}
        async with MqttLink(mqtt, config.robot_id, robot.handle, robot.commands.names, others=others) as link:
            yield link


def _take_hermes(robot: Robot, config: Config, payload: bytes) -> None:
    text = hermes.captured(payload, config.asr.site)
    if text is not None and robot.ready:
        robot.scribe.it.take(text)


@asynccontextmanager
async def _open_player(config: Config, robot: Robot, options: Options) -> AsyncIterator[MpdPlayer | None]:
    if config.player.kind is None or options.clip:
        yield None
        return
    from robotd.express.mpd import MpdPlayer

    async with MpdPlayer(config.player, robot.heard) as player:
        yield player


@asynccontextmanager
async def _open_band(config: Config, robot: Robot, options: Options) -> AsyncIterator[Band]:
    # A clip at full speed waits for its music, as there is nobody who would hear a gap.
    composer = await asyncio.to_thread(open_composer, config, _seed(options), ahead=not options.fast)
    try:
        ahead = Sharing(robot.outlet.midi) if config.midi.over_mqtt and not options.fast else None
        async with Band(config.instruments, composer, robot.outlet.music, media_time=options.fast, ahead=ahead) as band:
            yield band
    finally:
        composer.close()


def _seed(options: Options) -> int:
    """Return what the music begins with: something else at each start, but always the same for a clip."""
    return 0 if options.clip else secrets.randbelow(2**31)


def _open_senses(config: Config, options: Options) -> AbstractAsyncContextManager[Senses]:
    if options.clip is None:
        return open_senses(config)
    return ClipSenses(options.clip, config.feeling.tick_s, config.camera.rate_hz, fast=options.fast)


def _summary(robot: Robot, seconds: float) -> dict[str, Any]:
    said, counts = robot.outlet.said, robot.mind.it.counts
    return {
        "seconds": round(seconds, 1),
        "feelings": said["feeling"],
        "frames": counts.frames,
        "faces": counts.faces,
        "utterances": counts.utterances,
        "events": said["event"],
        "recommendations": said["recommendation"],
        "notes_played": robot.band.it.notes_played,
        "bars_played": robot.band.it.bars_played,
    }
