from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from robotd.errors import MediaError
from robotd.film.probe import look
from tests.film.films import PICTURE, SCENE, TONE, asked, film_of, make


def test_a_film_is_as_long_as_its_container_says() -> None:
    film = look(SCENE)
    (said,) = asked(SCENE, "format=duration")
    assert film.length_s == pytest.approx(float(said), abs=0.001)
    assert (film.width, film.height, film.rate_hz) == (640, 480, 12)
    assert not film.notes


@pytest.mark.parametrize("name", ["film.mkv", "film.webm", "film.avi", "film.ts", "film.mov", "film.mpg"])
def test_whatever_it_is_packed_in(tmp_path: Path, name: str) -> None:
    assert look(film_of(tmp_path / name, 2)).length_s == pytest.approx(2, abs=0.1)


def test_a_stream_that_does_not_say_its_length_is_measured(tmp_path: Path) -> None:
    path = film_of(tmp_path / "recorded.webm", 3, "-live", "1")
    assert asked(path, "format=duration") == ["N/A"]
    film = look(path)
    assert film.length_s == pytest.approx(3, abs=0.05)
    assert not film.notes


def test_raw_pictures_are_counted(tmp_path: Path) -> None:
    path = make(tmp_path / "film.h264", "-f", "lavfi", "-i", PICTURE, "-t", "2")
    assert look(path).length_s == pytest.approx(2, abs=0.1)


def test_a_film_that_was_cut_short_says_so(tmp_path: Path) -> None:
    whole = film_of(tmp_path / "whole.mkv", 8).read_bytes()
    cut = tmp_path / "cut.mkv"
    cut.write_bytes(whole[: len(whole) // 2])
    film = look(cut)
    assert 2 < film.length_s < 6
    (note,) = film.notes
    assert "says that it lasts 8.0" in note
    assert f"end at {film.length_s:.3f} s" in note


def test_a_gap_in_the_sound_and_a_torn_packet_are_said(tmp_path: Path) -> None:
    parts = ("-f", "lavfi", "-i", TONE, "-af", "asetpts='PTS+gt(T,1)*2/TB'", "-t", "5")
    (note,) = look(make(tmp_path / "gap.mka", *parts)).notes[:-1]
    assert "its sound has a gap from 1.0 to 3.0 s" in note
    content = bytearray(film_of(tmp_path / "torn.ts", 3).read_bytes())
    content[len(content) // 2 : len(content) // 2 + 3000] = bytes(n * 97 % 256 for n in range(3000))
    (tmp_path / "torn.ts").write_bytes(content)
    assert any("damaged" in note for note in look(tmp_path / "torn.ts").notes)


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    silent = look(make(tmp_path / "silent.mp4", "-f", "lavfi", "-i", PICTURE, "-t", "1"))
    assert silent.notes == ("the file holds no sound: the feeling is the face's alone",)
    blind = look(make(tmp_path / "blind.ogg", "-f", "lavfi", "-i", TONE, "-t", "1"))
    assert blind.notes == ("the file holds no pictures: the feeling is the voice's alone",)
    assert blind.length_s == pytest.approx(1, abs=0.05)


def test_pictures_at_odd_times_keep_theirs(tmp_path: Path) -> None:
    uneven = ("-vf", "select='not(mod(n,7))+lt(n,20)'", "-fps_mode", "vfr", "-an")
    film = look(film_of(tmp_path / "uneven.mkv", 4, *uneven))
    assert film.length_s == pytest.approx(4, abs=0.3)


def test_what_only_libsndfile_reads(tmp_path: Path) -> None:
    path = tmp_path / "tone.mat"
    soundfile.write(path, np.zeros((44_100, 2)), 22_050, format="MAT5")
    assert look(path).length_s == 2


def test_what_lasts_no_time_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "nothing.wav"
    soundfile.write(path, np.zeros(0), 16_000)
    with pytest.raises(MediaError, match=r"nothing\.wav: holds nothing that can be played"):
        look(path)
