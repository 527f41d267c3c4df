from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from robotd.perceive.features import prosody as measures
from robotd.perceive.features.prosody import jitter_and_shimmer, prosody, runs
from robotd.perceive.features.speech_statistics import NAMES, PROSODIC, SPECTRAL, paths, statistics

Sound = np.ndarray[tuple[int], np.dtype[np.float32]]


def voice(hz: float, seconds: float = 1.0) -> Sound:
    """A steady tone with five harmonics that grow weaker."""
    time_s = np.arange(int(seconds * 16000)) / 16000
    sound = np.zeros(len(time_s))
    for k in range(1, 6):
        sound += 0.2 * np.cos(2 * np.pi * hz * k * time_s) / k
    return sound.astype(np.float32)


def pulses(periods: np.ndarray[tuple[int], np.dtype[np.int64]], heights: Sound) -> Sound:
    """A train of smooth pulses with given distances in samples and heights."""
    at = np.cumsum(periods) - periods[0] // 2
    sound = np.zeros(int(at[-1]) + 60, np.float32)
    bump = np.hanning(41).astype(np.float32)
    for place, height in zip(at, heights, strict=True):
        sound[place - 20 : place + 21] += height * bump
    return sound


@pytest.mark.parametrize("hz", [80.0, 120.0, 210.0, 330.0, 440.0])
def test_pitch_of_a_tone(hz: float) -> None:
    measured = prosody(voice(hz))
    middle = slice(10, -10)
    np.testing.assert_allclose(measured.f0_hz[middle], hz, rtol=5e-3)
    assert (measured.strength[middle] > 0.95).all()


def test_pitch_follows_a_glide() -> None:
    time_s = np.arange(32000) / 16000
    phase = 2 * np.pi * (120 * time_s + 20 * time_s**2)
    glide = (0.2 * (np.sin(phase) + np.sin(2 * phase) / 2)).astype(np.float32)
    measured = prosody(glide)
    expected = 120 + 40 * np.arange(len(measured.f0_hz)) / 100
    np.testing.assert_allclose(measured.f0_hz[10:-10], expected[10:-10], rtol=2e-2)


def test_pitch_agrees_with_librosas_yin() -> None:
    librosa = pytest.importorskip("librosa", reason="librosa, the reference, is not installed")
    time_s = np.arange(24000) / 16000
    phase = 2 * np.pi * np.cumsum(150 + 30 * np.sin(2 * np.pi * 2 * time_s)) / 16000
    sound = (0.2 * (np.sin(phase) + np.sin(2 * phase + 1) / 2 + np.sin(3 * phase) / 3)).astype(np.float32)
    theirs = librosa.yin(sound, fmin=75, fmax=600, sr=16000, frame_length=1024, hop_length=160)
    np.testing.assert_allclose(prosody(sound).f0_hz[10:140], theirs[10:140], rtol=3e-2)


def test_noise_and_silence_have_no_pitch() -> None:
    noise = np.random.default_rng(0).standard_normal(16000).astype(np.float32)
    assert (prosody(noise).f0_hz > 0).mean() < 0.1
    assert not prosody(np.zeros(16000, np.float32)).f0_hz.any()


def test_intensity_is_relative_to_the_loudest() -> None:
    sound = np.concatenate([voice(150), 0.1 * voice(150), np.zeros(16000, np.float32)]).astype(np.float32)
    level_db = prosody(sound).intensity_db
    assert level_db[50] == pytest.approx(0, abs=0.3)
    assert level_db[150] == pytest.approx(-20, abs=0.3)
    assert level_db[250] == pytest.approx(-60)


def test_crossings_of_a_tone() -> None:
    tone = np.sin(2 * np.pi * 1000 * np.arange(16000) / 16000 + 0.1).astype(np.float32)
    assert prosody(tone).crossings_hz[50] == pytest.approx(2000, rel=0.02)


def test_jitter_and_shimmer_are_what_was_put_in() -> None:
    rng = np.random.default_rng(0)
    periods = 100 + rng.integers(-3, 4, 100)
    heights = (0.5 * (1 + 0.05 * rng.uniform(-1, 1, 100))).astype(np.float32)
    sound = pulses(periods, heights)
    jitter, shimmer = jitter_and_shimmer(sound, np.full(len(sound) // 160, 160.0, np.float32))
    between = np.diff(np.cumsum(periods))
    assert jitter == pytest.approx(np.abs(np.diff(between)).mean() / between.mean(), rel=0.05)
    assert shimmer == pytest.approx(np.abs(np.diff(heights)).mean() / heights.mean(), rel=0.05)


def test_a_steady_voice_has_hardly_any_jitter_or_shimmer() -> None:
    measured = prosody(voice(125))
    assert measured.jitter < 0.002
    assert measured.shimmer < 0.01


@pytest.mark.parametrize(
    ("mask", "expected"),
    [([], []), ([0, 0], []), ([1], [(0, 0)]), ([1, 1, 0, 1], [(0, 1), (3, 3)]), ([0, 1, 1], [(1, 2)])],
)
def test_runs(mask: list[int], expected: list[tuple[int, int]]) -> None:
    assert runs(np.array(mask, bool)) == expected


def test_stereo_is_refused() -> None:
    with pytest.raises(ValueError, match="mono"):
        prosody(np.zeros((16000, 2), np.float32))


def test_the_two_paths_have_their_names() -> None:
    prosodic, spectral = paths(voice(200))
    assert (tuple(prosodic), tuple(spectral)) == (PROSODIC, SPECTRAL)
    assert len(set(NAMES)) == len(NAMES) == len(statistics(voice(200)))


@settings(deadline=None)
@given(kind=st.sampled_from(["zeros", "ones", "noise", "click", "tone"]), samples=st.integers(0, 20_000))
def test_statistics_of_any_sound_are_finite(kind: str, samples: int) -> None:
    sound = {
        "zeros": np.zeros(samples),
        "ones": np.ones(samples),
        "noise": np.random.default_rng(samples).standard_normal(samples),
        "click": np.eye(1, samples, samples // 2)[0],
        "tone": np.sin(np.arange(samples) / 10),
    }[kind].astype(np.float32)
    values = statistics(sound)
    assert values.shape == (len(NAMES),)
    assert np.isfinite(values).all()


@settings(deadline=None)
@given(level_db=st.floats(-80, 0))
def test_level_does_not_matter_to_statistics(level_db: float) -> None:
    sound = voice(180) * np.hanning(16000).astype(np.float32)
    quieter = (sound * 10 ** (level_db / 20)).astype(np.float32)
    np.testing.assert_allclose(statistics(quieter), statistics(sound), atol=0.2, rtol=0.02)


def test_a_higher_voice_has_a_higher_pitch_in_semitones() -> None:
    median = NAMES.index("pitch_median")
    low, high = statistics(voice(110))[median], statistics(voice(220))[median]
    assert high - low == pytest.approx(12, abs=0.1)
    assert low == pytest.approx(12 * np.log2(110 / 55), abs=0.1)


def test_a_breathier_voice_has_less_harmonicity() -> None:
    noise = 0.1 * np.random.default_rng(0).standard_normal(16000).astype(np.float32)
    which = NAMES.index("harmonicity_mean")
    assert statistics(voice(200) + noise)[which] < statistics(voice(200))[which] - 3


def test_window_and_steps_fit_each_other() -> None:
    assert measures.HOP * measures.HOPS_A_SECOND == 16000
