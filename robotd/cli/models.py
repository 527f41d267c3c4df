"""`robotd models`: the manifest's table, and fetching what is not in the repository."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from robotd.errors import ModelError

if TYPE_CHECKING:
    from robotd.perceive.manifest import Manifest, ModelEntry


#: A table of fewer columns would break the names.
_WIDTH = 140


def models_command(
    *,
    fetch: Annotated[bool, typer.Option("--fetch", help="Get the files that are missing, then stop.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="All that is known of them.")] = False,
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
    described = [_describe(name, entry, manifest) for name, entry in manifest.models.items()]
    if as_json:
        typer.echo(json.dumps(described, ensure_ascii=False))
        return
    from rich.console import Console
    from rich.table import Column, Table

    names = [Column(name, no_wrap=True) for name in ("model", "task", "size", "state")]
    table = Table(*names, "latency", "measured", "data and its licence")
    for model in described:
        measured = next((f"{key} {value}" for key, value in model["measured"].items()), "")
        latency = model["measured"].get("latency_ms")
        size = f"{model['size_bytes'] / 1e6:.2f} MB" if model["size_bytes"] else ""
        told = f"{latency:g} ms" if latency else ""
        table.add_row(model["name"], model["task"], size, model["state"], told, measured, model["licence"])
    # Where nobody looks at a terminal of some width the lines may be long.
    console = Console()
    Console(width=max(console.width, _WIDTH)).print(table)
    typer.echo("The cards (models_onnx/*.md) and `--json` tell more.")


def _describe(name: str, entry: ModelEntry, manifest: Manifest) -> dict[str, Any]:
    try:
        size, state = len(manifest.content(entry)), "ok"
    except ModelError:
        size, state = 0, "missing" if manifest.path(entry) is None else "changed"
    return {"name": name, "state": state, "size_bytes": size, **entry.model_dump(mode="json")}
