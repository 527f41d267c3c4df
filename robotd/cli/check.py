"""`robotd check`: is the configuration right, and are the models?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
import yaml

from robotd.cli.options import ConfigPath, Overrides, config_in_use, configuration
from robotd.configfile import masked
from robotd.errors import ConfigError, ModelError

if TYPE_CHECKING:
    from collections.abc import Callable

    from robotd.config import Config


def check_command(
    config: ConfigPath = None,
    overrides: Overrides = None,
    *,
    show: Annotated[bool, typer.Option("--show", help="Print the settings as they hold, secrets masked.")] = False,
) -> None:
    """Check the configuration and the models, without opening any device.

    Examples:

    - `robotd check --config /etc/robotd/config.yaml`
    - `robotd check --show`
    """
    settings = configuration(config, overrides)
    typer.echo(f"configuration: {config or config_in_use() or 'built-in defaults'}: ok")
    if show:
        typer.echo(yaml.safe_dump(masked(settings), sort_keys=False, allow_unicode=True), nl=False)
    wrong = 0
    for what, open_it in _parts(settings):
        try:
            typer.echo(f"{what}: {open_it()}: ok")
        except (ModelError, ConfigError) as error:
            wrong += 1
            typer.echo(f"{what}: {error}", err=True)
    raise typer.Exit(1 if wrong else 0)


def _parts(config: Config) -> list[tuple[str, Callable[[], str]]]:
    """Return what the settings need: how it is called, and what opens it and returns its name."""
    from robotd.music.compose.opening import load_judge, load_source
    from robotd.perceive.both import BothReader
    from robotd.perceive.face import FaceReader
    from robotd.perceive.keywords import Keyworder
    from robotd.perceive.manifest import load_manifest
    from robotd.perceive.score import ScoreReader
    from robotd.perceive.song import SongReader
    from robotd.perceive.voice import VoiceReader
    from robotd.perceive.words import WordsReader
    from robotd.sense.transcriber import open_transcriber

    manifest, runtime = load_manifest(), config.runtime
    parts: list[tuple[str, Callable[[], str]]] = [
        ("face model", lambda: FaceReader(config.face, manifest, runtime).model),
        ("voice model", lambda: VoiceReader(config.voice.chosen, manifest, runtime).model),
        ("words model", lambda: WordsReader(config.words.model, manifest, runtime).model),
        ("keywords model", lambda: Keyworder(manifest, runtime, config.words.keywords).model),
        ("song model", lambda: SongReader(config.song.model, manifest, runtime).model),
        ("score model", lambda: ScoreReader(config.score.model, manifest, runtime).model),
        ("composing model", lambda: load_source(config).model),
        ("judging model", lambda: load_judge(config).model),
    ]
    if config.fusion.kind != "average":
        name = f"fusion_{config.fusion.kind}"
        parts.append(("fusion model", lambda: BothReader(name, manifest, runtime).model))
    if config.asr.kind != "off":
        parts.append(("speech to text", lambda: getattr(open_transcriber(config.asr), "name", "off")))
    return parts
