"""What can be switched at run time, and is kept over a restart."""

from __future__ import annotations

import json
import logging
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Literal

from robotd.paths import state_directory

if TYPE_CHECKING:
    from pathlib import Path

log = logging.getLogger(__name__)

Mode = Literal["off", "recommend", "compose", "both"]
MODES: tuple[Mode, ...] = ("off", "recommend", "compose", "both")


@dataclass(frozen=True, slots=True)
class Switches:
    """The switches as they stand."""

    mode: Mode = "both"
    microphone_muted: bool = False
    camera_muted: bool = False
    music_muted: bool = False


def load_switches(mode: Mode) -> Switches:
    """Return the switches as they were left, or with the configured mode where they never were touched."""
    path = _path()
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        return replace(Switches(mode=mode), **kept)
    except FileNotFoundError:
        return Switches(mode=mode)
    except (OSError, ValueError, TypeError) as error:
        log.warning("%s can't be read (%s); the switches are at their defaults", path, error)
        return Switches(mode=mode)


def save_switches(switches: Switches) -> None:
    """Keep the switches; a disk that can't be written costs only the memory of them."""
    path = _path()
    try:
        part = path.with_suffix(".part")
        part.write_text(json.dumps(asdict(switches)), encoding="utf-8")
        part.replace(path)
    except OSError as error:
        log.warning("%s can't be written (%s); the switches will not survive a restart", path, error)


def _path() -> Path:
    return state_directory() / "switches.json"
