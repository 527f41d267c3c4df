"""Where robotd keeps things: shipped data, and the state that survives a restart."""

from __future__ import annotations

import os
from pathlib import Path

from robotd.errors import ConfigError

PACKAGE = Path(__file__).resolve().parent


def shipped(name: str) -> Path:
    """Return a file or folder that travels with robotd: inside the installed package, or in the checkout."""
    inside = PACKAGE / name
    return inside if inside.exists() else PACKAGE.parent / name


def library_path() -> Path:
    """Return where the song library lies."""
    return state_directory() / "library.sqlite3"


def state_directory() -> Path:
    """Return (and make) the folder for library, feedback and switches.

    `$STATE_DIRECTORY` when a service manager sets it, else `robotd` in the XDG data home.

    Raises:
        ConfigError: it can't be made.
    """
    given = os.environ.get("STATE_DIRECTORY", "").split(":")[0]
    # os.path.expanduser bears a process without a home, such as a service.
    home = os.environ.get("XDG_DATA_HOME") or os.path.expanduser("~/.local/share")  # noqa: PTH111
    folder = Path(given) if given else Path(home) / "robotd"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(
            f"the folder for robotd's state, {folder}, can't be made ({error.strerror}); "
            "name another in XDG_DATA_HOME or STATE_DIRECTORY"
        ) from error
    return folder
