"""`robotd check`: is the configuration right, and are the models?"""

from __future__ import annotations

from typing import Annotated

import typer
import yaml

from robotd.cli.options import ConfigPath, Overrides, config_in_use, configuration
from robotd.configfile import masked
from robotd.errors import ModelError


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
    from robotd.music.compose.opening import load_judge, load_source
    from robotd.perceive.face import FaceReader
    from robotd.perceive.manifest import load_manifest
    from robotd.perceive.voice import VoiceReader

    manifest = load_manifest()
    wrong = 0
    for what, open_reader in (
        ("face", lambda: FaceReader(settings.face, manifest, settings.runtime)),
        ("voice", lambda: VoiceReader(settings.voice.chosen, manifest, settings.runtime)),
        ("composing", lambda: load_source(settings)),
        ("judging", lambda: load_judge(settings)),
    ):
        try:
            typer.echo(f"{what} model: {open_reader().model}: ok")
        except ModelError as error:
            wrong += 1
            typer.echo(f"{what} model: {error}", err=True)
    raise typer.Exit(1 if wrong else 0)
