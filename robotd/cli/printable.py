"""Texts of others, such as titles and names of files, made fit for a terminal."""

from __future__ import annotations

import re

# Signs that steer a terminal or break a line, such as turn the direction of writing, and halves of letters, which bytes
# of a file's name become that are no UTF-8.
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def printable(text: str) -> str:
    """Return a text with question marks for what would do something to a terminal."""
    return _UNPRINTABLE.sub("?", text)
