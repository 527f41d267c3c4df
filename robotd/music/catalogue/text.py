"""A CSV file row by row; a row that can't be read doesn't hide the others."""

from __future__ import annotations

import csv
import gzip
import re
import zlib
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from robotd.errors import LibraryError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_GZIP_MAGIC = b"\x1f\x8b"


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that could not be used.

    Attributes:
        line: where it ends in the file, counted from 1.
        reason: what is wrong with it.
    """

    line: int
    reason: str


class Rows:
    """The rows of an open CSV file: each a dictionary by column, or why it can't be read.

    Attributes:
        names: the columns, in small letters, blanks and hyphens made underscores.
        line: where the row that was read last ends.
    """

    def __init__(self, file: IO[str]) -> None:
        self._reader = csv.reader(file)
        first = next(self._reader, [])
        if any(not _is_text(name) for name in first):
            raise csv.Error("it is not UTF-8 text")
        self.names = tuple(re.sub(r"[\s-]+", "_", name.strip().lower()) for name in first)

    @property
    def line(self) -> int:
        """Where the row that was read last ends, counted from 1."""
        return self._reader.line_num

    def __iter__(self) -> Iterator[dict[str, str] | Rejected]:
        while True:
            try:
                cells = next(self._reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield Rejected(self.line, f"is no CSV: {error}")
                continue
            if not cells:
                continue
            if len(cells) > len(self.names):
                yield Rejected(self.line, f"has {len(cells)} cells, but there are {len(self.names)} columns")
            elif not all(map(_is_text, cells)):
                yield Rejected(self.line, "is not UTF-8 text")
            else:
                cells += [""] * (len(self.names) - len(cells))
                yield dict(zip(self.names, cells, strict=True))


def _is_text(cell: str) -> bool:
    return cell.isascii() or not any("\udc80" <= letter <= "\udcff" for letter in cell)


@contextmanager
def open_rows(path: Path) -> Iterator[Rows]:
    """Open a CSV file in UTF-8, packed by gzip or not.

    Raises:
        LibraryError: it can't be read.
    """
    try:
        with path.open("rb") as raw:
            packed = raw.read(2) == _GZIP_MAGIC
        # Bytes that are no UTF-8 come as lone surrogates, so that only their row is lost.
        text = {"encoding": "utf-8-sig", "errors": "surrogateescape", "newline": ""}
        with gzip.open(path, "rt", **text) if packed else path.open("r", **text) as file:  # type: ignore[call-overload]
            yield Rows(file)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise LibraryError(f"{path} is damaged: {error}") from error
    except OSError as error:
        raise LibraryError(f"can't read {path}: {error.strerror or error}") from error
    except csv.Error as error:
        raise LibraryError(f"{path} is no CSV file: {error}") from error
