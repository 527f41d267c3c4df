"""`robotd bench`: this board's figures."""

from __future__ import annotations

import json
import platform
from dataclasses import asdict
from typing import Annotated

import typer

from robotd.cli.options import ConfigPath, Overrides, configuration


def bench_command(
    config: ConfigPath = None,
    overrides: Overrides = None,
    runs: Annotated[int, typer.Option(help="How often each stage is run.", min=1)] = 100,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Measure each stage of the chain on this board.

    Examples:

    - `robotd bench`
    - `robotd bench --runs 1000 --json > pi5.json`
    """
    settings = configuration(config, overrides)
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
