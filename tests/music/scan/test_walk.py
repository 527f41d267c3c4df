from __future__ import annotations

import inspect
import os
import sys
from pathlib import Path

import pytest

from robotd.errors import LibraryError
from robotd.music.scan.walk import Stamp, Unreadable, lyrics_among, walk


def touch(path: Path, content: bytes = b"12345", mtime_s: int = 1000) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    os.utime(path, (mtime_s, mtime_s))
    return path


def found(folder: Path) -> dict[str, Stamp]:
    return {one[0].relative_to(folder).as_posix(): one[1] for one in walk(folder) if not isinstance(one, Unreadable)}


def test_music_is_found_in_all_folders_by_name_and_nothing_else(tmp_path: Path) -> None:
    for name in ("b/2.MP3", "b/1.flac", "a.Opus", "c/d/e.m4a", "notes.txt", "cover.jpg", ".hidden.mp3", ".git/x.mp3"):
        touch(tmp_path / name)
    assert list(found(tmp_path)) == ["a.Opus", "b/1.flac", "b/2.MP3", "c/d/e.m4a"]


def test_lyrics_beside_a_song_are_part_of_its_stamp(tmp_path: Path) -> None:
    touch(tmp_path / "a.mp3")
    before = found(tmp_path)["a.mp3"]
    assert before == Stamp(5, 1000 * 10**9)
    touch(tmp_path / "a.Lrc", b"words", mtime_s=2000)
    touch(tmp_path / "b.lrc")
    assert found(tmp_path)["a.mp3"] == Stamp(10, 2000 * 10**9)


def test_of_several_lyrics_the_one_in_small_letters_counts() -> None:
    assert lyrics_among(["a.lrc", "a.LRC", "b.Lrc", "c.txt"]) == {"a": "a.lrc", "b": "b.Lrc"}


def test_lyrics_that_lead_nowhere_do_not_hide_their_song(tmp_path: Path) -> None:
    touch(tmp_path / "a.mp3")
    (tmp_path / "a.lrc").symlink_to(tmp_path / "nowhere.lrc")
    assert list(walk(tmp_path)) == [(tmp_path / "a.mp3", Stamp(5, 1000 * 10**9))]


def test_names_that_begin_with_several_dots_are_not_hidden(tmp_path: Path) -> None:
    for name in ("...Baby One More Time.ogg", "..and more/...And Justice for All/a.mp3", ".hidden/a.mp3", "._a.mp3"):
        touch(tmp_path / name)
    assert list(found(tmp_path)) == ["...Baby One More Time.ogg", "..and more/...And Justice for All/a.mp3"]


def test_folders_may_lie_deeper_than_python_recurses(tmp_path: Path) -> None:
    song = touch(tmp_path.joinpath(*["d"] * 100, "a.mp3"))
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(len(inspect.stack()) + 60)
    try:
        paths = list(found(tmp_path))
    finally:
        sys.setrecursionlimit(limit)
    assert paths == [song.relative_to(tmp_path).as_posix()]


def test_links_to_files_are_followed_but_not_links_to_folders(tmp_path: Path) -> None:
    song = touch(tmp_path / "music" / "a.mp3")
    (tmp_path / "music" / "b.mp3").symlink_to(song)
    (tmp_path / "music" / "loop").symlink_to(tmp_path / "music")
    (tmp_path / "music" / "broken.mp3").symlink_to(tmp_path / "nowhere.mp3")
    (tmp_path / "music" / "broken.txt").symlink_to(tmp_path / "nowhere.txt")
    (tmp_path / "music" / "folder.mp3").symlink_to(tmp_path)
    assert list(found(tmp_path / "music")) == ["a.mp3", "b.mp3"]
    assert [one for one in walk(tmp_path / "music") if isinstance(one, Unreadable)] == [
        Unreadable(tmp_path / "music" / "broken.mp3", "is a link to a file that is not there")
    ]


def test_a_closed_folder_is_told_and_the_others_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touch(tmp_path / "a.mp3")
    closed = touch(tmp_path / "closed" / "b.mp3").parent
    look = os.scandir

    def scandir(folder: Path) -> object:
        if folder == closed:  # as it is for everybody but root
            raise PermissionError(13, "Permission denied")
        return look(folder)

    monkeypatch.setattr(os, "scandir", scandir)
    results = list(walk(tmp_path))
    assert [one for one in results if isinstance(one, Unreadable)] == [Unreadable(closed, "Permission denied")]
    assert len(results) == 2


@pytest.mark.parametrize(("name", "problem"), [("nowhere", "No such file"), ("a.mp3", "Not a directory")])
def test_what_is_no_folder_is_told(tmp_path: Path, name: str, problem: str) -> None:
    touch(tmp_path / "a.mp3")
    with pytest.raises(LibraryError, match=rf"can't look into the folder .*{name}: {problem}"):
        list(walk(tmp_path / name))


def test_a_folder_may_be_named_from_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touch(tmp_path / "music" / "a.mp3")
    monkeypatch.chdir(tmp_path)
    ((path, _),) = (one for one in walk(Path("music")) if not isinstance(one, Unreadable))
    assert path == tmp_path / "music" / "a.mp3"
