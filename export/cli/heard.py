"""`heard`: whether what is composed is heard as it was meant."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .group import busy, console, shown
from .options import CHECKPOINTS, DATA, Checkpoints, DataFolder, one_of

_STYLES, _NETS = ("band", "piano", "rules"), ("conditioned", "quadrant")


def heard_command(
    data: DataFolder = DATA,
    pieces: Annotated[int, typer.Option(min=2, help="So many a quadrant.")] = 100,
    bars: Annotated[int, typer.Option(min=4, help="Of each piece.")] = 16,
    style: Annotated[str, typer.Option(help="band, piano, or rules: a band whose melodies no net wrote.")] = "band",
    nets: Annotated[str, typer.Option(help="conditioned, or quadrant: one for each.")] = "conditioned",
    *,
    judging: Annotated[bool, typer.Option(help="Compose with a judge too, not only without.")] = True,
    seed: Annotated[int, typer.Option(help="Another one makes other pieces.")] = 0,
    dealing: Annotated[int, typer.Option(help="Another one deals the songs into halves anew.")] = 0,
    out: Annotated[Path, typer.Option(help="Folder of the report and its pictures.")] = Path("docs"),
    checkpoints: Checkpoints = CHECKPOINTS,
) -> None:
    """Have pieces composed for each quadrant, and ask listeners that take no part in composing what they hear.

    A judge for composing learns from one half of EMOPIA's songs, three listeners from the other. The report,
    `composer.md`, tells the share that is heard as it was meant, how good the listeners are on real music, and how
    pieces differ from it in range, density, polyphony, entropy and groove.

    Examples:

    - `heard --data ~/data` — some minutes
    - `heard --style rules --pieces 20 --no-judging --out /tmp/heard`
    """
    import torch

    from ..heard.composers import factory_of
    from ..heard.measure import measure
    from ..heard.pictures import draw_confusions, draw_distributions
    from ..heard.report import CONFUSION, DISTRIBUTIONS, report, told
    from ..heard.songs import read_songs

    style, nets = one_of(style, _STYLES, "style"), one_of(nets, _NETS, "kind of nets")
    torch.set_num_threads(1)
    for folder in (out, checkpoints):
        folder.mkdir(parents=True, exist_ok=True)
    factory = factory_of(style, nets)
    with busy("reading EMOPIA"):
        songs = read_songs(data, checkpoints / "heard_features.npz")
    found = measure(
        songs, factory, checkpoints, shown, pieces=pieces, bars=bars, judging=judging, seed=seed, dealing=dealing
    )
    asked = (
        f"python -m export heard --style {style} --nets {nets} --pieces {pieces} --bars {bars} --seed {seed} "
        f"--dealing {dealing}"
    )
    text = report(found, asked if judging else f"{asked} --no-judging")
    (out / "composer.md").write_text(text, encoding="utf-8")
    draw_confusions(out / CONFUSION, found)
    draw_distributions(out / DISTRIBUTIONS, found)
    for setting in found.settings:
        for one in found.listeners:
            console.print(f"{setting.name}, {one.name}: {told(setting.answers[one.name])} heard as composed")
    console.print(f"{out / 'composer.md'} is written", soft_wrap=True)
