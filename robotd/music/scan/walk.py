"""What lies in a music folder."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from robotd.errors import LibraryError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

#: What libsndfile or FFmpeg can read, by its ending.
ENDINGS = frozenset(
    (
        *(".aac", ".ac3", ".aif", ".aifc", ".aiff", ".ape", ".au", ".caf", ".dsf", ".flac", ".m4a", ".m4b", ".mka"),
        *(".mp2", ".mp3", ".mpc", ".oga", ".ogg", ".opus", ".tta", ".wav", ".wma", ".wv"),
    )
)
_LYRICS_ENDING = ".lrc"


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
    """Give the music files below a folder, by their names; links to folders and what is hidden are passed over.

    Hidden is what begins with a dot, but not with several: "...And Justice for All" is music.

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


def lyrics_among(names: Iterable[str]) -> dict[str, str]:
    """Return which of a folder's files are lyrics, by the name that their song has without its ending."""
    # Of several the one in small letters is last, and taken.
    return {Path(name).stem: name for name in sorted(names) if _ending(name) == _LYRICS_ENDING}


def _walk(folder: Path) -> Iterator[tuple[Path, Stamp] | Unreadable]:
    # No recursion: folders may lie deeper in one another than Python would go.
    open_folders = [_look_into(folder)]
    while open_folders:
        one = next(open_folders[-1], None)
        if one is None:
            open_folders.pop()
        elif isinstance(one, Path):
            open_folders.append(_look_into(one))
        else:
            yield one


def _look_into(folder: Path) -> Iterator[tuple[Path, Stamp] | Unreadable | Path]:
    """Give what lies in a folder itself; folders as their paths."""
    try:
        with os.scandir(folder) as found:
            entries = sorted((entry for entry in found if not _hidden(entry.name)), key=lambda entry: entry.name)
    except OSError as error:
        yield Unreadable(folder, error.strerror or str(error))
        return
    lyrics = lyrics_among(entry.name for entry in entries)
    for entry in entries:
        path = folder / entry.name
        try:
            if entry.is_dir(follow_symlinks=False):
                yield path
            elif _ending(entry.name) in ENDINGS and stat.S_ISREG((song := entry.stat()).st_mode):
                yield path, _stamp(song, folder / lyrics[path.stem] if path.stem in lyrics else None)
        except OSError as error:
            nowhere = entry.is_symlink() and isinstance(error, FileNotFoundError)
            yield Unreadable(path, "is a link to a file that is not there" if nowhere else error.strerror or str(error))


def _stamp(song: os.stat_result, lyrics: Path | None) -> Stamp:
    parts = [song]
    if lyrics is not None:
        # That lyrics can't be read is told when they are to be.
        with suppress(OSError):
            parts.append(lyrics.stat())
    return Stamp(sum(part.st_size for part in parts), max(part.st_mtime_ns for part in parts))


def _hidden(name: str) -> bool:
    return name.startswith(".") and not name.startswith("..")


def _ending(name: str) -> str:
    return Path(name).suffix.lower()
