"""`robotd run`: the daemon."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from robotd.cli.options import ConfigPath, Overrides, configuration, set_up_logging

if TYPE_CHECKING:
    from robotd.config import Config
    from robotd.daemon.run import Options

log = logging.getLogger("robotd")


def run_command(
    config: ConfigPath = None,
    overrides: Overrides = None,
    for_s: Annotated[
        float | None,
        typer.Option("--for", help="Stop after so many seconds.", min=0.0, metavar="SECONDS"),
    ] = None,
    clip: Annotated[
        Path | None,
        typer.Option(help="A video or sound file in place of camera and microphone.", metavar="FILE"),
    ] = None,
    record: Annotated[
        Path | None,
        typer.Option(help="Write what is played to a MIDI file.", metavar="FILE.mid"),
    ] = None,
    *,
    fast: Annotated[bool, typer.Option("--fast", help="The clip as fast as possible, with the same results.")] = False,
    json_lines: Annotated[
        bool, typer.Option("--json", help="One line a feeling, event, recommendation and bar on standard output.")
    ] = False,
) -> None:
    """Run the robot: perceive, feel, answer. Ctrl-C stops it, SIGHUP reloads its configuration.

    Examples:

    - `robotd run` — camera and microphone, or the built-in scene where there are none
    - `robotd run --for 20 --json` — twenty seconds, a line for whatever it says
    - `robotd run --clip talk.mp4 --fast --json` — what it makes of a video
    - `robotd run -s mqtt.host=homeassistant.local -s mqtt.username=robot -s mqtt.password=...`
    """
    if fast and clip is None:
        raise typer.BadParameter("--fast is for a --clip: the world has only one speed")
    overrides = [*(overrides or ()), *([f"midi.record={record}"] if record else ())]

    def load() -> Config:
        return configuration(config, overrides)

    settings = load()
    set_up_logging(settings.log_level)
    from robotd.daemon.run import Options
    from robotd.express.jsonlines import JsonLines

    lines = JsonLines(sys.stdout) if json_lines else None
    summary = asyncio.run(_run(settings, Options(load, clip, fast=fast, for_s=for_s, lines=lines)))
    _show(summary)


async def _run(config: Config, options: Options) -> dict[str, Any]:
    from robotd.daemon.run import run

    stop, reload_wanted = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    loop.add_signal_handler(signal.SIGHUP, reload_wanted.set)
    return await run(config, stop, reload_wanted, options)


def _show(summary: dict[str, Any]) -> None:
    width = max(len(name) for name in summary)
    for name, value in summary.items():
        typer.echo(f"  {name.replace('_', ' '):<{width}}  {value}", err=True)
