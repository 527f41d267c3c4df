from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from robotd.errors import LibraryError
from robotd.music.library import Library, search
from tests.music.library.entries import entry

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SONGS = (("Café del Mar", "Energy 52"), ("Delta 100% Blue", "Mara"), ("Blue", "Éric_B"), ("Marching", "Bluebells"))


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with Library(tmp_path / "library.db") as opened:
        opened.remove_source("album")
        opened.put([entry(title, f"x:{title}", artist=artist) for title, artist in SONGS], "a")
        yield opened


def titles(library: Library, text: str) -> list[str]:
    return [song.title for song in library.search(text)]


def test_words_are_found_by_their_beginnings_in_title_or_artist_without_accents_or_capitals(library: Library) -> None:
    assert titles(library, "cafe") == ["Café del Mar"]
    assert titles(library, "DEL mar") == ["Café del Mar", "Delta 100% Blue"]
    assert titles(library, "blue") == ["Delta 100% Blue", "Blue", "Marching"]
    assert titles(library, "eric blue") == ["Blue"]
    assert titles(library, "lue") == []
    assert titles(library, "  ") == [title for title, _ in SONGS]


def test_a_title_of_signs_is_found_by_them(library: Library) -> None:
    library.put([entry("🌧", "x:rain", artist="&"), entry("100 %", "x:100", artist="")], "a")
    assert titles(library, "🌧") == ["🌧"]
    assert titles(library, "& 🌧") == ["🌧"]
    assert titles(library, "%") == ["Delta 100% Blue", "100 %"]
    assert titles(library, "blue &") == ["Delta 100% Blue", "Blue", "Marching"]


def test_the_index_follows_the_songs(library: Library) -> None:
    library.put([entry("Green", "x:Blue", artist="Éric_B")], "a")
    assert titles(library, "green") == ["Green"]
    assert titles(library, "eric blue") == []
    (song,) = library.search("green")
    library.remove(song.id)
    assert titles(library, "green") == []


@given(text=st.text(max_size=20))
def test_no_text_breaks_the_search(text: str) -> None:
    where, values = search.condition(text, indexed=True)
    assert len(values) == where.count("?")


@pytest.mark.parametrize(
    "text", ['"', "a OR b", "title:x", "NEAR(a)", "-", "*", "(", "^a", "'; DROP TABLE songs; --", "\\"]
)
def test_signs_of_a_query_language_are_only_signs(library: Library, text: str) -> None:
    library.search(text)
    assert len(library.songs()) == len(SONGS)


def test_without_fts5_songs_are_searched_word_by_word(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "has_fts5", lambda _database: False)
    with Library(tmp_path / "library.db") as library:
        library.put([entry(title, f"x:{title}", artist=artist) for title, artist in SONGS], "a")
        assert titles(library, "blue b") == ["Delta 100% Blue", "Blue", "Marching"]
        assert titles(library, "100% del") == ["Delta 100% Blue"]
        assert titles(library, "c_b") == ["Blue"]
    monkeypatch.undo()
    with Library(tmp_path / "library.db") as library:
        assert titles(library, "cafe") == ["Café del Mar"]


def test_a_library_with_an_index_needs_fts5_and_says_so(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "has_fts5", lambda _database: False)
    with pytest.raises(LibraryError, match=r"needs an SQLite with FTS5"), Library(library.path):
        pass
