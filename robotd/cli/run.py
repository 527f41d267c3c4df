"""`robotd run`: the daemon."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from robotd.cli.options import ConfigPath, Overrides, configuration, set_up_logging

if TYPE_CHECKING:
    from robotd.config import Config
    from robotd.daemon.run import Options

log = logging.getLogger("robotd")

#: A stop takes no longer than this.
_STOP_S = 4.2


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
    """Run the robot: perceive, feel, answer. Ctrl-C stops it, SIGHUP reloads its configuration, SIGUSR1 ends all notes.

    Examples:

    - `robotd run` — camera and microphone, or the built-in scene where there are none
    - `robotd run --for 20 --json` — twenty seconds, a line for whatever it says
    - `robotd run --clip talk.mp4 --fast --json` — what it makes of a video
    - `robotd run -s mqtt.host=homeassistant.local -s mqtt.username=robot -s mqtt.password=...`
    """
    if fast and clip is None:
        raise typer.BadParameter("--fast is for a --clip: the world has only one speed")
    if record is not None:
        if not record.parent.is_dir():
            raise typer.BadParameter(f"--record {record}: there is no folder {record.parent}")
        # JSON's quotes are YAML's too, and keep what a file name may hold.
        overrides = [*(overrides or ()), f"midi.record={json.dumps(str(record))}"]
    # Until the robot can reload or play, being asked to reload or to silence it must not end it.
    for number in (signal.SIGHUP, signal.SIGUSR1):
        signal.signal(number, signal.SIG_IGN)

    def load() -> Config:
        return configuration(config, overrides)

    settings = load()
    set_up_logging(settings.log_level)
    from robotd.daemon.run import Options
    from robotd.express.jsonlines import JsonLines

    lines = JsonLines(sys.stdout) if json_lines else None
    try:
        summary = asyncio.run(_run(settings, Options(load, clip, fast=fast, for_s=for_s, lines=lines)))
    finally:
        if lines is not None:
            lines.close()
    _show(summary)


async def _run(config: Config, options: Options) -> dict[str, Any]:
    from robotd.daemon.run import Signals, run

    signals = Signals()
    loop = asyncio.get_running_loop()

    def end() -> None:
        if not signals.stop.is_set():
            signals.stop.set()
            # A driver or server that hangs may keep a thread of ours for ever.
            last_resort = threading.Timer(_STOP_S, _leave)
            last_resort.daemon = True
            last_resort.start()
            # RtMidi may even keep the interpreter lock; then the kernel ends us, as SIGALRM has no handler.
            signal.setitimer(signal.ITIMER_REAL, _STOP_S + 0.3)

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, end)
    loop.add_signal_handler(signal.SIGHUP, signals.reload.set)
    loop.add_signal_handler(signal.SIGUSR1, signals.panic.set)
    return await run(config, signals, options)


def _leave() -> None:
    """Leave without closing what can't be closed; the broker publishes our will."""
    log.error("something did not close within %g s; leaving it", _STOP_S)
    os._exit(1)


def _show(summary: dict[str, Any]) -> None:
    width = max(len(name) for name in summary)
    for name, value in summary.items():
        typer.echo(f"  {name.replace('_', ' '):<{width}}  {value}", err=True)
