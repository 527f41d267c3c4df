from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from robotd.music.library import Library, columns
from robotd.music.library.files import Files
from robotd.music.table import FEATURES
from tests.music.library.entries import entry

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with Library(tmp_path / "library.db") as opened:
        opened.remove_source("album")
        yield opened


def test_every_song_is_a_row_of_every_column(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(columns, "_PIECE", 2)
    emotions = (0.5, 0.5, 0, 0, 0, 0, 0, 0)
    library.put(
        [
            entry("a", "x:a", artist="Mara", genre="Jazz", year=1999, language="en", explicit=True, valence=0.5),
            entry("b", "x:b", artist="MARA ", genre="", keywords=(("rain", 0.25), ("home", 0.75))),
            entry("c", "x:c", artist="", genre="jazz", lyrics_emotions=emotions, keywords=(("rain", 1.0),)),
        ],
        "a",
    )
    table = library.table()
    assert [song.id for song in library.songs()] == table.ids.tolist()
    assert table.points.tolist() == [[0.5, 0.0], [0.0, 0.0], [0.0, 0.0]]
    assert table.artist[0] == table.artist[1] != table.artist[2]
    assert table.artist[2] == -1
    assert [table.genres[code] if code >= 0 else None for code in table.genre] == ["Jazz", None, "Jazz"]
    assert (table.year.tolist(), table.language.tolist(), table.explicit.tolist()) == (
        [1999, 0, 0],
        [0, -1, -1],
        [1, -1, -1],
    )
    assert np.isnan(table.lyrics[:2]).all()
    assert table.lyrics[2].tolist() == list(emotions)
    assert [table.keywords(row) for row in range(3)] == [(), (("home", 0.75), ("rain", 0.25)), (("rain", 1.0),)]


def test_features_are_standardised_and_zero_where_unknown(library: Library) -> None:
    heard = {"moods": (6.0,) * 8, "mid_level": (5.0,) * 7, "gems": (0.25,) * 9, "tempo_bpm": 110 * 2**0.4}
    library.put([entry("a", "x:a", valence=-0.4, **heard), entry("b", "x:b", arousal=0.4)], "a")
    first, second = (dict(zip(FEATURES, row, strict=True)) for row in library.table().features.tolist())
    assert first["valence"] == pytest.approx(-1)
    assert first["tempo"] == pytest.approx(1, abs=1e-5)
    assert (first["mood_tender"], first["mid_mode"], first["gems_power"]) == pytest.approx((1.0, 0.0, 0.0))
    assert (first["analysed"], second["analysed"]) == (1.0, 0.0)
    assert {name for name, value in second.items() if value} == {"arousal"}


def test_songs_whose_files_have_vanished_are_no_rows(library: Library) -> None:
    library.put([entry("a", "x:a", keywords=(("rain", 1.0),)), entry("b", "x:b", keywords=(("home", 1.0),))], "a")
    (first, second) = library.songs()
    Files(library).set_missing([first.id], missing=True)
    table = library.table()
    assert table.ids.tolist() == [second.id]
    assert table.keywords(0) == (("home", 1.0),)
    assert [song.id for song in library.songs()] == [second.id]
    assert library.count() == 1
    assert [song.missing for song in library.search(missing=True)] == [True, False]


def test_an_empty_library_is_an_empty_table(library: Library) -> None:
    table = library.table()
    assert (len(table), table.features.shape, table.words) == (0, (0, len(FEATURES)), ())
