from __future__ import annotations

import sqlite3
import threading
from typing import TYPE_CHECKING

import pytest

from robotd.errors import LibraryError
from robotd.music import album
from robotd.music.library import Library
from robotd.music.songlist import Scale

if TYPE_CHECKING:
    from pathlib import Path

HEADER = "title,artist,uri,valence,arousal\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "library.db"


def csv(tmp_path: Path, rows: str, header: str = HEADER) -> Path:
    file = tmp_path / "songs.csv"
    file.write_text(header + rows, encoding="utf-8")
    return file


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


def test_good_rows_are_imported_and_bad_ones_are_told_with_line_and_reason(path: Path, tmp_path: Path) -> None:
    rows = (
        "One,A,x:1,0.5,-0.5\n"
        ",B,x:2,0,0\n"
        "Three,C,,0,0\n"
        "Four,D,x:4,loud,0\n"
        "Five,E,x:5,0,1.5\n"
        "Six,F,x:6,nan,0\n"
        "Seven,G\n"
        "Eight,,x:8,1,-1\n"
    )
    with Library(path) as library:
        report = library.import_csv(csv(tmp_path, rows))
        songs = {song.title: song for song in library.songs() if song.source == "songs.csv"}
    assert (report.added, report.updated) == (2, 0)
    assert [(bad.line, bad.reason) for bad in report.rejected] == [
        (3, "title is empty"),
        (4, "uri is empty"),
        (5, "valence 'loud' is no number"),
        (6, "arousal 1.5 is outside of -1..1"),
        (7, "valence nan is outside of -1..1"),
        (8, "uri is empty"),
    ]
    assert (songs["One"].valence, songs["One"].arousal) == (0.5, -0.5)
    assert songs["Eight"].artist == ""


def test_importing_again_updates_and_keeps_the_ids(path: Path, tmp_path: Path) -> None:
    with Library(path) as library:
        library.import_csv(csv(tmp_path, "One,A,x:1,0,0\n"))
        (first,) = [song for song in library.songs() if song.uri == "x:1"]
        library.add_feedback(first.id, "like")
        report = library.import_csv(csv(tmp_path, "One (remix),A,x:1,0.5,0\nTwo,A,x:2,0,0\n"))
        (second,) = [song for song in library.songs() if song.uri == "x:1"]
    assert (report.added, report.updated) == (1, 1)
    assert (second.id, second.title, second.valence) == (first.id, "One (remix)", 0.5)


@pytest.mark.parametrize(
    ("scale", "rows"),
    [
        ("-1..1", "One,A,x:1,-1,1\nTwo,A,x:2,0,0\n"),
        ("0..1", "One,A,x:1,0,1\nTwo,A,x:2,0.5,0.5\n"),
        ("0..10", "One,A,x:1,0,10\nTwo,A,x:2,5,5\n"),
        ("1..9", "One,A,x:1,1,9\nTwo,A,x:2,5,5\n"),
        ("1..5", "One,A,x:1,1,5\nTwo,A,x:2,3,3\n"),
    ],
)
def test_every_scale_is_brought_to_ours(path: Path, tmp_path: Path, scale: Scale, rows: str) -> None:
    with Library(path) as library:
        library.import_csv(csv(tmp_path, rows), scale)
        places = {song.uri: (song.valence, song.arousal) for song in library.songs()}
    assert (places["x:1"], places["x:2"]) == ((-1, 1), (0, 0))


def test_columns_may_come_in_any_order_and_case_with_a_byte_order_mark(path: Path, tmp_path: Path) -> None:
    header = "\ufeffURI, Valence,AROUSAL,Artist,Title,Year\n"
    with Library(path) as library:
        library.import_csv(csv(tmp_path, "x:1,0.1,0.2,Änne,Lied,1999\n", header))
        (song,) = [song for song in library.songs() if song.uri == "x:1"]
    assert (song.title, song.artist, song.valence, song.arousal) == ("Lied", "Änne", 0.1, 0.2)


def test_a_missing_column_a_missing_file_and_other_text_are_told(path: Path, tmp_path: Path) -> None:
    with Library(path) as library:
        with pytest.raises(LibraryError, match=r"no column uri, arousal"):
            library.import_csv(csv(tmp_path, "", "title,artist,valence\n"))
        with pytest.raises(LibraryError, match=r"no column title"):
            library.import_csv(csv(tmp_path, "", ""))
        with pytest.raises(LibraryError, match=r"can't read .*nowhere\.csv: No such file"):
            library.import_csv(tmp_path / "nowhere.csv")
        (tmp_path / "latin.csv").write_bytes(HEADER.encode() + b"\xe4,b,c,0,0\n")
        with pytest.raises(LibraryError, match=r"not UTF-8"):
            library.import_csv(tmp_path / "latin.csv")
        with pytest.raises(LibraryError, match=r"no scale '0\.\.5'"):
            library.import_csv(csv(tmp_path, ""), "0..5")  # type: ignore[arg-type] # what a person may type
        assert len(library.songs()) == 12


@pytest.mark.parametrize("content", [b"this is a diary, not a database\n" * 100, b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_damaged_file_is_named_and_left_alone(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(LibraryError, match=r"library\.db is damaged or no library.*move it away"), Library(path):
        pass
    assert path.read_bytes() == content


def test_a_library_with_a_damaged_page_is_noticed(path: Path) -> None:
    with Library(path) as library:
        assert library.songs()
    content = bytearray(path.read_bytes())
    content[4096 : 4096 + 2000] = b"\xa5" * 2000
    path.write_bytes(content)
    with pytest.raises(LibraryError, match="damaged"), Library(path):
        pass
    assert path.read_bytes() == content


def test_another_program_s_database_is_left_alone(path: Path) -> None:
    database = sqlite3.connect(path)
    database.execute("CREATE TABLE recipes (name TEXT)")
    database.commit()
    database.close()
    content = path.read_bytes()
    with pytest.raises(LibraryError, match="another program"), Library(path):
        pass
    assert path.read_bytes() == content


def test_a_library_of_the_future_is_refused(path: Path) -> None:
    with Library(path):
        pass
    database = sqlite3.connect(path)
    database.execute("PRAGMA user_version = 99")
    database.close()
    with pytest.raises(LibraryError, match="newer robotd"), Library(path):
        pass


def test_a_place_that_can_t_be_written_is_told(tmp_path: Path) -> None:
    with (
        pytest.raises(LibraryError, match=r"can't use the library .*unable to open"),
        Library(tmp_path / "no" / "such" / "folder.db"),
    ):
        pass


def test_feedback_is_stored_and_unknown_songs_are_refused(path: Path) -> None:
    with Library(path) as library:
        library.add_feedback(3, "rating", value=0.8, recommendation_id="abc")
        with pytest.raises(LibraryError, match="no song 999"):
            library.add_feedback(999, "like")
    database = sqlite3.connect(path)
    rows = database.execute("SELECT recommendation_id, song_id, kind, value FROM feedback").fetchall()
    database.close()
    assert rows == [("abc", 3, "rating", 0.8)]


def test_the_version_changes_with_our_imports_and_with_other_connections(path: Path, tmp_path: Path) -> None:
    with Library(path) as ours, Library(path) as theirs:
        first = ours.version
        assert ours.version == first
        ours.import_csv(csv(tmp_path, "One,A,x:1,0,0\n"))
        second = ours.version
        theirs.import_csv(csv(tmp_path, "Two,A,x:2,0,0\n"))
        assert len({first, second, ours.version}) == 3


def test_threads_may_share_a_library(path: Path, tmp_path: Path) -> None:
    file = csv(tmp_path, "".join(f"Song {i},A,x:{i},0,0\n" for i in range(200)))
    with Library(path) as library:
        threads = [threading.Thread(target=library.import_csv, args=(file,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(library.songs()) == 212


def test_a_closed_library_says_so(path: Path) -> None:
    library = Library(path)
    with pytest.raises(LibraryError, match="closed"):
        library.songs()
