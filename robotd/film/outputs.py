"""The files of a score: their names, and how each is written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from robotd.errors import MediaError

if TYPE_CHECKING:
    from collections.abc import Iterator

TIMELINE, PICTURE, MUSIC, SOUND = "timeline.json", "timeline.png", "score.mid", "score.wav"
#: The film with its music; the ending is that of its container.
FILM = "scored"


def prepare(folder: Path, film: Path, *, film_too: bool) -> None:
    """Make the folder that the files go to, before anything takes long.

    Args:
        folder: where to.
        film: the person's own file, which must never be written over.
        film_too: whether a film with its music is to be written there.

    Raises:
        MediaError: nothing can be written there, or the film would be written over.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MediaError(f"{folder}: this folder can't be made ({error.strerror})") from error
    try:
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".score."):
            pass
    except OSError as error:
        raise MediaError(f"{folder}: nothing can be written there ({error.strerror}); name another with -o") from error
    own = [TIMELINE, PICTURE, MUSIC, SOUND]
    if film.parent.resolve() == folder.resolve() and (film.name in own or (film_too and film.stem == FILM)):
        raise MediaError(f"{film}: would be written over by its own score; name another folder with -o")
    for name in own:
        if (folder / name).is_dir():
            raise MediaError(f"{folder / name}: is a folder where a file is to be written")


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a name to write to, beside the wanted one, whose place it takes at the end; of a failure nothing is left.

    The name has the ending of the wanted one.

    Raises:
        MediaError: it can't be written.
    """
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}.", suffix=path.suffix)
        os.close(handle)
        unfinished = Path(name)
        try:
            yield unfinished
            unfinished.chmod(0o644)
            unfinished.replace(path)
        finally:
            unfinished.unlink(missing_ok=True)
    except OSError as error:
        raise MediaError(f"can't write {path}: {error.strerror or error}") from error
