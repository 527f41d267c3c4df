from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from robotd.perceive.features import spectral
from robotd.perceive.features.mel import power_spectrogram

CHROMA = slice(13, 25)


def speech_like(seconds: float, seed: int = 0) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    """A gliding buzz that comes and goes, over a little noise."""
    rng = np.random.default_rng(seed)
    time_s = np.arange(int(seconds * 16000)) / 16000
    buzz = np.sign(np.sin(2 * np.pi * (120 + 30 * time_s) * time_s)) * np.maximum(0, np.sin(2 * np.pi * 1.5 * time_s))
    return (0.2 * buzz + 0.001 * rng.standard_normal(len(time_s))).astype(np.float32)


def test_chroma_filters_are_librosas() -> None:
    filters = pytest.importorskip("librosa.filters", reason="librosa, the reference, is not installed")
    for rate_hz, n_fft in ((16000, 1024), (22050, 2048)):
        theirs = filters.chroma(sr=rate_hz, n_fft=n_fft, tuning=0.0)
        np.testing.assert_allclose(spectral.chroma_filter_bank(rate_hz, n_fft), theirs, atol=1e-6)


def test_all_27_features_are_librosas() -> None:
    librosa = pytest.importorskip("librosa", reason="librosa, the reference, is not installed")
    sound = speech_like(2.3)
    ours = spectral.frame_features(sound)
    magnitudes = np.abs(librosa.stft(sound / np.abs(sound).max(), n_fft=1024, hop_length=256))
    frames = magnitudes.shape[1]
    bands = librosa.feature.melspectrogram(S=magnitudes**2, sr=16000, n_mels=64, fmin=0.0, fmax=8000.0)
    cepstra = librosa.feature.mfcc(S=librosa.power_to_db(bands, ref=np.max, top_db=80.0), n_mfcc=13)
    np.testing.assert_allclose(ours[:frames, :13], cepstra.T, atol=2e-2)
    chroma = librosa.feature.chroma_stft(S=magnitudes**2, sr=16000, tuning=0.0)
    np.testing.assert_allclose(ours[:frames, CHROMA], chroma.T, atol=1e-3)
    rms = librosa.feature.rms(S=magnitudes, frame_length=1024)[0]
    np.testing.assert_allclose(ours[:frames, 25], np.maximum(rms / rms.max(), 1e-4), atol=1e-3)
    centroid = librosa.feature.spectral_centroid(S=magnitudes, sr=16000)[0]
    np.testing.assert_allclose(ours[:frames, 26], centroid / 1000, atol=1e-3)


@settings(deadline=None)
@given(level_db=st.floats(-90, 0), seconds=st.floats(0.1, 8.0))
def test_level_does_not_matter(level_db: float, seconds: float) -> None:
    sound = speech_like(seconds)
    quieter = (sound * 10 ** (level_db / 20)).astype(np.float32)
    np.testing.assert_allclose(spectral.frame_features(quieter), spectral.frame_features(sound), atol=5e-2)


@settings(deadline=None)
@given(seconds=st.floats(0.0, 8.0), seed=st.integers(0, 99))
def test_features_have_their_shape_and_padding_is_zero(seconds: float, seed: int) -> None:
    sound = speech_like(seconds, seed)
    features = spectral.frame_features(sound)
    assert features.shape == (501, 27)
    assert features.dtype == np.float32
    frames = 1 + len(sound) // 256 if np.any(sound) else 0
    assert (features[:frames, 25] > 0).all()
    assert not features[frames:].any()


@pytest.mark.parametrize(("name", "hz"), [("c", 523.25), ("a", 880.0), ("f#", 739.99)])
def test_a_tone_lights_its_pitch_class(name: str, hz: float) -> None:
    tone = np.sin(2 * np.pi * hz * np.arange(16000) / 16000).astype(np.float32)
    features = spectral.frame_features(tone)
    assert spectral.NAMES[13 + int(features[20, CHROMA].argmax())] == f"chroma_{name}"
    assert features[20, 26] == pytest.approx(hz / 1000, abs=0.05)


def test_rms_is_that_of_the_samples() -> None:
    tone = np.sin(2 * np.pi * 440 * np.arange(16000) / 16000).astype(np.float32)
    loud = spectral.rms(power_spectrogram(tone, 1024, 256))
    # The mean square of a Hann window is 3/8.
    assert loud[30] == pytest.approx(np.sqrt(0.5 * 3 / 8), rel=1e-3)


@pytest.mark.parametrize("samples", [0, 1, 16000, 128000])
def test_silence_is_all_zeros(samples: int) -> None:
    assert not spectral.frame_features(np.zeros(samples, np.float32)).any()


def test_cosines_are_orthonormal() -> None:
    rows = spectral.cosines(13, 64)
    np.testing.assert_allclose(rows @ rows.T, np.eye(13), atol=1e-5)


def test_more_than_eight_seconds_or_stereo_is_refused() -> None:
    with pytest.raises(ValueError, match=r"at most 8 s, not 8\.50 s"):
        spectral.frame_features(np.zeros(136000, np.float32))
    with pytest.raises(ValueError, match="mono"):
        spectral.frame_features(np.zeros((16000, 2), np.float32))
