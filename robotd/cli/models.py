"""`robotd models`: the manifest's table, and fetching what is not in the repository."""

from __future__ import annotations

from typing import Annotated

import typer

from robotd.errors import ModelError


def models_command(
    *,
    fetch: Annotated[bool, typer.Option("--fetch", help="Get the files that are missing, first.")] = False,
) -> None:
    """Show the models that can be used, and what was measured of each.

    Examples:

    - `robotd models`
    - `robotd models --fetch` — get the face detector and the face mesh (36 MB download, 1.5 MB kept)
    """
    from robotd.perceive.fetch import fetch as fetch_missing
    from robotd.perceive.manifest import load_manifest

    manifest = load_manifest()
    if fetch:
        for fetched in fetch_missing(manifest):
            typer.echo(f"fetched {fetched}")
        return
    from rich.console import Console
    from rich.table import Table

    table = Table("model", "task", "format", "size", "state", "labels", "measured", "licence of the data")
    for name, entry in manifest.models.items():
        path = manifest.path(entry)
        try:
            size = f"{len(manifest.content(entry)) / 1e6:.2f} MB"
            state = "ok"
        except ModelError:
            size, state = "", "changed" if path else "missing"
        measured = "\n".join(f"{key} {value}" for key, value in entry.measured.items())
        table.add_row(name, entry.task, entry.format, size, state, " ".join(entry.labels), measured, entry.licence)
    Console().print(table)
