from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import numpy as np
import pytest
from mutagen import id3

from robotd.errors import MediaError
from robotd.music.scan import decoding
from robotd.music.scan.decoding import duration_of, read_sound
from tests.music.scan.sounds import RATE_HZ, music, noise, write

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


@pytest.mark.parametrize("ending", ["wav", "flac", "ogg", "aiff", "mp3", "m4a", "wma"])
def test_every_format_gives_mono_sound_of_16_khz(tmp_path: Path, ending: str) -> None:
    heard = read_sound(write(tmp_path / f"a.{ending}", music(2.0, rate_hz=44_100), 44_100))
    assert heard.dtype == np.float32
    assert len(heard) / RATE_HZ == pytest.approx(2.0, abs=0.1)
    assert np.sqrt((heard**2).mean()) == pytest.approx(np.sqrt((music(2.0) ** 2).mean()), rel=0.1)


@pytest.mark.parametrize("ending", ["wav", "m4a"])
def test_a_song_is_as_loud_in_stereo_as_in_mono(tmp_path: Path, ending: str) -> None:
    mono = music(2.0, rate_hz=44_100)
    both = [read_sound(write(tmp_path / f"{n}.{ending}", np.stack([mono] * n, axis=1), 44_100)) for n in (1, 2)]
    one, two = (np.sqrt((sound**2).mean()) for sound in both)
    assert two == pytest.approx(one, rel=0.02)


@pytest.mark.parametrize(("ending", "channels"), [("ogg", 8), ("wav", 8), ("ogg", 10), ("wav", 24)])
def test_any_number_of_channels_is_heard_as_their_mean(tmp_path: Path, ending: str, channels: int) -> None:
    mono = music(2.0)
    loudness = np.linspace(0.5, 1.5, channels, dtype=np.float32)
    heard = read_sound(write(tmp_path / f"a.{ending}", mono[:, None] * loudness))
    assert len(heard) == len(mono)
    assert np.sqrt((heard**2).mean()) == pytest.approx(np.sqrt((mono**2).mean()), rel=0.02)


def test_tags_in_old_letters_do_no_harm(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mp3")
    id3.ID3(path).delete()
    path.write_bytes(path.read_bytes() + b"TAG" + "Müll".encode("cp1252").ljust(125, b"\0"))
    assert len(read_sound(path)) / RATE_HZ == pytest.approx(3.0, abs=0.1)


@pytest.mark.parametrize("first", [0, 1])
def test_songs_that_were_joined_are_heard_at_their_own_speed(tmp_path: Path, first: int) -> None:
    sounds = music(2.0, rate_hz=22_050), np.stack([music(2.0, rate_hz=44_100)] * 2, axis=1)
    contents = [
        write(tmp_path / f"{len(sound)}.mp3", sound, rate_hz).read_bytes()
        for sound, rate_hz in zip(sounds, (22_050, 44_100), strict=True)
    ]
    (tmp_path / "joined.mp3").write_bytes(contents[first] + contents[1 - first])
    assert len(read_sound(tmp_path / "joined.mp3")) / RATE_HZ == pytest.approx(4.0, abs=0.2)


def test_of_a_long_file_the_beginning_is_heard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "LONGEST_S", 2.0)
    path = write(tmp_path / "a.wav", noise(5))
    heard = read_sound(path)
    assert len(heard) == 2 * RATE_HZ
    assert duration_of(path, heard) == pytest.approx(5.0)


def test_a_file_is_as_long_as_what_was_heard_of_it_whatever_it_says(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", noise(5))
    assert duration_of(path, noise(3)) == 3.0


@pytest.mark.parametrize(
    ("samples", "problem"), [(np.zeros(RATE_HZ * 2, np.float32), "is silent"), (noise(0.5), "shorter than a second")]
)
def test_what_is_no_music_is_told(tmp_path: Path, samples: NDArray[np.float32], problem: str) -> None:
    with pytest.raises(MediaError, match=rf"a\.wav: .*{problem}"):
        read_sound(write(tmp_path / "a.wav", samples))


def test_a_file_that_is_no_sound_or_has_none_or_is_not_there_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.mp3").write_bytes(b"this is no music " * 100)
    (tmp_path / "b.flac").write_bytes(b"")
    for name in ("a.mp3", "b.flac"):
        with pytest.raises(MediaError, match=rf"{name}: can't be read as sound"):
            read_sound(tmp_path / name)
    with pytest.raises(MediaError, match=r"c\.mp3: there is no such file"):
        read_sound(tmp_path / "c.mp3")


@pytest.mark.parametrize("ending", ["m4a", "flac"])
def test_of_a_damaged_file_what_can_be_read_is_heard(
    tmp_path: Path, ending: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = write(tmp_path / f"a.{ending}", noise(20))
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 3000] = bytes(255 - byte for byte in content[middle : middle + 3000])
    path.write_bytes(content)
    with caplog.at_level(logging.WARNING):
        heard = read_sound(path)
    assert 15 * RATE_HZ < len(heard) <= 20.2 * RATE_HZ
    assert "is damaged" in caplog.text
