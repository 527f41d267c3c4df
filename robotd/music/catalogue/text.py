"""A CSV file row by row; a row that can't be read doesn't hide the others."""

from __future__ import annotations

import csv
import gzip
import re
import zlib
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, zip_longest
from typing import IO, TYPE_CHECKING

from robotd.errors import LibraryError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_GZIP_MAGIC = b"\x1f\x8b"
#: The likeliest first.
_DELIMITERS = (",", ";", "\t")
_QUOTED = re.compile(r'"[^"]*"?')


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that could not be used.

    Attributes:
        line: where it begins in the file, counted from 1.
        reason: what is wrong with it.
    """

    line: int
    reason: str


class Rows:
    """The rows of an open CSV file: each a dictionary by column, or why it can't be read.

    Attributes:
        names: the columns, in small letters, blanks and hyphens made underscores.
        line: where the row that was read last begins, counted from 1.
    """

    def __init__(self, file: IO[str]) -> None:
        first = file.readline()
        self._reader = csv.reader(chain([first], file), delimiter=_delimiter(first))
        names = next(self._reader, [])
        if not all(map(_is_text, names)):
            raise csv.Error("it is not UTF-8 text")
        self.names = tuple(map(column_name, names))
        self.line = 1

    def __iter__(self) -> Iterator[dict[str, str] | Rejected]:
        while True:
            self.line = self._reader.line_num + 1
            try:
                cells = next(self._reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield Rejected(self.line, f"is no CSV: {error}")
                continue
            if not cells:
                continue
            if any(cell.strip() for cell in cells[len(self.names) :]):
                yield Rejected(self.line, f"has {len(cells)} cells, but there are {len(self.names)} columns")
            elif not all(map(_is_text, cells)):
                yield Rejected(self.line, "is not UTF-8 text")
            else:
                yield dict(zip_longest(self.names, cells[: len(self.names)], fillvalue=""))


def column_name(text: str) -> str:
    """Return the name of a column in small letters, blanks and hyphens made underscores."""
    return re.sub(r"[\s-]+", "_", text.strip().lower())


def _delimiter(first: str) -> str:
    """Return what separates the columns in the first line, quoted parts aside."""
    plain = _QUOTED.sub("", first)
    return max(_DELIMITERS, key=plain.count)


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
