from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from robotd.config import Runtime
from robotd.errors import LibraryError
from robotd.music.catalogue.columns import plan_import
from robotd.music.catalogue.importing import import_catalogue
from robotd.music.library import Library
from robotd.music.library.files import Files
from robotd.music.scan import scan as module
from robotd.music.scan.scan import Report, Scan, alone
from robotd.perceive.manifest import load_manifest
from tests.music.scan.sounds import A_MINOR, Here, music, write

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with Library(tmp_path / "library.db") as opened:
        opened.remove_source("album")
        yield opened


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two songs in a folder."""
    write(tmp_path / "music" / "a.wav")
    write(tmp_path / "music" / "b" / "b.flac", music(3.0, 90, A_MINOR))
    return tmp_path / "music"


def scanned(library: Library, folder: Path, *, prune: bool = False) -> tuple[Report, list[str]]:
    here = Here()
    scan = Scan(library, folder, load_manifest(), Runtime(), prune=prune)
    for _ in scan.run(here):
        pass
    return scan.report, [Path(path).name for path in here.asked]


def ids(library: Library) -> dict[str, int]:
    return {song.title: song.id for song in library.songs()}


def test_the_songs_of_a_folder_come_into_the_library(library: Library, folder: Path) -> None:
    report, asked = scanned(library, folder)
    assert (report.found, report.added, report.failed, asked) == (2, 2, [], ["a.wav", "b.flac"])
    assert report.heard_s == pytest.approx(6.0, abs=0.2)
    assert report.speed > 0
    song, other = library.songs()
    assert (song.title, song.uri, song.source) == ("a", (folder / "a.wav").as_uri(), "scan")
    assert song.moods != other.moods
    curve = library.curve(song.id)
    assert curve is not None
    assert np.abs(curve.mean(axis=0) - (song.valence, song.arousal)).max() < 0.2


def test_files_that_have_not_changed_are_passed_over(library: Library, folder: Path) -> None:
    scanned(library, folder)
    before = library.version
    report, asked = scanned(library, folder)
    assert (report.unchanged, report.added, asked) == (2, 0, [])
    assert library.version == before


def test_each_song_is_kept_at_once(library: Library, folder: Path) -> None:
    results = Scan(library, folder, load_manifest(), Runtime()).run(Here())
    next(results)
    results.close()  # type: ignore[attr-defined] # it is a generator
    assert list(ids(library)) == ["a"]
    assert scanned(library, folder)[1] == ["b.flac"]


def test_a_changed_file_is_heard_again_and_keeps_its_id(library: Library, folder: Path) -> None:
    scanned(library, folder)
    before = library.songs()[0]
    write(folder / "a.wav", music(4.0, 150, A_MINOR))
    report, asked = scanned(library, folder)
    after = library.songs()[0]
    assert (report.updated, report.unchanged, asked) == (1, 1, ["a.wav"])
    assert after.id == before.id
    assert after.duration_s == pytest.approx(4.0)
    assert after.key == "A minor"


def test_lyrics_that_appear_beside_a_song_are_a_change(library: Library, folder: Path) -> None:
    scanned(library, folder)
    (folder / "a.lrc").write_text("I miss my home and cry, the tears, the lonely rain", encoding="utf-8")
    assert scanned(library, folder)[1] == ["a.wav"]
    assert library.songs()[0].lyrics_emotions is not None


def test_a_file_that_was_only_touched_is_not_heard_again(library: Library, folder: Path) -> None:
    lyrics = folder / "a.lrc"
    lyrics.write_text("tears and rain", encoding="utf-8")
    scanned(library, folder)
    before = ids(library)
    for path in (folder / "a.wav", lyrics, folder / "b" / "b.flac"):
        os.utime(path, (1_000_000_000, 1_000_000_000))
    report, asked = scanned(library, folder)
    assert (report.unchanged, report.updated, asked) == (2, 0, [])
    assert ids(library) == before
    written = library.version
    scanned(library, folder)
    assert library.version == written
    lyrics.write_text("happy and gay!", encoding="utf-8")
    assert scanned(library, folder)[1] == ["a.wav"]


@pytest.fixture
def numbered(library: Library, folder: Path) -> Path:
    """Three songs that are known, `1.wav` to `3.wav`."""
    for number, tempo_bpm in enumerate((70, 100, 130), 1):
        write(folder / f"{number}.wav", music(2.0, tempo_bpm))
    (folder / "a.wav").unlink()
    (folder / "b" / "b.flac").unlink()
    scanned(library, folder)
    return folder


def places(library: Library) -> dict[str, int]:
    return {song.uri.rpartition("/")[2]: song.id for song in library.songs()}


def test_a_song_that_takes_the_name_of_another_stays_the_song_it_is(library: Library, numbered: Path) -> None:
    before = ids(library)
    (numbered / "1.wav").unlink()
    (numbered / "2.wav").rename(numbered / "1.wav")
    report, asked = scanned(library, numbered)
    assert (report.moved, report.updated, report.vanished, asked) == (1, 0, 1, [])
    assert places(library) == {"1.wav": before["2"], "3.wav": before["3"]}
    assert library.song(before["1"]).missing
    assert scanned(library, numbered, prune=True)[0].pruned == 1
    assert places(library) == {"1.wav": before["2"], "3.wav": before["3"]}


def test_a_song_whose_name_was_taken_is_known_when_it_comes_back(library: Library, numbered: Path) -> None:
    before = ids(library)
    first = (numbered / "1.wav").read_bytes()
    (numbered / "2.wav").replace(numbered / "1.wav")
    scanned(library, numbered)
    (numbered / "back.wav").write_bytes(first)
    report, asked = scanned(library, numbered)
    assert (report.moved, report.vanished, asked) == (1, 0, [])
    assert places(library) == {"1.wav": before["2"], "3.wav": before["3"], "back.wav": before["1"]}


def test_songs_that_change_names_are_told_apart(library: Library, numbered: Path) -> None:
    before = ids(library)
    for old, new in (("1", "x"), ("2", "1"), ("3", "2"), ("x", "3")):
        (numbered / f"{old}.wav").rename(numbered / f"{new}.wav")
    report, asked = scanned(library, numbered)
    assert (report.moved, report.vanished, asked) == (3, 0, [])
    assert places(library) == {"1.wav": before["2"], "2.wav": before["3"], "3.wav": before["1"]}


def test_a_new_song_under_the_name_of_one_that_was_moved_is_new(library: Library, numbered: Path) -> None:
    before = ids(library)
    (numbered / "1.wav").rename(numbered / "moved.wav")
    write(numbered / "1.wav", music(2.5, 150, A_MINOR))
    report, asked = scanned(library, numbered)
    assert (report.moved, report.added, report.updated, asked) == (1, 1, 0, ["1.wav"])
    assert places(library)["moved.wav"] == before["1"]
    assert places(library)["1.wav"] not in before.values()


def test_a_song_that_takes_a_name_and_gets_lyrics_is_heard_again_and_stays_itself(
    library: Library, numbered: Path
) -> None:
    before = ids(library)
    (numbered / "2.wav").replace(numbered / "1.wav")
    (numbered / "1.lrc").write_text("tears and rain", encoding="utf-8")
    report, asked = scanned(library, numbered)
    assert (report.moved, report.vanished, asked) == (1, 1, ["1.wav"])
    assert places(library)["1.wav"] == before["2"]


def test_a_copy_over_another_song_is_a_change_of_that(library: Library, numbered: Path) -> None:
    before = ids(library)
    (numbered / "1.wav").write_bytes((numbered / "2.wav").read_bytes())
    report, asked = scanned(library, numbered)
    assert (report.updated, report.moved, asked) == (1, 0, ["1.wav"])
    assert ids(library) == before


def test_a_link_that_leads_nowhere_for_now_is_told_and_its_song_is_kept(
    library: Library, folder: Path, tmp_path: Path
) -> None:
    (folder / "a.wav").rename(tmp_path / "a.wav")
    (folder / "a.wav").symlink_to(tmp_path / "a.wav")
    scanned(library, folder)
    before = ids(library)
    (tmp_path / "a.wav").rename(tmp_path / "away.wav")
    report, _ = scanned(library, folder, prune=True)
    assert report.failed == [(str(folder / "a.wav"), "is a link to a file that is not there")]
    assert (report.vanished, report.pruned) == (0, 0)
    assert ids(library) == before


def test_moved_files_are_recognised_without_hearing_them_again(library: Library, folder: Path) -> None:
    scanned(library, folder)
    before = ids(library)
    (folder / "deep").mkdir()
    (folder / "a.wav").rename(folder / "deep" / "renamed.wav")
    (folder / "b").rename(folder / "c")
    report, asked = scanned(library, folder)
    assert (report.moved, report.vanished, asked) == (2, 0, [])
    assert ids(library) == before
    assert {song.uri for song in library.songs()} == {
        (folder / "deep" / "renamed.wav").as_uri(),
        (folder / "c" / "b.flac").as_uri(),
    }


def test_a_moved_file_keeps_its_id_even_when_it_must_be_heard_again(library: Library, folder: Path) -> None:
    scanned(library, folder)
    (song_id,) = [song.id for song in library.songs() if song.title == "a"]
    (folder / "a.wav").rename(folder / "new.wav")
    (folder / "new.lrc").write_text("la la love", encoding="utf-8")
    report, asked = scanned(library, folder, prune=True)
    assert (report.moved, report.vanished, report.pruned, asked) == (1, 0, 0, ["new.wav"])
    assert ids(library)["new"] == song_id


def test_a_copy_is_a_song_of_its_own(library: Library, folder: Path) -> None:
    scanned(library, folder)
    (folder / "copy.wav").write_bytes((folder / "a.wav").read_bytes())
    report, asked = scanned(library, folder)
    assert (report.added, report.moved, asked) == (1, 0, ["copy.wav"])
    assert len(library.songs()) == 3


def test_a_file_that_comes_from_another_scanned_folder_is_known(library: Library, folder: Path, tmp_path: Path) -> None:
    scanned(library, folder)
    before = ids(library)
    (tmp_path / "other").mkdir()
    (folder / "a.wav").rename(tmp_path / "other" / "a.wav")
    report, asked = scanned(library, tmp_path / "other")
    assert (report.moved, asked) == (1, [])
    assert ids(library) == before


def test_vanished_files_are_kept_but_not_offered_and_come_back(library: Library, folder: Path, tmp_path: Path) -> None:
    scanned(library, folder)
    before = ids(library)
    (folder / "a.wav").rename(tmp_path / "a.wav")
    report, _ = scanned(library, folder)
    assert (report.vanished, report.pruned) == (1, 0)
    assert list(ids(library)) == ["b"]
    assert library.song(before["a"]).missing
    (tmp_path / "a.wav").rename(folder / "a.wav")
    report, asked = scanned(library, folder)
    assert (report.unchanged, asked) == (2, [])
    assert ids(library) == before


def test_vanished_files_are_forgotten_when_that_is_asked_for(library: Library, folder: Path) -> None:
    scanned(library, folder)
    (folder / "a.wav").unlink()
    scanned(library, folder)
    report, _ = scanned(library, folder, prune=True)
    assert report.pruned == 1
    assert [song.title for song in library.search(missing=True)] == ["b"]


def test_a_folder_without_any_music_forgets_nothing(library: Library, folder: Path, tmp_path: Path) -> None:
    scanned(library, folder)
    folder.rename(tmp_path / "away")
    folder.mkdir()
    report, _ = scanned(library, folder, prune=True)
    assert (report.found, report.vanished, report.pruned) == (0, 2, 0)
    assert len(library.search(missing=True)) == 2


def test_broken_files_are_listed_and_tried_again(library: Library, folder: Path) -> None:
    (folder / "broken.mp3").write_bytes(b"no music" * 100)
    (folder / "silent.wav").write_bytes(write(folder / "x.wav", np.zeros(32_000, np.float32)).read_bytes())
    (folder / "x.wav").unlink()
    report, _ = scanned(library, folder)
    assert [(Path(path).name, reason.partition(" (")[0]) for path, reason in report.failed] == [
        ("broken.mp3", "can't be read as sound"),
        ("silent.wav", "is silent"),
    ]
    assert report.added == 2
    write(folder / "silent.wav")
    report, asked = scanned(library, folder)
    assert (report.added, asked) == (1, ["broken.mp3", "silent.wav"])


def test_a_song_that_breaks_is_listed_and_stays_as_it_was(library: Library, folder: Path) -> None:
    scanned(library, folder)
    (folder / "a.wav").write_bytes(b"RIFF" + b"\0" * 100)
    report, _ = scanned(library, folder)
    assert [Path(path).name for path, _ in report.failed] == ["a.wav"]
    assert list(ids(library)) == ["a", "b"]


def test_what_lies_in_a_folder_that_can_not_be_read_is_not_taken_for_vanished(
    library: Library, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scanned(library, folder)
    look = os.scandir

    def scandir(place: Path) -> object:
        if place == folder / "b":
            raise PermissionError(13, "Permission denied")
        return look(place)

    monkeypatch.setattr(os, "scandir", scandir)
    report, _ = scanned(library, folder, prune=True)
    assert report.failed == [(str(folder / "b"), "Permission denied")]
    assert (report.vanished, len(library.songs())) == (0, 2)


def test_songs_heard_by_other_models_are_heard_again(
    library: Library, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scanned(library, folder)
    before = ids(library)
    monkeypatch.setattr(module, "made_by", lambda _manifest: "newer models")
    report, asked = scanned(library, folder)
    assert (report.updated, asked) == (2, ["a.wav", "b.flac"])
    assert ids(library) == before


def test_an_imported_song_is_completed_by_its_sound(library: Library, folder: Path, tmp_path: Path) -> None:
    uri = (folder / "a.wav").as_uri()
    (tmp_path / "list.csv").write_text(f"title,uri,valence,arousal\nKnown,{uri},0.5,0.5\n", encoding="utf-8")
    import_catalogue(library, plan_import(tmp_path / "list.csv", scale="-1..1"))
    (before,) = library.songs()
    scanned(library, folder)
    after = library.song(before.id)
    assert (after.title, after.source) == ("a", "scan")
    assert after.moods is not None


def test_names_that_are_no_utf_8_do_no_harm(library: Library, folder: Path) -> None:
    name = os.fsdecode(b"caf\xe9 - \xfcber.wav")
    (folder / "a.wav").rename(folder / name)
    assert scanned(library, folder)[0].added == 2
    (song,) = [song for song in library.songs() if song.artist.startswith("caf")]
    assert "\udce9" not in song.artist + song.title
    assert scanned(library, folder)[0].unchanged == 2


def test_what_explains_the_moods_is_kept(library: Library, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for number in range(14):
        hiss = rng.uniform(0, 0.1) * rng.normal(size=48_000)
        chords = ((57, 60 + number % 2, 64), (60, 64, 67 + number % 3))
        sound = music(3.0, 50 + 10 * number, chords) + hiss
        write(tmp_path / "music" / f"{number}.wav", sound.astype(np.float32))
    scanned(library, tmp_path / "music")
    files = Files(library)
    made_by = files.made_by(library.songs()[0].id)
    assert made_by is not None
    weights = files.explanation(made_by)
    assert weights is not None
    assert np.isfinite(weights[:, 0]).all()


def test_a_folder_that_is_not_there_is_told_and_nothing_is_lost(library: Library, folder: Path, tmp_path: Path) -> None:
    scanned(library, folder)
    with pytest.raises(LibraryError, match=r"can't look into the folder .*nowhere: No such file"):
        scanned(library, tmp_path / "nowhere", prune=True)
    assert len(library.songs()) == 2


def test_two_scans_do_not_write_at_once(library: Library) -> None:
    with alone(library.path), pytest.raises(LibraryError, match="another scan or import"), alone(library.path):
        pass
    with alone(library.path):
        pass


def test_a_lock_that_belongs_to_another_user_is_told(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    def closed(_path: Path, *_: object, **__: object) -> None:  # as it is for everybody but root
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", closed)
    with (
        pytest.raises(LibraryError, match=r"can't write .*library\.db-scan: Permission denied .*sudo chown"),
        alone(library.path),
    ):
        pass
