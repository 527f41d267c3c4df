from __future__ import annotations

import numpy as np
import pytest
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st

from robotd.music.scan import sound as module
from robotd.music.scan.sound import key_of, log_windows, mel_picture, tempo_of
from robotd.perceive.features.song_mel import LOG_BANDS, LOG_FRAMES, LOG_RATE_HZ, song_log_frequency, song_picture
from tests.music.scan.sounds import A_MINOR, C_MAJOR, RATE_HZ, music, noise


@settings(max_examples=20, deadline=None)
@given(n=st.integers(1, 5 * 8192))
def test_a_picture_drawn_in_pieces_is_that_of_the_whole(n: int) -> None:
    pieces, whole = module._PIECE, noise(5 * 8192 / RATE_HZ)[:n]
    module._PIECE = 8192
    try:
        # Sums of other lengths may be rounded otherwise.
        np.testing.assert_allclose(mel_picture(whole), song_picture(whole), rtol=1e-5, atol=1e-6)
    finally:
        module._PIECE = pieces


def test_log_windows_are_cut_out_of_the_picture_of_the_whole() -> None:
    song = noise(40)
    whole = song_log_frequency(soxr.resample(song, RATE_HZ, LOG_RATE_HZ))
    windows = log_windows(song, 3)
    for start, window in zip((0, 468, 937), windows, strict=True):
        assert np.abs(window - whole[start : start + LOG_FRAMES])[:-2].max() < 0.02


@pytest.mark.parametrize(("seconds", "count"), [(3, 1), (10, 1), (14, 1), (15.5, 2), (31, 3), (600, 8)])
def test_log_windows_are_as_many_as_are_worth_it(seconds: float, count: int) -> None:
    assert log_windows(noise(seconds), 8).shape == (count, LOG_FRAMES, LOG_BANDS)


@pytest.mark.parametrize("tempo_bpm", [62, 75, 96, 120, 133])
def test_the_tempo_is_that_of_the_beat(tempo_bpm: float) -> None:
    heard = tempo_of(mel_picture(music(30.0, tempo_bpm)))
    assert heard == pytest.approx(tempo_bpm, rel=0.01)


def test_a_fast_beat_may_be_felt_at_half() -> None:
    heard = tempo_of(mel_picture(music(30.0, 190)))
    assert heard is not None
    assert min(abs(heard - 190), abs(heard - 95)) < 2


def test_noise_and_a_moment_have_no_tempo() -> None:
    assert tempo_of(mel_picture(noise(30))) is None
    assert tempo_of(mel_picture(music(3.0))) is None
    assert tempo_of(mel_picture(np.zeros(RATE_HZ * 20, np.float32))) is None


@pytest.mark.parametrize(("chords", "name"), [(C_MAJOR, "C major"), (A_MINOR, "A minor")])
@pytest.mark.parametrize("up", [0, 3, 11])
def test_the_key_is_that_of_the_chords(chords: tuple[tuple[int, ...], ...], name: str, up: int) -> None:
    heard = key_of(mel_picture(music(16.0, chords=tuple(tuple(pitch + up for pitch in chord) for chord in chords))))
    tonic, mode = name.split()
    names = module.NAMES_OF_KEYS
    assert heard == f"{names[(names.index(tonic) + up) % 12]} {mode}"


def test_silence_has_no_key() -> None:
    assert key_of(mel_picture(np.zeros(RATE_HZ, np.float32))) == ""
