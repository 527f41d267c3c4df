from __future__ import annotations

from typing import TYPE_CHECKING, Any

import av
import mutagen
import numpy as np
import pytest
from mutagen import id3
from mutagen.apev2 import APEv2
from mutagen.mp4 import MP4

from robotd.music.scan.tags import Tags, read_tags
from tests.music.scan.sounds import write

if TYPE_CHECKING:
    from pathlib import Path

LYRICS = "first line\nsecond line"
FULL = Tags("Lied", "Änne", "Platte", 1999, "Jazz", "en", True, LYRICS)


def with_id3(path: Path) -> None:
    file: Any = mutagen.File(write(path))
    if file.tags is None:
        file.add_tags()
    for frame in (
        id3.TIT2(text="Lied"),
        id3.TPE1(text="Änne"),
        id3.TALB(text="Platte"),
        id3.TDRC(text="1999-05-01"),
        id3.TCON(text="(8)"),
        id3.TXXX(desc="ITUNESADVISORY", text="1"),
        id3.USLT(lang="eng", text=LYRICS),
    ):
        file.tags.add(frame)
    file.save()


def with_comments(path: Path) -> None:
    file: Any = mutagen.File(write(path, rate_hz=48_000 if path.suffix == ".opus" else 16_000))
    file["TITLE"], file["Artist"], file["album"], file["date"] = "Lied", "Änne", "Platte", "1999"
    file["genre"], file["language"], file["itunesadvisory"], file["lyrics"] = "Jazz", "eng", "1", LYRICS
    file.save()


def with_atoms(path: Path) -> None:
    file = MP4(write(path))
    file["\xa9nam"], file["\xa9ART"], file["\xa9alb"], file["\xa9day"] = "Lied", "Änne", "Platte", "1999-05-01"
    file["\xa9gen"], file["rtng"], file["\xa9lyr"] = "Jazz", [1], LYRICS
    file.save()


def with_asf(path: Path) -> None:
    file: Any = mutagen.File(write(path))
    file["Title"], file["Author"], file["WM/AlbumTitle"], file["WM/Year"] = "Lied", "Änne", "Platte", "1999"
    file["WM/Genre"], file["WM/Language"], file["WM/Lyrics"], file["WM/ParentalRating"] = (
        "Jazz",
        "en",
        LYRICS,
        "explicit",
    )
    file.save()


@pytest.mark.parametrize("name", ["a.mp3", "a.wav", "a.aiff"])
def test_id3(tmp_path: Path, name: str) -> None:
    with_id3(tmp_path / name)
    assert read_tags(tmp_path / name) == FULL


@pytest.mark.parametrize("name", ["a.flac", "a.ogg", "a.opus"])
def test_vorbis_comments(tmp_path: Path, name: str) -> None:
    with_comments(tmp_path / name)
    assert read_tags(tmp_path / name) == FULL


def test_mp4_atoms_which_know_no_language(tmp_path: Path) -> None:
    with_atoms(tmp_path / "a.m4a")
    tags = read_tags(tmp_path / "a.m4a")
    assert (tags.title, tags.artist, tags.album, tags.year, tags.genre) == ("Lied", "Änne", "Platte", 1999, "Jazz")
    assert (tags.explicit, tags.language, tags.lyrics) == (True, "", LYRICS)


def test_asf(tmp_path: Path) -> None:
    with_asf(tmp_path / "a.wma")
    assert read_tags(tmp_path / "a.wma") == FULL


def test_timed_lyrics_and_several_artists(tmp_path: Path) -> None:
    file: Any = mutagen.File(write(tmp_path / "a.mp3"))
    file.tags.add(id3.TPE1(text=["Änne", "Mara"]))
    file.tags.add(id3.SYLT(lang="deu", format=2, type=1, text=[("eins", 0), ("zwei", 900)]))
    file.save()
    tags = read_tags(tmp_path / "a.mp3")
    assert (tags.artist, tags.lyrics) == ("Änne, Mara", "eins\nzwei")


@pytest.mark.parametrize("name", ["lyrics", "LYRICS", "UnsyncedLyrics"])
def test_lyrics_under_a_name_of_their_own(tmp_path: Path, name: str) -> None:
    file: Any = mutagen.File(write(tmp_path / "a.mp3"))
    file.tags.add(id3.TXXX(desc=name, text=LYRICS))
    file.tags.add(id3.TXXX(desc="mood", text="sad"))
    file.save()
    assert read_tags(tmp_path / "a.mp3").lyrics == LYRICS


def test_several_artists_of_comments_are_told_all_and_of_other_facts_the_first(tmp_path: Path) -> None:
    file: Any = mutagen.File(write(tmp_path / "a.flac"))
    file["artist"], file["title"] = ["Änne", "Mara"], ["Lied", "Song"]
    file.save()
    tags = read_tags(tmp_path / "a.flac")
    assert (tags.artist, tags.title) == ("Änne, Mara", "Lied")


@pytest.mark.parametrize(
    ("ending", "codec"), [("wav", "pcm_s16le"), ("mka", "pcm_s16le"), ("caf", "pcm_s16le"), ("tta", "tta")]
)
def test_tags_that_only_ffmpeg_reads(tmp_path: Path, ending: str, codec: str) -> None:
    path = tmp_path / f"Somebody - Something.{ending}"
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=16_000, layout="mono", format="s16")
        container.metadata.update({"title": "Lied", "artist": "Änne", "album": "Platte", "date": "1999"})
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 4096), np.int16), format="s16", layout="mono")
        frame.sample_rate = 16_000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    tags = read_tags(path)
    assert (tags.title, tags.artist, tags.album, tags.year) == ("Lied", "Änne", "Platte", 1999)


def test_tags_in_old_letters_are_legible(tmp_path: Path) -> None:
    title, artist = "Müll".encode("cp1252"), "Änne".encode("cp1252")
    info = b"INFO" + b"".join(
        name + len(text).to_bytes(4, "little") + text for name, text in ((b"INAM", title), (b"IART", artist))
    )
    path = write(tmp_path / "a.wav")
    path.write_bytes(path.read_bytes() + b"LIST" + len(info).to_bytes(4, "little") + info)
    tags = read_tags(path)
    assert (tags.title, tags.artist) == ("Müll", "Änne")


def test_ape_tags_of_an_mp3(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mp3")
    id3.ID3(path).delete()
    tags = APEv2()
    tags["Title"], tags["Artist"], tags["Album"] = "Lied", ["Änne", "Mara"], "Platte"
    tags.save(path)
    assert read_tags(path) == Tags("Lied", "Änne, Mara", "Platte")


@pytest.mark.parametrize(
    ("name", "artist", "title"),
    [
        ("07 - Änne - Das Lied.wav", "Änne", "Das Lied"),
        ("Änne - Das Lied - live.wav", "Änne", "Das Lied - live"),
        ("07. Das_Lied.wav", "", "Das Lied"),
        ("07_Das_Lied.wav", "", "Das Lied"),
        ("07 - 1999.wav", "", "1999"),
        ("1-05 Das Lied.wav", "", "Das Lied"),
        ("2-12 - Änne - Das Lied.wav", "Änne", "Das Lied"),
        ("99 Luftballons.wav", "", "99 Luftballons"),
        ("50 Cent - In Da Club.wav", "50 Cent", "In Da Club"),
        ("4.33.wav", "", "4.33"),
        ("1999.wav", "", "1999"),
        (" - .wav", "", "-"),
    ],
)
def test_without_tags_the_name_tells_what_it_can(tmp_path: Path, name: str, artist: str, title: str) -> None:
    tags = read_tags(write(tmp_path / name))
    assert (tags.artist, tags.title) == (artist, title)
    assert (tags.year, tags.explicit, tags.lyrics) == (None, None, "")


def test_an_artist_of_the_tags_is_not_mixed_with_a_title_of_the_name(tmp_path: Path) -> None:
    file: Any = mutagen.File(write(tmp_path / "Somebody - Something.flac"))
    file["artist"] = "Änne"
    file.save()
    tags = read_tags(tmp_path / "Somebody - Something.flac")
    assert (tags.artist, tags.title) == ("Änne", "Something")


@pytest.mark.parametrize("content", [b"", b"ID3\x04\x00\x00\xff\xff\xff\xff" + b"\0" * 50, b"fLaC" + b"\xff" * 100])
def test_damaged_tags_count_as_none(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "Song.mp3"
    path.write_bytes(content)
    assert read_tags(path) == Tags("Song")
