"""`robotd recommend`: one recommendation, with its reasons."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from robotd.cli.options import ConfigPath, Overrides, configuration
from robotd.paths import library_path


def recommend_command(
    valence: Annotated[float, typer.Option(help="-1 (unpleasant) to 1 (pleasant).", min=-1, max=1)],
    arousal: Annotated[float, typer.Option(help="-1 (sleepy) to 1 (excited).", min=-1, max=1)],
    tracks: Annotated[
        int | None,
        typer.Option(help="How many songs.", min=1, show_default="as configured"),
    ] = None,
    config: ConfigPath = None,
    overrides: Overrides = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="As it is published over MQTT.")] = False,
) -> None:
    """Recommend songs for a feeling, and say why.

    Examples:

    - `robotd recommend --valence -0.6 --arousal -0.4`
    - `robotd recommend --valence 0.7 --arousal 0.5 --tracks 5 --json`
    """
    settings = configuration(config, overrides)
    from robotd.music.library import Library
    from robotd.music.recommend import Recommender

    with Library(library_path()) as library:
        recommendation = Recommender(library, settings.recommend).recommend(valence, arousal, tracks)
    if as_json:
        typer.echo(json.dumps(recommendation.payload(), ensure_ascii=False))
        return
    for number, track in enumerate(recommendation.tracks, 1):
        by = f" — {track.artist}" if track.artist else ""
        typer.echo(f"{number}. {track.title}{by}\n   {track.why}\n   {track.uri}")
