"""Catalogues for the tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

HEADER = "title,artist,uri,valence,arousal\n"


def csv(folder: Path, rows: str, header: str = HEADER) -> Path:
    """Write a catalogue."""
    file = folder / "songs.csv"
    file.write_text(header + rows, encoding="utf-8")
    return file
