from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from robotd.perceive.features import mel


def speech_like(seconds: float, seed: int = 0) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    """A gliding buzz that comes and goes, over a little noise."""
    rng = np.random.default_rng(seed)
    time_s = np.arange(int(seconds * mel.RATE_HZ)) / mel.RATE_HZ
    buzz = np.sign(np.sin(2 * np.pi * (120 + 30 * time_s) * time_s)) * np.maximum(0, np.sin(2 * np.pi * 1.5 * time_s))
    return (0.2 * buzz + 0.001 * rng.standard_normal(len(time_s))).astype(np.float32)


def test_filter_bank_is_librosas() -> None:
    filters = pytest.importorskip("librosa.filters", reason="librosa, the reference, is not installed")
    for rate_hz, n_fft, bands, low, high in ((16000, 1024, 128, 20.0, 8000.0), (22050, 2048, 64, 0.0, 11025.0)):
        ours = mel.mel_filter_bank(rate_hz, n_fft, bands, low, high)
        theirs = filters.mel(sr=rate_hz, n_fft=n_fft, n_mels=bands, fmin=low, fmax=high)
        assert np.abs(ours - theirs).max() < 1e-6


def test_power_spectrogram_is_librosas() -> None:
    librosa = pytest.importorskip("librosa", reason="librosa, the reference, is not installed")
    sound = speech_like(3.1)
    theirs = np.abs(librosa.stft(sound, n_fft=1024, hop_length=512)) ** 2
    np.testing.assert_allclose(mel.power_spectrogram(sound, 1024, 512), theirs.T, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("seconds", [0.3, 2.5, 8.0])
def test_log_mel_is_librosas(seconds: float) -> None:
    librosa = pytest.importorskip("librosa", reason="librosa, the reference, is not installed")
    sound = speech_like(seconds)
    padded = np.pad(sound, (0, int(mel.WINDOW_S * mel.RATE_HZ) - len(sound)))
    power = librosa.feature.melspectrogram(
        y=padded, sr=16000, n_fft=1024, hop_length=512, n_mels=128, fmin=20, fmax=8000
    )
    theirs = 1 + librosa.power_to_db(power, ref=np.max, top_db=80).T / 80
    assert np.abs(mel.log_mel(sound) - theirs).max() < 1e-4


def test_each_filter_has_unit_area() -> None:
    bank = mel.mel_filter_bank(16000, 4096, 40, 20.0, 8000.0)
    np.testing.assert_allclose(bank.sum(axis=1) * 16000 / 4096, 1.0, rtol=0.02)


@given(level_db=st.floats(-90, 0), seconds=st.floats(0.1, 8.0))
def test_level_does_not_matter(level_db: float, seconds: float) -> None:
    sound = speech_like(seconds)
    quieter = (sound * 10 ** (level_db / 20)).astype(np.float32)
    np.testing.assert_allclose(mel.log_mel(quieter), mel.log_mel(sound), atol=1e-4)


@given(seconds=st.floats(0.0, 8.0), seed=st.integers(0, 99))
def test_picture_has_its_shape_and_range(seconds: float, seed: int) -> None:
    picture = mel.log_mel(speech_like(seconds, seed))
    assert picture.shape == (251, 128)
    assert picture.dtype == np.float32
    assert picture.min() >= 0.0
    assert picture.max() <= 1.0


def test_padding_reads_zero_and_loudest_bin_one() -> None:
    sound = speech_like(2.0)
    picture = mel.log_mel(sound)
    last_frame = 1 + (len(sound) + mel.N_FFT // 2) // mel.HOP
    assert not picture[last_frame:].any()
    assert picture[: last_frame - 2].max() == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize("samples", [0, 1, 16000, 128000])
def test_silence_is_all_zeros(samples: int) -> None:
    assert not mel.log_mel(np.zeros(samples, np.float32)).any()


def test_a_tone_lights_its_band() -> None:
    tone = np.sin(2 * np.pi * 1000 * np.arange(16000) / 16000).astype(np.float32)
    band = int(mel.log_mel(tone)[10].argmax())
    centres_hz = np.fft.rfftfreq(1024, 1 / 16000)[mel.mel_filter_bank(16000, 1024, 128, 20.0, 8000.0).argmax(axis=1)]
    assert centres_hz[band] == pytest.approx(1000, abs=16)


def test_more_than_eight_seconds_is_refused() -> None:
    with pytest.raises(ValueError, match=r"at most 8 s, not 8\.50 s"):
        mel.log_mel(np.zeros(136000, np.float32))


def test_stereo_is_refused() -> None:
    with pytest.raises(ValueError, match="mono"):
        mel.log_mel(np.zeros((16000, 2), np.float32))
