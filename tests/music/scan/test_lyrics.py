from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from robotd.music.scan.lyrics import lyrics_beside, plain_lyrics

if TYPE_CHECKING:
    from pathlib import Path


def test_times_and_headings_are_left_out() -> None:
    text = "[ar:Änne]\n[00:12.00]I miss <00:12.50> home\n\n[Chorus]\n[00:15.1][01:15.1] it rains (again)\nplain\n"
    assert plain_lyrics(text) == "I miss home\nit rains (again)\nplain"
    assert plain_lyrics("[00:01.00]\n \n") == ""


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.lrc", "\ufeffüber".encode()),
        ("a.LRC", "über".encode()),
        ("a.Lrc", "über".encode("cp1252")),
        ("a.lrc", "über".encode("utf-16")),
        ("a.lrc", "\ufeffüber".encode("utf-16-be")),
        ("a.lrc", "über".encode("utf-16-le")),
        ("a.lrc", "über".encode("utf-16-be")),
    ],
)
def test_lyrics_beside_a_song_are_read(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    assert lyrics_beside(tmp_path / "a.mp3") == "über"


def test_times_tell_utf_16_without_a_mark_in_any_language(tmp_path: Path) -> None:
    (tmp_path / "a.lrc").write_bytes("[00:12.00]私は家が恋しい、雨が降る".encode("utf-16-be"))
    assert plain_lyrics(lyrics_beside(tmp_path / "a.mp3")) == "私は家が恋しい、雨が降る"


def test_of_long_lyrics_the_beginning_is_read_even_where_it_ends_inside_a_letter(tmp_path: Path) -> None:
    (tmp_path / "a.lrc").write_text("a" + "ü" * 150_000, encoding="utf-8")
    assert lyrics_beside(tmp_path / "a.mp3") == "a" + "ü" * 99_999


def test_no_lyrics_are_none(tmp_path: Path) -> None:
    (tmp_path / "b.lrc").touch()
    assert lyrics_beside(tmp_path / "a.mp3") == lyrics_beside(tmp_path / "b.mp3") == ""
