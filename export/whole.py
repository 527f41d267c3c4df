"""Files that are written whole or not at all."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import ExportError

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def whole(target: Path) -> Iterator[Path]:
    """Give a path to write to; it takes the place of the target when the block ends without an error.

    It lies in a folder of its own beside the target, so that the last step is a rename on the same disk.

    Raises:
        ExportError: the folder can't be written.
    """
    if target.is_dir():
        raise ExportError(f"{target}: is a folder; name a file")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        beside = tempfile.TemporaryDirectory(prefix=".writing-", dir=target.parent)
    except OSError as error:
        raise ExportError(f"{target}: can't be written ({error.strerror})") from error
    with beside as folder:
        part = Path(folder) / target.name
        yield part
        try:
            part.replace(target)
        except OSError as error:
            raise ExportError(f"{target}: can't be written ({error.strerror})") from error
