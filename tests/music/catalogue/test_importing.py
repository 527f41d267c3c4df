from __future__ import annotations

import csv as csv_module
import gzip
from pathlib import Path
from typing import Any

import pytest

from robotd.errors import LibraryError
from robotd.music.catalogue import importing
from robotd.music.catalogue.columns import plan_import
from robotd.music.catalogue.importing import Imported, import_catalogue
from robotd.music.library import Library, Song
from tests.music.catalogue.files import HEADER, csv
from tests.music.library.entries import entry

SHARED = Path("../shared/data/music")


def imported(folder: Path, file: Path, scale: str | None = "-1..1") -> tuple[Imported, dict[str, Song]]:
    with Library(folder / "library.db") as library:
        result = import_catalogue(library, plan_import(file, scale=scale))
        return result, {song.uri: song for song in library.songs() if song.source != "album"}


def test_good_rows_are_imported_and_bad_ones_are_told_with_line_and_reason(tmp_path: Path) -> None:
    rows = (
        "One,A,x:1,0.5,-0.5\n"
        ",B,x:2,0,0\n"
        "Three,C,,0,0\n"
        "Four,D,x:4,loud,0\n"
        "\n"
        "Five,E,x:5,0,1.5\n"
        "Six,F,x:6,nan,0\n"
        "Seven,G\n"
        "Eight,,x:8,1,-1\n"
        "Nine,H,x:9,0,0,0,0\n"
        '"Ten\nlines",I,x:10,0,0\n'
        "Eleven,J,x:11,0,?\n"
    )
    report, songs = imported(tmp_path, csv(tmp_path, rows))
    assert (report.added, report.updated) == (3, 0)
    assert [(bad.line, bad.reason) for bad in report.rejected] == [
        (3, "title is empty"),
        (4, "uri is empty"),
        (5, "valence 'loud' is no number"),
        (7, "arousal 1.5 is outside of -1..1"),
        (8, "valence nan is outside of -1..1"),
        (9, "uri is empty"),
        (11, "has 7 cells, but there are 5 columns"),
        (14, "arousal '?' is no number"),
    ]
    assert (songs["x:1"].valence, songs["x:1"].arousal) == (0.5, -0.5)
    assert songs["x:8"].artist == ""


def test_a_row_in_another_encoding_is_one_bad_row(tmp_path: Path) -> None:
    file = tmp_path / "latin.csv"
    file.write_bytes(HEADER.encode() + b"\xe4,b,x:1,0,0\nOne,A,x:2,0,0\n")
    report, songs = imported(tmp_path, file)
    assert [(bad.line, bad.reason) for bad in report.rejected] == [(2, "is not UTF-8 text")]
    assert set(songs) == {"x:2"}


def test_columns_may_come_in_any_order_and_case_with_a_byte_order_mark_and_packed(tmp_path: Path) -> None:
    file = tmp_path / "songs.csv.gz"
    file.write_bytes(
        gzip.compress("\ufeffURI, Valence,AROUSAL,Artist,Title,Year\nx:1,0.1,0.2,Änne,Lied,1999\n".encode())
    )
    _, songs = imported(tmp_path, file)
    song = songs["x:1"]
    assert (song.title, song.artist, song.valence, song.arousal, song.year) == ("Lied", "Änne", 0.1, 0.2, 1999)
    assert song.source == "songs.csv.gz"


def test_importing_again_updates_and_keeps_the_ids(tmp_path: Path) -> None:
    _, before = imported(tmp_path, csv(tmp_path, "One,A,x:1,0,0\n"))
    report, after = imported(tmp_path, csv(tmp_path, "One (remix),A,x:1,0.5,0\nTwo,A,x:2,0,0\nTwo,A,x:2,0,0.5\n"))
    assert (report.added, report.updated, report.repeated) == (1, 1, 1)
    assert (after["x:1"].id, after["x:1"].title, after["x:1"].valence) == (before["x:1"].id, "One (remix)", 0.5)
    assert after["x:2"].arousal == 0.5


def test_optional_columns_are_read_and_nonsense_in_them_is_unknown(tmp_path: Path) -> None:
    header = "title,valence,arousal,year,language,explicit,tempo,duration,keywords\n"
    rows = (
        'A,0,0,Released 1987-01-02,EN,yes,120.5,200,"Rain;home: 0.25 ;rain;12:30 train"\nB,0,0,soon,,maybe,fast,-3,;\n'
    )
    _, songs = imported(tmp_path, csv(tmp_path, rows, header))
    first, second = songs.values()
    assert (first.year, first.language, first.explicit, first.tempo_bpm, first.duration_s) == (
        1987,
        "en",
        True,
        120.5,
        200,
    )
    assert dict(first.keywords) == {"rain": 0.5, "home": 0.25, "12:30 train": 0.5}
    assert (second.year, second.explicit, second.tempo_bpm, second.duration_s, second.keywords) == (
        None,
        None,
        None,
        None,
        (),
    )


def test_songs_without_an_address_are_known_by_artist_and_title(tmp_path: Path) -> None:
    header = "title,artist,valence,arousal\n"
    _, before = imported(tmp_path, csv(tmp_path, "One,Änne/B,0,0\nOne,C,0,0\n", header))
    _, after = imported(tmp_path, csv(tmp_path, "one,änne/b,0.5,0\n", header))
    assert len(before) == len(after) == 2
    assert sum(song.valence == 0.5 for song in after.values()) == 1


def test_songs_of_services_are_addressed_as_their_players_do(tmp_path: Path) -> None:
    _, songs = imported(tmp_path, csv(tmp_path, "A,0,0,70Lc\nB,0,0,\n", "title,valence,arousal,spotify_id\n"))
    assert list(songs) == ["spotify:track:70Lc"]
    _, songs = imported(tmp_path, csv(tmp_path, "A,0,0,deezer,12\n", "title,valence,arousal,source,source_id\n"))
    assert "deezer:12" in songs


def test_plutchik_s_emotions_become_a_point(tmp_path: Path) -> None:
    header = "title,anger,anticipation,disgust,fear,joy,sadness,surprise,trust\n"
    rows = (
        "Glad,0,0,0,0,1,0,0,1\n"
        "Sad,0,0,0,0.2,0,0.9,0,0\n"
        "Angry,2,0,1,0,0,0,0,0\n"
        "None,0,0,0,0,0,0,0,0\n"
        "Bad,-1,0,0,0,0,0,0,3\n"
    )
    report, songs = imported(tmp_path, csv(tmp_path, rows, header), scale=None)
    glad, sad, angry = songs.values()
    assert glad.valence > 0 > sad.valence
    assert angry.arousal > 0.5
    assert sad.arousal < 0
    assert [bad.line for bad in report.rejected] == [5, 6]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, r"can't read .*songs\.csv: No such file"),
        (gzip.compress(HEADER.encode() * 1000)[:-20], r"songs\.csv is damaged"),
        (b"\x1f\x8bnonsense", r"songs\.csv is damaged"),
        (b"OggS\x02\xc1,\xa1\n", r"songs\.csv is no CSV file: it is not UTF-8 text"),
    ],
)
def test_a_file_that_can_not_be_read_is_told(tmp_path: Path, content: bytes | None, problem: str) -> None:
    file = tmp_path / "songs.csv"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(LibraryError, match=problem):
        imported(tmp_path, file)


def test_a_catalogue_is_kept_piece_by_piece_and_others_may_write_between(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "_PIECE", 2)
    rows = "One,A,x:1,0,0\n,,,,\nTwo,A,x:2,0,0\nOne,A,x:1,0.5,0\nThree,A,x:3,0,0\n"
    plan = plan_import(csv(tmp_path, rows), scale="-1..1")
    with Library(tmp_path / "library.db") as library, Library(tmp_path / "library.db") as other:
        other.put([entry("Three", "x:3")], "scan")
        importer = importing.Importer(library, plan)
        pieces = []
        for piece in importer.run():
            pieces.append((piece, importer.report.added, other.count() - 13))
            other.put([entry("Hers", "x:hers", valence=len(pieces) / 10)], "hers")
            other.remove(other.search("Hers")[0].id)
    assert pieces == [(2, 1, 1), (2, 2, 2), (1, 2, 2)]
    report = importer.report
    assert (plan.rows, report.added, report.updated, report.repeated, len(report.rejected)) == (5, 2, 1, 1, 1)


def test_what_was_taken_before_a_mishap_stays_and_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "_PIECE", 2)
    plan = plan_import(csv(tmp_path, "".join(f"{n},A,x:{n},0,0\n" for n in range(6))), scale="-1..1")
    with Library(tmp_path / "library.db") as library:
        put, calls = library.put, iter(range(6))

        def put_until_the_disk_is_full(*args: Any, **more: Any) -> tuple[int, int]:
            if next(calls) == 2:
                raise LibraryError("full")
            return put(*args, **more)

        monkeypatch.setattr(library, "put", put_until_the_disk_is_full)
        importer = importing.Importer(library, plan)
        with pytest.raises(LibraryError, match="full"):
            list(importer.run())
        assert (importer.report.added, library.count()) == (4, 16)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_columns_may_be_separated_as_spreadsheets_do(tmp_path: Path, delimiter: str) -> None:
    header, row = ('"Song, or; what\tever"', "artist", "valence", "arousal"), ("Tee; für, zwei", "A", "0.5", "-0.5")
    content = f"{delimiter.join(header)}\n" + delimiter.join(f'"{cell}"' for cell in row) + delimiter * 3 + "\n"
    plan = plan_import(csv(tmp_path, content, ""), {"title": "song,_or;_what_ever"}, "-1..1")
    with Library(tmp_path / "library.db") as library:
        report = import_catalogue(library, plan)
        song = library.songs()[-1]
    assert (report.added, report.rejected) == (1, [])
    assert (song.title, song.artist, song.valence, song.arousal) == ("Tee; für, zwei", "A", 0.5, -0.5)


def test_a_row_of_several_lines_is_reported_where_it_begins(tmp_path: Path) -> None:
    rows = 'One,A,x:1,0,0\n"Two\nor\nthree",B,x:2,loud,0\n\n\nFour,D,x:4,?,0\n'
    report, _ = imported(tmp_path, csv(tmp_path, rows))
    assert [bad.line for bad in report.rejected] == [3, 8]


def test_milliseconds_become_seconds_and_languages_two_letters(tmp_path: Path) -> None:
    rows = "One,0,0,61500,eng\nTwo,0,0,,GER\nThree,0,0,3,xxx\n"
    _, songs = imported(tmp_path, csv(tmp_path, rows, "title,valence,arousal,duration_ms,language\n"))
    assert [(song.duration_s, song.language) for song in songs.values()] == [(61.5, "en"), (None, "de"), (0.003, "")]


@pytest.mark.skipif(not (SHARED / "catalogue.csv.gz").exists(), reason="the catalogues are not here")
@pytest.mark.parametrize(("name", "rows"), [("catalogue.csv.gz", 21_500), ("catalogue_emotions8.csv.gz", 5_797)])
def test_public_catalogues_are_imported_whole(tmp_path: Path, name: str, rows: int) -> None:
    with gzip.open(SHARED / name, "rt", encoding="utf-8", newline="") as file:
        assert sum(1 for _ in csv_module.reader(file)) == rows + 1
    report, songs = imported(tmp_path, SHARED / name, scale=None)
    assert (report.added, len(songs), report.rejected) == (rows, rows, [])
    points = [(song.valence, song.arousal) for song in songs.values()]
    for axis in zip(*points, strict=True):
        assert abs(sum(axis) / rows) < 0.1
        assert 0.2 < (sum(value**2 for value in axis) / rows) ** 0.5 < 0.5
