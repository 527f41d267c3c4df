from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from robotd.perceive.features import song_mel

Sound = np.ndarray[tuple[int], np.dtype[np.float32]]


def chord(numbers: tuple[int, ...], seconds: float, rate_hz: int) -> Sound:
    """A chord of MIDI notes, each with two overtones, over a little noise."""
    time_s = np.arange(int(seconds * rate_hz)) / rate_hz
    sound = 0.001 * np.random.default_rng(0).standard_normal(len(time_s))
    for number in numbers:
        hz = 440.0 * 2.0 ** ((number - 69) / 12.0)
        sound += sum(0.1 / n * np.sin(2.0 * np.pi * n * hz * time_s) for n in (1, 2, 3))
    return sound.astype(np.float32)


def test_log_mel_is_librosas() -> None:
    librosa = pytest.importorskip("librosa", reason="librosa, the reference, is not installed")
    sound = chord((60, 64, 67), 2.3, 16_000)
    power = librosa.feature.melspectrogram(y=sound, sr=16_000, n_fft=512, hop_length=256, n_mels=96)
    np.testing.assert_allclose(song_mel.song_log_mel(sound), np.log10(1.0 + 10_000.0 * power).T, atol=1e-3)


def test_log_frequency_frames_are_librosas() -> None:
    librosa = pytest.importorskip("librosa", reason="librosa, the reference, is not installed")
    sound = chord((57, 60, 64), 3.0, 22_050)
    # Every fifth frame is a whole number of samples (3528) after the last, which librosa's hop must be.
    magnitude = np.abs(librosa.stft(sound, n_fft=2048, hop_length=3528))
    theirs = np.log10(1.0 + song_mel.log_filter_bank() @ magnitude).T
    ours = song_mel.song_log_frequency(sound)[::5]
    np.testing.assert_allclose(ours, theirs[: len(ours)], atol=1e-3)


def test_ten_seconds_are_the_picture_of_the_paper() -> None:
    picture = song_mel.song_log_frequency(np.zeros(220_500, np.float32))
    assert picture.shape == (313, 149)
    assert not picture.any()


def test_bands_are_a_quarter_tone_apart_where_bins_are_close_enough() -> None:
    band_hz = song_mel.log_band_hz()
    assert len(band_hz) == song_mel.LOG_BANDS
    steps = np.diff(np.log2(band_hz[band_hz > 1_000.0])) * 24.0
    assert steps.mean() == pytest.approx(1.0, abs=0.01)
    assert (np.diff(band_hz) > 0.0).all()


@pytest.mark.parametrize("hz", [220.0, 440.0, 1_760.0, 7_040.0])
def test_a_tone_lights_the_band_of_its_frequency(hz: float) -> None:
    tone = np.sin(2.0 * np.pi * hz * np.arange(22_050) / 22_050).astype(np.float32)
    band = int(song_mel.song_log_frequency(tone)[15].argmax())
    assert song_mel.log_band_hz()[band] == pytest.approx(hz, rel=0.03)


@pytest.mark.parametrize("number", range(57, 69))
def test_each_note_lights_its_pitch_class(number: int) -> None:
    strengths = song_mel.pitch_classes(chord((number,), 1.0, 16_000))[3]
    assert int(strengths.argmax()) == number % 12


def test_a_chord_is_three_pitch_classes() -> None:
    strengths = song_mel.pitch_classes(chord((60, 64, 67), 2.0, 16_000))[8]
    assert set(np.argsort(strengths)[-3:]) == {0, 4, 7}


@given(samples=st.integers(1, 40_000))
def test_a_picture_has_a_frame_for_every_hop_and_classes_for_every_eighth(samples: int) -> None:
    picture = song_mel.song_picture(chord((60,), samples / 16_000 + 1e-6, 16_000)[:samples])
    assert picture.shape == (1 + samples // 256, 108)
    assert picture.dtype == np.float32
    classes = picture[:, 96:]
    np.testing.assert_array_equal(classes, np.repeat(classes[::8], 8, axis=0)[: len(classes)])


def test_stereo_is_refused() -> None:
    for draw in (song_mel.song_picture, song_mel.song_log_frequency):
        with pytest.raises(ValueError, match="mono"):
            draw(np.zeros((1000, 2), np.float32))
