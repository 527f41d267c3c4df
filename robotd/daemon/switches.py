"""What can be switched at run time, and is kept over a restart."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from robotd.paths import state_directory

if TYPE_CHECKING:
    from pathlib import Path

log = logging.getLogger(__name__)

Mode = Literal["off", "recommend", "compose", "both"]
Axis = Annotated[float, Field(ge=-1, le=1, allow_inf_nan=False)]


class Switches(BaseModel):
    """The switches as they stand."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    #: None: as configured, never switched.
    mode: Mode | None = None
    microphone_muted: bool = False
    camera_muted: bool = False
    music_muted: bool = False
    #: Valence and arousal set by hand in place of what is felt.
    mood: tuple[Axis, Axis] | None = None


def load_switches() -> Switches:
    """Return the switches as they were left."""
    path = _path()
    try:
        return Switches.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return Switches()
    except (OSError, ValidationError) as error:
        reason = str(error).splitlines()[0]
        log.error("%s can't be read (%s): NOTHING IS MUTED; switch again what should be", path, reason)
        return Switches()


def save_switches(switches: Switches) -> None:
    """Keep the switches; a disk that can't be written costs only the memory of them."""
    path = _path()
    try:
        part = path.with_suffix(".part")
        with part.open("wb") as file:
            file.write(switches.model_dump_json().encode())
            # A muted microphone must not come back by a power cut.
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        log.warning("%s can't be written (%s); the switches will not survive a restart", path, error)


def _path() -> Path:
    return state_directory() / "switches.json"
