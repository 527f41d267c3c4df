"""Log-mel pictures of speech: what the voice model sees, in training and on the robot."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

RATE_HZ = 16_000
WINDOW_S = 8.0
N_FFT = 1024
HOP = 512
BANDS = 128
F_MIN_HZ, F_MAX_HZ = 20.0, 8_000.0
#: Power so far below the utterance's loudest bin counts as silence.
RANGE_DB = 80.0
#: Frames of WINDOW_S, the first and the last centred on its ends.
FRAMES = 1 + int(WINDOW_S * RATE_HZ) // HOP

# Slaney's scale: linear up to 1 kHz (15 mel), from there on 27 mel to each factor of 6.4.
_LINEAR_HZ_PER_MEL = 200.0 / 3.0
_LOG_START_HZ = 1_000.0
_LOG_START_MEL = _LOG_START_HZ / _LINEAR_HZ_PER_MEL
_LOG_STEP = np.log(6.4) / 27.0


def _hz_to_mel(hz: float) -> float:
    if hz < _LOG_START_HZ:
        return hz / _LINEAR_HZ_PER_MEL
    return float(_LOG_START_MEL + np.log(hz / _LOG_START_HZ) / _LOG_STEP)


def _mel_to_hz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    logarithmic = _LOG_START_HZ * np.exp(_LOG_STEP * (mel - _LOG_START_MEL))
    return np.where(mel < _LOG_START_MEL, mel * _LINEAR_HZ_PER_MEL, logarithmic)


@lru_cache(maxsize=8)
def mel_filter_bank(rate_hz: int, n_fft: int, bands: int, f_min_hz: float, f_max_hz: float) -> NDArray[np.float32]:
    """Return triangular mel filters, [bands, n_fft // 2 + 1] float32 (cached, read-only).

    Scale and normalisation (each filter has unit area) are those of M. Slaney, "Auditory Toolbox" (1998),
    which are also the defaults of `librosa.filters.mel`.
    """
    bins_hz = np.fft.rfftfreq(n_fft, 1.0 / rate_hz)
    edges_hz = _mel_to_hz(np.linspace(_hz_to_mel(f_min_hz), _hz_to_mel(f_max_hz), bands + 2))
    left, centre, right = edges_hz[:-2, None], edges_hz[1:-1, None], edges_hz[2:, None]
    rising = (bins_hz - left) / (centre - left)
    falling = (right - bins_hz) / (right - centre)
    triangles = np.maximum(0.0, np.minimum(rising, falling))
    bank = (triangles * 2.0 / (right - left)).astype(np.float32)
    bank.setflags(write=False)
    return bank


@lru_cache(maxsize=8)
def _hann(n_fft: int) -> NDArray[np.float32]:
    window = (0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(n_fft) / n_fft)).astype(np.float32)
    window.setflags(write=False)
    return window


def power_spectrogram(samples: NDArray[np.float32], n_fft: int, hop: int) -> NDArray[np.float32]:
    """Return the power of the short-time Fourier transform, [1 + n // hop, n_fft // 2 + 1] float32.

    A row is a frame, under a periodic Hann window centred on a multiple of `hop`; the sound is taken to be
    silent outside of `samples` (`librosa.stft` with its defaults, transposed).
    """
    padded = np.pad(np.asarray(samples, np.float32), n_fft // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, n_fft)[::hop]
    spectrum = np.fft.rfft(frames * _hann(n_fft), axis=1)
    power: NDArray[np.float32] = (spectrum.real**2 + spectrum.imag**2).astype(np.float32)
    return power


def log_mel(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the mel picture of an utterance, [251, 128] float32 in 0..1.

    1 is the loudest bin of the utterance and 0 is 80 dB below it, so its level does not matter. What is
    shorter than 8 s is padded with silence, which reads exactly 0; silence alone gives all zeros.

    Args:
        samples: [n] float32, mono, 16 kHz, at most 8 s.

    Raises:
        ValueError: the sound is longer than 8 s or not mono.
    """
    if samples.ndim != 1:
        raise ValueError(f"log_mel takes mono sound of shape [n], not {list(samples.shape)}")
    window = int(WINDOW_S * RATE_HZ)
    if len(samples) > window:
        raise ValueError(f"log_mel takes at most {WINDOW_S:g} s, not {len(samples) / RATE_HZ:.2f} s")
    picture = np.zeros((FRAMES, BANDS), np.float32)
    peak = float(np.abs(samples).max(initial=0.0))
    if peak == 0.0:
        return picture
    # Scaled first, so that the power of a whisper does not vanish in float32.
    sound = np.zeros(min(window, len(samples) + N_FFT), np.float32)
    sound[: len(samples)] = samples / np.float32(peak)
    power = power_spectrogram(sound, N_FFT, HOP) @ mel_filter_bank(RATE_HZ, N_FFT, BANDS, F_MIN_HZ, F_MAX_HZ).T
    loudest = power.max()
    if loudest > 0.0:
        power_db = 10.0 * np.log10(np.maximum(power / loudest, 10.0 ** (-RANGE_DB / 10.0)))
        picture[: len(power)] = 1.0 + power_db / RANGE_DB
    return np.maximum(picture, 0.0, out=picture)
