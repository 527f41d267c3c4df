from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

import pytest

from robotd.errors import LibraryError
from robotd.music.catalogue.columns import plan_import
from robotd.music.catalogue.importing import import_catalogue
from robotd.music.catalogue.writing import write_catalogue
from robotd.music.library import Library
from robotd.music.song import Facts
from tests.music.library.entries import entry

if TYPE_CHECKING:
    from pathlib import Path


def test_what_is_written_can_be_imported_again(tmp_path: Path) -> None:
    full = entry(
        'Say "hi", twice',
        album="B;C",
        valence=-0.123,
        arousal=1.0,
        year=1999,
        genre="jazz",
        language="en",
        explicit=False,
        duration_s=61.5,
        tempo_bpm=120.25,
        key="C major",
        moods=tuple(range(1, 9)),
        mid_level=tuple(range(1, 8)),
        gems=tuple(n / 10 for n in range(9)),
        lyrics_emotions=(0.125,) * 8,
        keywords=(("12:30 train", 0.75), ("home", 0.25)),
    )
    with Library(tmp_path / "a.db") as library:
        library.put([full, entry("Zwei\nZeilen", "x:2")], "scan")
        songs = library.songs()
    assert write_catalogue(tmp_path / "all.csv", songs) == 14
    with Library(tmp_path / "b.db") as library:
        library.remove_source("album")
        assert import_catalogue(library, plan_import(tmp_path / "all.csv", scale="-1..1")).rejected == []
        again = library.songs()
    assert [song.source for song in again] == ["album"] * 12 + ["scan"] * 2
    for before, after in zip(songs, again, strict=True):
        for name in (field.name for field in fields(Facts)):
            value = getattr(before, name)
            numbers = isinstance(value, float) or (isinstance(value, tuple) and name != "keywords")
            assert getattr(after, name) == (pytest.approx(value, rel=1e-5) if numbers else value), name


def test_a_place_that_can_not_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(LibraryError, match=r"can't write .*no/all\.csv: No such file"):
        write_catalogue(tmp_path / "no" / "all.csv", [])
