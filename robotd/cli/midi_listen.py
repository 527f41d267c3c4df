"""`robotd midi-listen`: a robot's music on another machine."""

from __future__ import annotations

import asyncio
import json
import signal
from contextlib import AsyncExitStack, asynccontextmanager
from enum import Enum
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from robotd.cli.options import ConfigPath, Overrides, configuration, set_up_logging

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from contextlib import AbstractContextManager

    from robotd.config import Config
    from robotd.express.midi.listen import Received, RemotePlayer

T = TypeVar("T")

_REPORT_S = 1.0
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class SynthKind(str, Enum):
    """What can make sound here, beside a MIDI port."""

    fluidsynth = "fluidsynth"


def midi_listen_command(
    *,
    host: Annotated[
        str | None,
        typer.Option(help="The robot's broker.", metavar="HOST[:PORT]", show_default="as configured, else localhost"),
    ] = None,
    robot: Annotated[
        str | None, typer.Option(help="The robot's `robot_id`.", metavar="ID", show_default="as configured")
    ] = None,
    port: Annotated[
        str | None,
        typer.Option(
            help="A MIDI output here or a part of its name, else a virtual port of this name.",
            metavar="NAME",
            show_default="as configured",
        ),
    ] = None,
    synth: Annotated[SynthKind | None, typer.Option(help="Sound from this machine in place of a MIDI port.")] = None,
    delay_ms: Annotated[
        int,
        typer.Option(
            help="So much later than there it is played here; more when the network needs it.", min=0, max=2000
        ),
    ] = 150,
    for_s: Annotated[
        float | None, typer.Option("--for", help="Stop after so many seconds.", min=0.0, metavar="SECONDS")
    ] = None,
    config: ConfigPath = None,
    overrides: Overrides = None,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="One line a second: notes, losses, delay, jitter.")
    ] = False,
) -> None:
    """Play on this machine what a robot elsewhere plays. Ctrl-C stops it.

    The robot must share its music (`midi.over_mqtt: true`). It comes over MQTT ahead of its time, and is played
    here at the right moment, whatever the network does meanwhile. Where the robot or the broker goes, all falls
    silent until it is back.

    Examples:

    - `robotd midi-listen --host homeassistant.local` — a virtual port `robotd`, to be connected to a synthesizer
    - `robotd midi-listen --host tin.local --robot tin --port "Grand Piano"` — into an instrument
    - `robotd midi-listen --host tin.local --synth fluidsynth` — through the loudspeaker
    - `robotd midi-listen --host tin.local --delay-ms 40 --verbose` — a good cable
    - `robotd midi-listen -s mqtt.username=box -s mqtt.password_file=/etc/robotd/mqtt-password`
    """
    settings = configuration(config, [*(overrides or ()), *_as_settings(host, robot, port, synth)])
    set_up_logging(settings.log_level)
    received = asyncio.run(_run(settings, delay_ms / 1000, for_s, verbose=verbose))
    typer.echo(_told(received), err=True)


def _as_settings(host: str | None, robot: str | None, port: str | None, synth: SynthKind | None) -> Iterator[str]:
    """Say options as settings, so that they are checked like those."""
    if host is not None:
        name, _, number = host.rpartition(":") if host.count(":") == 1 else (host, "", "")
        yield f"mqtt.host={json.dumps(name)}"
        if number:
            yield f"mqtt.port={number}"
    if robot is not None:
        yield f"robot_id={json.dumps(robot)}"
    if port is not None:
        yield f"midi.port={json.dumps(port)}"
    if synth is not None:
        yield f"midi.synth={synth.value}"


async def _run(config: Config, delay_s: float, for_s: float | None, *, verbose: bool) -> Received:
    """Listen until a signal comes or the time is up."""
    from robotd.express.midi.listen import RemotePlayer, listen
    from robotd.express.midi.port import open_port
    from robotd.express.midi.punctual import punctual

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def end() -> None:
        stop.set()
        # The next one ends us even if a MIDI system does not let us go.
        for number in _SIGNALS:
            loop.remove_signal_handler(number)

    for number in _SIGNALS:
        loop.add_signal_handler(number, end)
    async with AsyncExitStack() as stack:
        port = await stack.enter_async_context(_in_thread(open_port(config.midi)))
        player = RemotePlayer(port.send, delay_s)
        await stack.enter_async_context(_in_thread(player))
        port.on_return = player.scheduler.refresh
        stack.enter_context(punctual())
        tasks = {
            asyncio.create_task(listen(config.mqtt, config.robot_id, player), name="listen"),
            asyncio.create_task(stop.wait(), name="stop"),
        }
        if verbose:
            tasks.add(asyncio.create_task(_report(player), name="report"))
        try:
            done, _ = await asyncio.wait(tasks, timeout=for_s, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            while pending := {task for task in tasks if not task.done()}:
                # Again and again: before Python 3.12 `asyncio.wait_for` may lose a cancellation.
                for task in pending:
                    task.cancel()
                await asyncio.wait(pending, timeout=1.0)
    return player.received


async def _report(player: RemotePlayer) -> None:
    while True:
        await asyncio.sleep(_REPORT_S)
        delay_ms, late = 1000 * player.clock.delay_s, player.scheduler.lateness
        typer.echo(f"{_told(player.received)}; delay {delay_ms:.0f} ms, punctual to {late.p99_ms:.1f} ms (p99)")


def _told(received: Received) -> str:
    return (
        f"{received.notes} notes, {received.late} late, {received.dropped} dropped; "
        f"{received.messages} messages, {received.lost} lost, {received.broken} broken"
    )


@asynccontextmanager
async def _in_thread(opening: AbstractContextManager[T]) -> AsyncIterator[T]:
    """Enter and leave in a thread what may wait for a MIDI system."""
    opened = await asyncio.to_thread(opening.__enter__)
    try:
        yield opened
    finally:
        await asyncio.shield(asyncio.to_thread(opening.__exit__, None, None, None))
