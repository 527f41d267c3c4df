from __future__ import annotations

import sqlite3
import threading
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from robotd.errors import LibraryError
from robotd.music import album
from robotd.music.library import Library
from robotd.music.library.files import Files, State
from robotd.music.library.schema import APPLICATION_ID, MIGRATIONS
from tests.music.library.entries import entry

if TYPE_CHECKING:
    from pathlib import Path

EIGHT, SEVEN, NINE = (tuple(n + i / 10 for i in range(n)) for n in (8, 7, 9))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "library.db"


def test_a_new_library_holds_the_album(path: Path) -> None:
    with Library(path) as library:
        songs = library.songs()
    assert [song.title for song in songs] == [piece.title for piece in album.pieces()]
    assert all(song.uri.startswith("file:///") and song.source == "album" for song in songs)


def test_the_album_is_found_again_after_the_installation_has_moved(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Library(path) as library:
        before = library.songs()
    monkeypatch.setattr(album, "FOLDER", tmp_path / "elsewhere")
    with Library(path) as library:
        after = library.songs()
    assert [song.id for song in after] == [song.id for song in before]
    assert all(song.uri.startswith((tmp_path / "elsewhere").as_uri()) for song in after)


def test_all_that_is_known_of_a_song_comes_back(path: Path) -> None:
    known: dict[str, Any] = {
        "album": "B",
        "year": 1999,
        "genre": "jazz",
        "language": "en",
        "explicit": False,
        "duration_s": 61.5,
        "tempo_bpm": 120.25,
        "key": "C major",
        "moods": EIGHT,
        "mid_level": SEVEN,
        "gems": NINE,
        "lyrics_emotions": EIGHT,
        "keywords": (("rain", 0.75), ("home", 0.25)),
    }
    with Library(path) as library:
        assert library.put([entry(**known, curve=np.array([[0.5, -0.25], [1, -1]], np.float32))], "scan") == (1, 0)
        (song,) = library.search("One")
        curve = library.curve(song.id)
    for name, value in known.items():
        assert getattr(song, name) == (pytest.approx(value, rel=1e-6) if value in {EIGHT, SEVEN, NINE} else value), name
    assert curve is not None
    assert curve.tolist() == [[0.5, -0.25], [1.0, -1.0]]


def test_what_is_not_known_comes_back_as_unknown(path: Path) -> None:
    with Library(path) as library:
        library.put([entry()], "list.csv")
        (song,) = library.search("One")
        assert library.curve(song.id) is None
    assert (song.album, song.year, song.explicit, song.moods, song.keywords) == ("", None, None, None, ())


def test_putting_a_song_again_keeps_its_id(path: Path) -> None:
    with Library(path) as library:
        library.put([entry()], "list.csv")
        (first,) = library.search("One")
        result = library.put([entry("One (remix)", valence=0.5), entry("Two", "x:2")], "list.csv")
        second = library.song(first.id)
    assert result == (1, 1)
    assert (second.title, second.valence) == ("One (remix)", 0.5)


def test_to_amend_a_song_keeps_what_the_new_entry_does_not_tell(path: Path) -> None:
    with Library(path) as library:
        library.put([entry(album="B", moods=EIGHT, keywords=(("rain", 0.5),))], "scan")
        library.put([entry(valence=0.5, year=1999)], "list.csv", amend=True)
        (amended,) = library.search("One")
        library.put([entry(valence=0.5)], "scan")
        (replaced,) = library.search("One")
    assert (amended.album, amended.year, amended.valence, amended.keywords) == ("B", 1999, 0.5, (("rain", 0.5),))
    assert amended.moods is not None
    assert (replaced.album, replaced.year, replaced.moods, replaced.keywords) == ("", None, None, ())


def test_all_of_a_list_is_put_or_nothing(path: Path) -> None:
    with Library(path) as library:
        with pytest.raises(LibraryError, match="CHECK constraint"):
            library.put([entry(), entry("Two", "x:2", valence=1.5)], "list.csv")
        assert library.search("One") == ()
        assert library.put([entry()], "list.csv") == (1, 0)


def test_a_known_song_keeps_its_source_when_it_is_amended(path: Path) -> None:
    with Library(path) as library:
        library.put([entry()], "scan")
        library.put([entry(), entry("Two", "x:2"), entry("Three", "x:3")], "b.csv", amend=True, sources={"x:3": "c"})
        songs = library.songs()[-3:]
    assert [(song.title, song.source) for song in songs] == [("One", "scan"), ("Two", "b.csv"), ("Three", "c")]


def test_words_that_no_song_has_any_more_are_forgotten(path: Path) -> None:
    def words() -> tuple[str, ...]:
        return library.table().words

    def heard(*words: str, uri: str = "file:///1") -> int:
        song = entry(uri=uri, keywords=tuple((word, 0.5) for word in words))
        return files.put(song, State(1, 1, b"", "us"))

    with Library(path) as library:
        files = Files(library)
        first = heard("rain", "home")
        second = heard("rain", "sea", uri="file:///2")
        heard("home")
        assert words() == ("rain", "home", "sea")
        files.move(first, "file:///2", 1, 1)
        assert words() == ("home",)
        library.put([entry(uri="file:///2", keywords=(("storm", 0.5),))], "a.csv", amend=True)
        assert words() == ("storm",)
        files.remove([first, second])
        assert words() == ()


def test_an_unknown_song_is_told(path: Path) -> None:
    with Library(path) as library:
        with pytest.raises(LibraryError, match=r"no song 999 in the library .*library list"):
            library.song(999)
        with pytest.raises(LibraryError, match="no song 999"):
            library.remove(999)


def test_the_id_of_a_removed_song_is_never_given_again(path: Path) -> None:
    with Library(path) as library:
        library.put([entry()], "a")
        (first,) = library.search("One")
        library.remove(first.id)
    with Library(path) as library:
        library.put([entry("Two", "x:2"), entry("Three", "x:3")], "a")
        assert [song.id for song in library.songs() if song.source == "a"] == [first.id + 1, first.id + 2]


def test_a_removed_song_takes_its_words_along(path: Path) -> None:
    with Library(path) as library:
        library.put(
            [entry(keywords=(("rain", 0.5), ("home", 0.5))), entry("Two", "x:2", keywords=(("home", 1.0),))], "a"
        )
        (song,) = library.search("One")
        library.remove(song.id)
        assert library.table().words == ("home",)


def test_the_songs_of_a_source_are_removed_together_and_an_unknown_source_is_told(path: Path) -> None:
    with Library(path) as library:
        library.put([entry(), entry("Two", "x:2")], "a.csv")
        library.put([entry("Three", "x:3")], "b.csv")
        assert library.remove_source("a.csv") == 2
        with pytest.raises(LibraryError, match=r"no songs of the source 'a\.csv'; there are: album, b\.csv"):
            library.remove_source("a.csv")
        assert library.search("Three")


def test_a_library_may_be_emptied_and_stays_so(path: Path) -> None:
    with Library(path) as library:
        library.remove_source("album")
    with Library(path) as library:
        assert library.songs() == ()
        assert len(library.table()) == 0


def test_songs_near_a_point_come_nearest_first(path: Path) -> None:
    with Library(path) as library:
        library.remove_source("album")
        library.put([entry(f"{v}", f"x:{v}", valence=v / 10, arousal=-v / 10) for v in range(10)], "a")
        found = library.search(near=(0.52, -0.52), limit=3)
    assert [song.title for song in found] == ["5", "6", "4"]


def test_the_version_changes_with_our_songs_and_with_other_connections(path: Path) -> None:
    with Library(path) as ours, Library(path) as theirs:
        first = ours.version
        ours.put([entry()], "a")
        second = ours.version
        theirs.put([entry("Two", "x:2")], "a")
        assert len({first, second, ours.version}) == 3


def test_threads_may_share_a_library(path: Path) -> None:
    songs = [entry(f"Song {i}", f"x:{i}") for i in range(200)]
    with Library(path) as library:
        threads = [threading.Thread(target=library.put, args=(songs, "a")) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(library.songs()) == 212


def test_a_closed_library_says_so(path: Path) -> None:
    library = Library(path)
    with pytest.raises(LibraryError, match="closed"):
        library.songs()


def test_a_library_of_the_first_schema_keeps_its_songs_and_ids(path: Path) -> None:
    database = sqlite3.connect(path)
    database.executescript(MIGRATIONS[0])
    database.execute(
        "INSERT INTO songs VALUES (7, 'Ärger', 'Änne', 'x:7', 0.25, -0.5, 'old', 1), (9, 'B', '', 'x:9', 0, 0, 'o', 1)"
    )
    database.execute("INSERT INTO feedback VALUES (1, 'r', 7, 'like', NULL, 2.0)")
    database.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    database.execute("PRAGMA user_version = 1")
    database.commit()
    database.close()
    with Library(path) as library:
        songs = library.songs()
        assert [song.id for song in library.search("arger")] == [7]
        with library.reading() as connection:
            assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    assert [(song.id, song.title, song.valence, song.source) for song in songs] == [
        (7, "Ärger", 0.25, "old"),
        (9, "B", 0.0, "o"),
    ]
    with Library(path) as library:
        assert len(library.songs()) == 2
