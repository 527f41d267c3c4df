"""The song library: songs with all that is known of them, and what listeners thought of them, in SQLite."""

from __future__ import annotations

from robotd.music.library.library import ALBUM, FeedbackKind, Library
from robotd.music.song import Entry, Song

__all__ = ["ALBUM", "Entry", "FeedbackKind", "Library", "Song"]
