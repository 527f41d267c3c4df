"""27 features of each frame of speech: 13 MFCC, 12 chroma, RMS and spectral centroid."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from robotd.perceive.features.mel import RATE_HZ, WINDOW_S, mel_filter_bank, power_spectrogram

if TYPE_CHECKING:
    from numpy.typing import NDArray

N_FFT = 1024
HOP = 256
#: Frames of WINDOW_S, the first and the last centred on its ends.
FRAMES = 1 + int(WINDOW_S * RATE_HZ) // HOP
CEPSTRA, CHROMAS = 13, 12
NAMES = (
    *(f"mfcc_{i}" for i in range(CEPSTRA)),
    *(f"chroma_{name}" for name in ("c", "c#", "d", "d#", "e", "f", "f#", "g", "g#", "a", "a#", "b")),
    "rms",
    "centroid_khz",
)
#: Mel filters under the MFCC, and how far below the loudest bin the power counts as silence.
_BANDS, _RANGE_DB = 64, 80.0
#: RMS of a frame that is silent, so that it differs from padding (0).
_SILENT = 1e-4
# Chroma: its weights fall off on both sides of 880 Hz (octave 5 above 27.5 Hz) with a deviation of two octaves.
_LOWEST_A_HZ, _CENTRE_OCTAVE, _OCTAVES = 27.5, 5.0, 2.0
_SEMITONES_A_TO_C = 3


@lru_cache(maxsize=4)
def cosines(count: int, bands: int) -> NDArray[np.float32]:
    """Return the first rows of the orthonormal discrete cosine transform (type II), [count, bands] float32."""
    angles = np.pi / bands * np.outer(np.arange(count), np.arange(bands) + 0.5)
    rows = np.sqrt(2.0 / bands) * np.cos(angles)
    rows[0] /= np.sqrt(2.0)
    matrix: NDArray[np.float32] = rows.astype(np.float32)
    matrix.setflags(write=False)
    return matrix


@lru_cache(maxsize=4)
def chroma_filter_bank(rate_hz: int, n_fft: int) -> NDArray[np.float32]:
    """Return how much each bin of a spectrum counts for C, C#, ... B: [12, n_fft // 2 + 1] float32 (cached, read-only).

    Each bin is a Gaussian over the pitch classes, as wide as the bin and at least a semitone (D. Ellis, "Chroma
    feature analysis and synthesis", 2007; the defaults of `librosa.filters.chroma` at A = 440 Hz).
    """
    bins_hz = np.arange(1, n_fft) * rate_hz / n_fft
    above = CHROMAS * np.log2(bins_hz / _LOWEST_A_HZ)
    # The bin at 0 Hz has no pitch; it is put one and a half octaves below the next.
    semitones = np.concatenate([[above[0] - 1.5 * CHROMAS], above])
    widths = np.maximum(np.diff(semitones, append=semitones[-1] + 1.0), 1.0)
    apart = (semitones - np.arange(CHROMAS)[:, None] + CHROMAS / 2) % CHROMAS - CHROMAS / 2
    weights = np.exp(-0.5 * (2.0 * apart / widths) ** 2)
    weights /= np.linalg.norm(weights, axis=0)
    weights *= np.exp(-0.5 * ((semitones / CHROMAS - _CENTRE_OCTAVE) / _OCTAVES) ** 2)
    bank = np.roll(weights, -_SEMITONES_A_TO_C, axis=0)[:, : n_fft // 2 + 1].astype(np.float32)
    bank.setflags(write=False)
    return bank


def mfcc(power: NDArray[np.float32], rate_hz: int = RATE_HZ, count: int = CEPSTRA) -> NDArray[np.float32]:
    """Return the first cepstral coefficients of [frames, bins] power, [frames, count] float32.

    64 mel bands in dB, 0 for the loudest and at least -80, under an orthonormal cosine transform (Davis &
    Mermelstein 1980; `librosa.feature.mfcc` of such bands).
    """
    bands = power @ mel_filter_bank(rate_hz, 2 * power.shape[1] - 2, _BANDS, 0.0, rate_hz / 2).T
    loudest = bands.max(initial=0.0)
    if loudest <= 0.0:
        return np.zeros((len(power), count), np.float32)
    bands_db = 10.0 * np.log10(np.maximum(bands / loudest, 10.0 ** (-_RANGE_DB / 10.0)))
    coefficients: NDArray[np.float32] = bands_db @ cosines(count, _BANDS).T
    return coefficients


def chroma(power: NDArray[np.float32], rate_hz: int = RATE_HZ) -> NDArray[np.float32]:
    """Return the strength of each pitch class in [frames, bins] power, [frames, 12] float32; the strongest is 1."""
    strengths = power @ chroma_filter_bank(rate_hz, 2 * power.shape[1] - 2).T
    strongest = strengths.max(axis=1, keepdims=True)
    shares: NDArray[np.float32] = strengths / np.where(strongest > 0.0, strongest, 1.0)
    return shares


def rms(power: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the root mean square of the windowed samples behind [frames, bins] power, [frames] float32 (Parseval)."""
    both_sides = 2.0 * power.sum(axis=1) - power[:, 0] - power[:, -1]
    roots: NDArray[np.float32] = np.sqrt(np.maximum(both_sides, 0.0)) / np.float32(2 * power.shape[1] - 2)
    return roots


def centroid_hz(power: NDArray[np.float32], rate_hz: int = RATE_HZ) -> NDArray[np.float32]:
    """Return the mean frequency of [frames, bins] power, weighted by magnitude, [frames] float32; 0 in silence."""
    magnitudes = np.sqrt(power)
    sums = magnitudes.sum(axis=1)
    bins_hz = np.linspace(0.0, rate_hz / 2, power.shape[1], dtype=np.float32)
    mean_hz = magnitudes @ bins_hz / np.where(sums > 0.0, sums, 1.0)
    return mean_hz.astype(np.float32)


def frame_features(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the 27 features of each frame of an utterance, [501, 27] float32, in the order of NAMES.

    A frame is 64 ms every 16 ms. MFCC and RMS (1e-4..1) are relative to the loudest, so the level does not matter.
    What is shorter than 8 s is padded with zeros, as is all of a silent sound; RMS alone is 0 in padding only.

    Args:
        samples: [n] float32, mono, 16 kHz, at most 8 s.

    Raises:
        ValueError: the sound is longer than 8 s or not mono.
    """
    if samples.ndim != 1:
        raise ValueError(f"frame_features takes mono sound of shape [n], not {list(samples.shape)}")
    if len(samples) > int(WINDOW_S * RATE_HZ):
        raise ValueError(f"frame_features takes at most {WINDOW_S:g} s, not {len(samples) / RATE_HZ:.2f} s")
    features = np.zeros((FRAMES, len(NAMES)), np.float32)
    peak = float(np.abs(samples).max(initial=0.0))
    if peak == 0.0:
        return features
    # Scaled first, so that the power of a whisper does not vanish in float32.
    power = power_spectrogram(samples / np.float32(peak), N_FFT, HOP)
    loudness = rms(power)
    there = features[: len(power)]
    there[:, :CEPSTRA] = mfcc(power)
    there[:, CEPSTRA : CEPSTRA + CHROMAS] = chroma(power)
    there[:, -2] = np.maximum(loudness / max(float(loudness.max()), _SILENT), _SILENT)
    there[:, -1] = centroid_hz(power) / 1000.0
    return features
