"""`robotd bench`: this board's figures."""

from __future__ import annotations

import json
import platform
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from robotd.cli.options import ConfigPath, Overrides, configuration

if TYPE_CHECKING:
    from robotd.config import Config


def bench_command(
    config: ConfigPath = None,
    overrides: Overrides = None,
    runs: Annotated[int, typer.Option(help="How often each stage is run.", min=1)] = 100,
    live_s: Annotated[
        float | None,
        typer.Option(
            "--live",
            help="Play live music for so long, with changing feelings and models at work, and measure that instead.",
            min=5.0,
            metavar="SECONDS",
        ),
    ] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Measure each stage of the chain on this board.

    Examples:

    - `robotd bench`
    - `robotd bench --runs 1000 --json > pi5.json`
    - `robotd bench --live 60`
    """
    settings = configuration(config, overrides)
    if live_s is not None:
        _live(settings, live_s, as_json=as_json)
        return
    from rich.console import Console
    from rich.table import Table

    from robotd.daemon.bench import bench, memory_mb

    console = Console(stderr=as_json)
    with console.status("measuring"):
        figures = list(bench(settings, runs))
    memory = memory_mb()
    if as_json:
        stages = [asdict(figure) for figure in figures]
        typer.echo(json.dumps({"machine": platform.machine(), "rss_mb": memory, "stages": stages}))
        return
    table = Table("stage", "median", "99th percentile", "runs")
    for figure in figures:
        table.add_row(figure.stage, f"{figure.p50_ms:.3f} ms", f"{figure.p99_ms:.3f} ms", str(figure.runs))
    console.print(table)
    console.print(f"resident memory of this process: {memory:.0f} MB")


def _live(settings: Config, seconds: float, *, as_json: bool) -> None:
    from rich.console import Console

    from robotd.daemon.bench import live

    console = Console(stderr=as_json)
    with console.status(f"playing for {seconds:g} s, then stopping at random"):
        figures = live(settings, seconds)
    if as_json:
        typer.echo(json.dumps(asdict(figures)))
        return
    notes, clock, bars = figures.notes, figures.clock, figures.bars
    console.print(f"listened to at {figures.where}")
    console.print(f"notes: {notes.count}, jitter {notes.p50_ms:.2f} ms median, {notes.p99_ms:.2f} ms 99th percentile")
    console.print(f"clock: {clock.count}, jitter {clock.p50_ms:.2f} ms median, {clock.p99_ms:.2f} ms 99th percentile")
    console.print(
        f"bars: {bars.played} played, {bars.replaced} composed anew, {bars.late} late, {figures.dropped} dropped"
    )
    console.print(
        f"changes of feeling: {figures.changes}, at most {figures.change_s:.2f} s to the first note of the new music, "
        f"{1000 * figures.over_a_bar_s:.0f} ms over a bar"
    )
    console.print(f"random stops: {figures.stops}, hanging notes: {figures.hanging}")
