"""What lies in a music folder."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from robotd.errors import LibraryError

if TYPE_CHECKING:
    from collections.abc import Iterator

#: What libsndfile or FFmpeg can read, by its ending.
ENDINGS = frozenset(
    (
        *(".aac", ".ac3", ".aif", ".aifc", ".aiff", ".ape", ".au", ".caf", ".dsf", ".flac", ".m4a", ".m4b", ".mka"),
        *(".mp2", ".mp3", ".mpc", ".oga", ".ogg", ".opus", ".tta", ".wav", ".wma", ".wv"),
    )
)
LYRICS_ENDING = ".lrc"


@dataclass(frozen=True, slots=True)
class Stamp:
    """What changes when a file, or the lyrics beside it, is changed: bytes and the newest time of change, together."""

    size: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A folder or file that can't be looked into."""

    path: Path
    reason: str


def walk(folder: Path) -> Iterator[tuple[Path, Stamp] | Unreadable]:
    """Give the music files below a folder, by their names; hidden ones and links to folders are passed over.

    Raises:
        LibraryError: the folder itself can't be looked into.
    """
    folder = Path(os.path.abspath(folder))  # noqa: PTH100 - a link stays a link, so that a file keeps its name
    try:
        with os.scandir(folder):
            pass
    except OSError as error:
        raise LibraryError(f"can't look into the folder {folder}: {error.strerror}") from error
    yield from _walk(folder)


def _walk(folder: Path) -> Iterator[tuple[Path, Stamp] | Unreadable]:
    try:
        with os.scandir(folder) as found:
            entries = sorted((entry for entry in found if not entry.name.startswith(".")), key=lambda entry: entry.name)
    except OSError as error:
        yield Unreadable(folder, error.strerror or str(error))
        return
    lyrics = {Path(entry.name).stem: entry for entry in entries if _ending(entry.name) == LYRICS_ENDING}
    for entry in entries:
        path = folder / entry.name
        try:
            if entry.is_dir(follow_symlinks=False):
                yield from _walk(path)
            elif _ending(entry.name) in ENDINGS and entry.is_file():
                parts = [one.stat() for one in (entry, lyrics.get(path.stem)) if one is not None]
                yield path, Stamp(sum(part.st_size for part in parts), max(part.st_mtime_ns for part in parts))
        except OSError as error:
            yield Unreadable(path, error.strerror or str(error))


def _ending(name: str) -> str:
    return Path(name).suffix.lower()
