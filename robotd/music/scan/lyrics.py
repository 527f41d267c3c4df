"""The words of a song: beside it as .lrc, or in its tags. They are read and forgotten; only figures are kept."""

from __future__ import annotations

import codecs
import re
from typing import TYPE_CHECKING

from robotd.music.scan.walk import lyrics_among

if TYPE_CHECKING:
    from pathlib import Path

#: `[00:12.34]` before a line, `<00:12.34>` before a word, `[ar:Artist]` alone on a line, `[Chorus]`.
_MARKS = re.compile(r"\[[^\]\n]*\]|<\d+:\d+(?:[.:]\d+)?>")
_LARGEST = 200_000
#: Times, spaces and Latin letters have a zero each in UTF-16, all on the same side: at least such a share of the bytes.
_ZEROS = 0.05


def lyrics_beside(path: Path) -> str:
    """Return the text of the .lrc file beside a song, empty if there is none.

    Raises:
        OSError: it can't be read.
    """
    beside = beside_of(path)
    if beside is None:
        return ""
    with beside.open("rb") as file:
        return _decoded(file.read(_LARGEST))


def beside_of(path: Path) -> Path | None:
    """Return the .lrc file of a song, None if it has none.

    Raises:
        OSError: the folder can't be looked into.
    """
    name = lyrics_among(other.name for other in path.parent.iterdir()).get(path.stem)
    return None if name is None else path.with_name(name)


def _decoded(content: bytes) -> str:
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16", "replace")
    high_zeros, low_zeros = content[::2].count(0), content[1::2].count(0)
    if abs(high_zeros - low_zeros) > _ZEROS * len(content):
        return content.decode("utf-16-be" if high_zeros > low_zeros else "utf-16-le", "replace")
    try:
        # A letter that the limit cuts in two is left out.
        return codecs.getincrementaldecoder("utf-8-sig")().decode(content, len(content) < _LARGEST)
    except UnicodeDecodeError:
        # Older files are in the Windows letters of their time.
        return content.decode("cp1252", "replace")


def plain_lyrics(text: str) -> str:
    """Return lyrics without times, headings and empty lines."""
    lines = (_MARKS.sub(" ", line).split() for line in text.splitlines())
    return "\n".join(" ".join(line) for line in lines if line)
