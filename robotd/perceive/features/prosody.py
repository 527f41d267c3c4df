"""How something is said: pitch, intensity, zero crossings, jitter and shimmer of speech, frame by frame.

Pitch follows P. Boersma, "Accurate short-term analysis of the fundamental frequency and the harmonics-to-noise ratio of
a sampled sound", IFA Proceedings 17 (1993), 97-110: peaks of the autocorrelation, divided by that of the window, with
the cheapest path through them. Numbers without another source are the defaults given there.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from robotd.perceive.features.mel import RATE_HZ

if TYPE_CHECKING:
    from numpy.typing import NDArray

HOP = RATE_HZ // 100
HOPS_A_SECOND = RATE_HZ // HOP
#: Three periods of the lowest pitch are under a window of 40 ms.
LOWEST_HZ, HIGHEST_HZ = 75.0, 600.0
_WINDOW = int(3 * RATE_HZ / LOWEST_HZ)
_N_FFT = 1024
_CANDIDATES = 5
_VOICING_THRESHOLD, _SILENCE_THRESHOLD = 0.45, 0.03
_OCTAVE_COST, _OCTAVE_JUMP_COST, _VOICING_COST = 0.01, 0.35, 0.14
#: The costs of changes are meant for steps of 10 ms, which HOP is.
_NEVER = 1e9
#: Lowest intensity that is told, below the loudest frame.
QUIETEST_DB = -60.0
#: Periods that differ by more than 1.3 times, and peaks by more than 1.6 times, are no neighbours (Praat's manual,
#: "Voice 2. Jitter" and "Voice 3. Shimmer").
_PERIOD_FACTOR, _PEAK_FACTOR = 1.3, 1.6


@dataclass(frozen=True, slots=True, eq=False)
class Prosody:
    """What is measured every 10 ms, each array [frames] float32, and of the periods of the voice.

    Attributes:
        f0_hz: pitch, 0 where there is no voice.
        strength: autocorrelation at the period, 0..1; 0 where there is no voice.
        intensity_db: of a frame of 40 ms, 0 for the loudest and at least -60.
        crossings_hz: how often the sound changes its sign, a second.
        jitter: mean difference between neighbouring periods, as a share of the mean period ("local").
        shimmer: mean difference between the heights of neighbouring periods, as a share of the mean height ("local").
    """

    f0_hz: NDArray[np.float32]
    strength: NDArray[np.float32]
    intensity_db: NDArray[np.float32]
    crossings_hz: NDArray[np.float32]
    jitter: float
    shimmer: float


def prosody(samples: NDArray[np.float32]) -> Prosody:
    """Measure an utterance.

    Args:
        samples: [n] float32, mono, 16 kHz. The level does not matter.

    Raises:
        ValueError: the sound is not mono.
    """
    if samples.ndim != 1:
        raise ValueError(f"prosody takes mono sound of shape [n], not {list(samples.shape)}")
    peak = float(np.abs(samples).max(initial=0.0))
    sound = samples / np.float32(peak) if peak > 0.0 else samples
    frames = _frames(sound)
    intensity_db = _intensity_db(frames)
    f0_hz, strength = _pitch(frames)
    jitter, shimmer = jitter_and_shimmer(sound, f0_hz)
    return Prosody(f0_hz, strength, intensity_db, _crossings_hz(frames), jitter, shimmer)


def _frames(sound: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return windows centred on each hop, [1 + n // hop, window]."""
    padded = np.pad(sound, _WINDOW // 2)
    frames: NDArray[np.float32] = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[::HOP]
    return frames


def _intensity_db(frames: NDArray[np.float32]) -> NDArray[np.float32]:
    power = np.einsum("ij,ij->i", frames, frames)
    loudest = float(power.max(initial=0.0))
    if loudest <= 0.0:
        return np.full(len(frames), QUIETEST_DB, np.float32)
    level: NDArray[np.float32] = 10.0 * np.log10(np.maximum(power / loudest, 10.0 ** (QUIETEST_DB / 10.0)))
    return level


def _crossings_hz(frames: NDArray[np.float32]) -> NDArray[np.float32]:
    negative = np.signbit(frames)
    crossings = (negative[:, 1:] != negative[:, :-1]).sum(axis=1)
    rate_hz: NDArray[np.float32] = (crossings * (RATE_HZ / (_WINDOW - 1))).astype(np.float32)
    return rate_hz


@lru_cache(maxsize=1)
def _window() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return a Hann window and its normalised autocorrelation for the lags that are looked at."""
    window = np.hanning(_WINDOW).astype(np.float32)
    own = np.fft.irfft(np.abs(np.fft.rfft(window, _N_FFT)) ** 2)[: int(RATE_HZ / LOWEST_HZ) + 2]
    return window, (own / own[0]).astype(np.float32)


def autocorrelation(frames: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the autocorrelation of [frames, window], [frames, lags] float32; 1 at lag 0 and for perfect periods."""
    window, own = _window()
    centred = (frames - frames.mean(axis=1, keepdims=True)) * window
    spectrum = np.fft.rfft(centred, _N_FFT, axis=1)
    products = np.fft.irfft(spectrum.real**2 + spectrum.imag**2, axis=1)[:, : len(own)]
    energy = products[:, :1]
    correlation: NDArray[np.float32] = np.where(energy > 0.0, products / np.where(energy > 0.0, energy, 1.0), 0.0)
    return (correlation / own).astype(np.float32)


def _pitch(frames: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return pitch and strength of each frame along the cheapest path."""
    lags, heights = _peaks(autocorrelation(frames))
    loudness = np.abs(frames).max(axis=1)
    loudness = loudness / max(float(loudness.max()), 1e-9)
    silent = np.maximum(0.0, 2.0 - loudness * (1.0 + _VOICING_THRESHOLD) / _SILENCE_THRESHOLD)
    there = heights > 0.0
    gains = np.where(there, heights - _OCTAVE_COST * np.log2(LOWEST_HZ * lags / RATE_HZ), -_NEVER)
    gains = np.concatenate([(_VOICING_THRESHOLD + silent)[:, None], gains], axis=1)
    octaves = np.concatenate([np.zeros((len(lags), 1)), np.log2(lags)], axis=1)
    path = _best_path(gains, octaves)
    voiced = path > 0
    chosen = np.maximum(path - 1, 0)[:, None]
    f0_hz = np.where(voiced, RATE_HZ / np.take_along_axis(lags, chosen, 1)[:, 0], 0.0).astype(np.float32)
    strength = np.where(voiced, np.take_along_axis(heights, chosen, 1)[:, 0], 0.0).astype(np.float32)
    return f0_hz, strength


def _peaks(correlation: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return lags and heights of the highest peaks of each frame, [frames, candidates]; height 0: there is none."""
    first, last = int(RATE_HZ / HIGHEST_HZ), correlation.shape[1] - 1
    three = [correlation[:, first + i : last + i].astype(np.float64) for i in (-1, 0, 1)]
    peaks = (three[1] > three[0]) & (three[1] >= three[2]) & (three[1] > 0.5 * _VOICING_THRESHOLD)
    places = np.argpartition(-np.where(peaks, three[1], -1.0), _CANDIDATES, axis=1)[:, :_CANDIDATES]
    before, at, after = (np.take_along_axis(part, places, 1) for part in three)
    is_peak = np.take_along_axis(peaks, places, 1)
    # A parabola through three points has its top here.
    bend = np.where(is_peak, 2.0 * at - before - after, 1.0)
    shift = np.where(is_peak, 0.5 * (after - before) / bend, 0.0)
    heights = np.where(is_peak, at + 0.25 * (after - before) * shift, 0.0)
    lags = (places + first).astype(np.float64) + shift
    return lags, np.where(heights > 1.0, 1.0 / np.maximum(heights, 1.0), heights)


def _best_path(gains: NDArray[np.float64], octaves: NDArray[np.float64]) -> NDArray[np.intp]:
    """Return which candidate to take in each frame (Viterbi); candidate 0 is no voice, `octaves` are log2 of lags."""
    count, candidates = gains.shape
    changes = np.empty((max(0, count - 1), candidates, candidates))
    changes[:] = _OCTAVE_JUMP_COST * np.abs(octaves[:-1, :, None] - octaves[1:, None, :])
    changes[:, 0, 1:] = changes[:, 1:, 0] = _VOICING_COST
    changes[:, 0, 0] = 0.0
    back = np.zeros((count, candidates), np.intp)
    total = gains[0]
    columns = np.arange(candidates)
    for i in range(1, count):
        ways = total[:, None] - changes[i - 1]
        back[i] = ways.argmax(axis=0)
        total = ways[back[i], columns] + gains[i]
    path = np.empty(count, np.intp)
    path[-1] = total.argmax()
    for i in range(count - 1, 0, -1):
        path[i - 1] = back[i, path[i]]
    return path


def jitter_and_shimmer(sound: NDArray[np.float32], f0_hz: NDArray[np.float32]) -> tuple[float, float]:
    """Return jitter and shimmer ("local"), 0 where no two neighbouring periods are found.

    Each voiced stretch is followed from peak to peak, the next being looked for within a fifth of a period from where
    pitch expects it (peak picking; Titze & Liang 1993, "Comparison of F0 extraction methods for high-precision voice
    perturbation measurements").
    """
    period_steps, periods, height_steps, heights = [], [], [], []
    for first, last in runs(f0_hz > 0.0):
        at, height = _pulses(sound, f0_hz, first, last)
        if len(at) <= 2:  # noqa: PLR2004 - two periods have three peaks
            continue
        period = np.diff(at)
        near = np.maximum(period[1:], period[:-1]) <= _PERIOD_FACTOR * np.minimum(period[1:], period[:-1])
        period_steps.append(np.abs(np.diff(period))[near])
        periods.append(period)
        alike = np.maximum(height[1:], height[:-1]) <= _PEAK_FACTOR * np.minimum(height[1:], height[:-1])
        height_steps.append(np.abs(np.diff(height))[alike])
        heights.append(height)
    return _share(period_steps, periods), _share(height_steps, heights)


def _share(steps: list[NDArray[np.float64]], values: list[NDArray[np.float64]]) -> float:
    all_steps = np.concatenate([*steps, np.zeros(0)])
    return float(all_steps.mean() / np.concatenate(values).mean()) if len(all_steps) else 0.0


def _pulses(
    sound: NDArray[np.float32], f0_hz: NDArray[np.float32], first: int, last: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return where (in samples, finer than one) and how high the peaks of a voiced stretch of frames are."""
    begin, end = max(0, (first - 1) * HOP), min(len(sound), (last + 1) * HOP)
    part = sound[begin:end]
    # The larger swing, up or down, has the clearer peaks.
    part = part if part.max(initial=0.0) >= -part.min(initial=0.0) else -part
    place = int(part[: int(RATE_HZ / f0_hz[first]) + 1].argmax())
    places = [place]
    while True:
        frame = min(last, max(first, (begin + place + HOP // 2) // HOP))
        period = RATE_HZ / float(f0_hz[frame])
        low, high = place + int(0.8 * period), place + int(1.2 * period) + 2
        if high >= len(part):
            break
        place = low + int(part[low:high].argmax())
        places.append(place)
    at = np.clip(np.array(places), 1, len(part) - 2)
    before, middle, after = (part[at + i].astype(np.float64) for i in (-1, 0, 1))
    bend = 2.0 * middle - before - after
    shift = np.where(bend > 0.0, 0.5 * (after - before) / np.where(bend > 0.0, bend, 1.0), 0.0).clip(-0.5, 0.5)
    return at + shift, np.maximum(middle + 0.25 * (after - before) * shift, 1e-6)


def runs(mask: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return the first and last index of each unbroken stretch of true values."""
    edges = np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8))
    starts, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1) - 1
    return list(zip(starts.tolist(), ends.tolist(), strict=True))
