"""Options that several commands share."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from robotd.configfile import load

if TYPE_CHECKING:
    from robotd.config import Config

#: Looked for in this order where `--config` is not given; with none of them the built-in defaults hold.
PLACES = ("config.yaml", "~/.config/robotd/config.yaml", "/etc/robotd/config.yaml")

ConfigPath = Annotated[
    Path | None,
    typer.Option("--config", "-c", help="Configuration file.", show_default="the first that exists", metavar="FILE"),
]
Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", "-s", help="Override one key, for instance `mqtt.host=broker`.", metavar="KEY=VALUE"),
]


def configuration(path: Path | None, overrides: list[str] | None) -> Config:
    """Return the configuration that a command is to use.

    Raises:
        ConfigError: it has mistakes.
    """
    return load(path or config_in_use(), overrides or ())


def config_in_use() -> Path | None:
    """Return the configuration file that is used where none is given, None for the defaults alone."""
    # os.path.expanduser bears a process without a home, such as a service.
    places = (Path(os.path.expanduser(place)) for place in PLACES)  # noqa: PTH111
    return next((place for place in places if os.access(place, os.R_OK) and place.is_file()), None)


def set_up_logging(level: str) -> None:
    """Log to standard error; under a service manager the journal adds the times itself."""
    under_systemd = "JOURNAL_STREAM" in os.environ
    form = "%(levelname)s %(name)s: %(message)s" if under_systemd else "%(asctime)s %(levelname)-7s %(message)s"
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format=form, datefmt="%H:%M:%S")
    logging.getLogger("robotd").setLevel(level.upper())
