"""The words of a song: beside it as .lrc, or in its tags. They are read and forgotten; only figures are kept."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from robotd.music.scan.walk import LYRICS_ENDING

if TYPE_CHECKING:
    from pathlib import Path

#: `[00:12.34]` before a line, `<00:12.34>` before a word, `[ar:Artist]` alone on a line, `[Chorus]`.
_MARKS = re.compile(r"\[[^\]\n]*\]|<\d+:\d+(?:[.:]\d+)?>")
_LARGEST = 200_000


def lyrics_beside(path: Path) -> str:
    """Return the text of the .lrc file beside a song, empty if there is none that can be read."""
    try:
        beside = next(
            (
                other
                for other in (path.with_suffix(LYRICS_ENDING), path.with_suffix(LYRICS_ENDING.upper()))
                if other.is_file()
            ),
            None,
        )
        if beside is None:
            return ""
        with beside.open("rb") as file:
            content = file.read(_LARGEST)
    except OSError:
        return ""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        # Older files are in the Windows letters of their time.
        return content.decode("cp1252", "replace")


def plain_lyrics(text: str) -> str:
    """Return lyrics without times, headings and empty lines."""
    lines = (_MARKS.sub(" ", line).split() for line in text.splitlines())
    return "\n".join(" ".join(line) for line in lines if line)
