from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile

from robotd.errors import CommandError
from robotd.film.mux import mux
from robotd.film.probe import look
from tests.film.films import PICTURE, TONE, asked, film_of, make

MUSIC_HZ, SPEECH_HZ = 440, 1000


def music(path: Path, length_s: float, level: float = 0.1) -> Path:
    times = np.arange(round(length_s * 48_000)) / 48_000
    soundfile.write(path, level * np.sin(2 * np.pi * MUSIC_HZ * times), 48_000)
    return path


def muxed(film: Path, folder: Path, speech_db: float | None = -21.0) -> Path:
    folder.mkdir(exist_ok=True)
    probed = look(film)
    played = music(folder / "score.wav", probed.length_s)
    return mux(probed, played, folder, speech_db=speech_db, music_db=-23.0, progress=lambda _: None)


def heard(path: Path) -> np.ndarray:
    """Return the sound of a film, mono, 48 kHz."""
    command = ["ffmpeg", "-v", "error", "-i", str(path), "-f", "f32le", "-ac", "1", "-ar", "48000", "-"]
    return np.frombuffer(subprocess.run(command, check=True, capture_output=True).stdout, np.float32)


def level_db(samples: np.ndarray, frequency_hz: float, start_s: float, end_s: float) -> float:
    """Return how loud a tone is in a part."""
    part = samples[round(start_s * 48_000) : round(end_s * 48_000)]
    spectrum = np.abs(np.fft.rfft(part * np.hanning(len(part))))
    middle = round(frequency_hz * len(part) / 48_000)
    return float(20 * np.log10(spectrum[middle - 3 : middle + 4].max() / len(part) + 1e-12))


def pictures(path: Path) -> str:
    """Return a hash of the coded pictures."""
    command = ["ffmpeg", "-v", "error", "-i", str(path), "-map", "0:V:0", "-c", "copy", "-bsf:v", "null", "-f", "hash"]
    return subprocess.run([*command, "-"], check=True, capture_output=True, text=True).stdout


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve seconds, in which "speech", a tone, is heard from the fourth to the eighth."""
    speech = ("-af", "volume='if(between(t,4,8),1,0)':eval=frame")
    return film_of(tmp_path_factory.mktemp("talk") / "talk.mp4", 12, *speech)


def test_the_music_goes_down_under_the_speech_and_comes_back(talk: Path, tmp_path: Path) -> None:
    sound = heard(muxed(talk, tmp_path / "out"))
    before, under, after = (level_db(sound, MUSIC_HZ, *span) for span in ((1, 3.5), (5, 7.5), (10, 11.5)))
    assert before == pytest.approx(after, abs=1)
    assert before - under > 8
    # The speech is as loud as it was, and the music between softer than it.
    speech = level_db(heard(talk), SPEECH_HZ, 5, 7.5)
    assert level_db(sound, SPEECH_HZ, 5, 7.5) == pytest.approx(speech, abs=1)
    assert before < speech


def test_soft_speech_presses_the_music_down_as_well(talk: Path, tmp_path: Path) -> None:
    soft = make(tmp_path / "soft.mp4", "-i", str(talk), "-c:v", "copy", "-af", "volume=-25dB")
    sound = heard(muxed(soft, tmp_path / "out", speech_db=-46.0))
    assert level_db(sound, MUSIC_HZ, 1, 3.5) - level_db(sound, MUSIC_HZ, 5, 7.5) > 8
    assert level_db(sound, MUSIC_HZ, 1, 3.5) < level_db(sound, SPEECH_HZ, 5, 7.5)


def test_pictures_are_copied_and_the_length_stays(talk: Path, tmp_path: Path) -> None:
    done = muxed(talk, tmp_path)
    assert done == tmp_path / "scored.mp4"
    assert pictures(done) == pictures(talk)
    ours, theirs = (float(asked(path, "format=duration")[0]) for path in (done, talk))
    assert ours == pytest.approx(theirs, abs=0.05)


@pytest.mark.parametrize(
    ("name", "packed"),
    [
        ("film.mov", "scored.mov"),
        ("film.mkv", "scored.mkv"),
        ("film.webm", "scored.webm"),
        ("film.avi", "scored.mkv"),
        ("film.ts", "scored.mkv"),
        ("film.mpg", "scored.mkv"),
    ],
)
def test_the_container_stays_or_is_matroska(tmp_path: Path, name: str, packed: str) -> None:
    film = film_of(tmp_path / name, 2)
    done = muxed(film, tmp_path / "out")
    assert done.name == packed
    assert pictures(done).split("=")[0] == "SHA256"
    assert asked(done, "stream=codec_name")[0] == asked(film, "stream=codec_name")[0]
    assert float(asked(done, "format=duration")[0]) == pytest.approx(2, abs=0.15)


def test_pictures_that_the_container_does_not_hold_come_in_matroska(tmp_path: Path) -> None:
    odd = film_of(tmp_path / "odd.mkv", 1, "-c:v", "ffv1").rename(tmp_path / "odd.webm")
    assert muxed(odd, tmp_path / "out").name == "scored.mkv"


def test_a_turned_film_stays_turned(tmp_path: Path) -> None:
    film = film_of(tmp_path / "film.mp4", 1)
    turned = make(tmp_path / "turned.mp4", "-i", str(film), "-c", "copy", "-metadata:s:v", "rotate=90")
    rotation = asked(turned, "stream_side_data=rotation")
    assert rotation
    assert asked(muxed(turned, tmp_path / "out"), "stream_side_data=rotation") == rotation


def test_sound_that_begins_late_keeps_its_time(tmp_path: Path) -> None:
    sources = ("-f", "lavfi", "-i", PICTURE, "-itsoffset", "2", "-f", "lavfi", "-i", TONE)
    late = make(tmp_path / "late.mkv", *sources, "-t", "4")
    sound = heard(muxed(late, tmp_path / "out"))
    assert level_db(sound, SPEECH_HZ, 0.2, 1.8) < level_db(sound, SPEECH_HZ, 2.2, 3.8) - 40


def test_a_silent_film_gets_the_music_alone(tmp_path: Path) -> None:
    film = make(tmp_path / "silent.mp4", "-f", "lavfi", "-i", PICTURE, "-t", "3")
    sound = heard(muxed(film, tmp_path / "out", speech_db=None))
    assert level_db(sound, MUSIC_HZ, 0.5, 2.5) > -40
    assert len(sound) / 48_000 == pytest.approx(3, abs=0.05)


def test_sound_alone_gets_its_music(tmp_path: Path) -> None:
    tone = make(tmp_path / "tone.flac", "-f", "lavfi", "-i", TONE, "-t", "2")
    done = muxed(tone, tmp_path / "out")
    assert done.name == "scored.m4a"
    assert asked(done, "stream=codec_type") == ["audio"]


def test_a_name_that_looks_like_an_option_or_an_address_is_a_name(talk: Path, tmp_path: Path) -> None:
    odd = tmp_path / "-i http:%03d [x];'.mp4"
    odd.write_bytes(talk.read_bytes())
    assert muxed(odd, tmp_path / "out").exists()


def test_what_ffmpeg_can_not_read_is_told_and_leaves_nothing(talk: Path, tmp_path: Path) -> None:
    film = look(talk)
    broken = tmp_path / "score.wav"
    broken.write_bytes(b"no sound")
    with pytest.raises(CommandError, match=r"ffmpeg can't put the music to .*talk\.mp4"):
        mux(film, broken, tmp_path, speech_db=None, music_db=-20, progress=lambda _: None)
    assert list(tmp_path.iterdir()) == [broken]


def test_without_ffmpeg_it_says_what_to_install(talk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    film = look(talk)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(CommandError, match="apt install ffmpeg"):
        mux(film, tmp_path / "score.wav", tmp_path, speech_db=None, music_db=-20, progress=lambda _: None)
