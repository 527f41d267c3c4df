"""Pictures of music: the log-mel picture with pitch classes of `song_va`, the log-frequency one of `song_midlevel`."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from .mel import mel_filter_bank, power_spectrogram

if TYPE_CHECKING:
    from numpy.typing import NDArray

# The log-mel picture of Pons & Serra (2019), "musicnn: Pre-trained convolutional neural networks for music audio
# tagging" (arXiv:1909.06654): 16 kHz, frames of 512 samples every 256, 96 bands.
MEL_RATE_HZ = 16_000
MEL_N_FFT = 512
MEL_HOP = 256
MEL_BANDS = 96
MEL_FRAMES_PER_S = MEL_RATE_HZ / MEL_HOP
_MEL_COMPRESSION = 10_000.0

# Beside each frame's bands stand the twelve pitch classes, C first: whether music is major or minor says much of its
# valence, and the short frames of the bands don't tell semitones apart.
CLASSES = 12
CLASS_N_FFT = 8192
#: Frames of the picture that share their pitch classes: these are taken more rarely.
FRAMES_A_CLASS = 8
PICTURE_COLUMNS = MEL_BANDS + CLASSES
_CLASS_RANGE_HZ = (60.0, 2_000.0)
#: Standard deviation, in semitones, of the weight round each class's centre.
_CLASS_WIDTH = 0.25
_SEMITONES_AN_OCTAVE = 12
_A4_HZ, _A4_NUMBER = 440.0, 69

# The log-frequency picture of Chowdhury, Vall, Haunschmid & Widmer (2019), "Towards explainable music emotion
# recognition: the route via mid-level features" (ISMIR): 22.05 kHz, frames of 2048 samples, 31.25 a second, 10 s.
LOG_RATE_HZ = 22_050
LOG_N_FFT = 2048
LOG_FRAMES_PER_S = 31.25
LOG_WINDOW_S = 10.0
LOG_FRAMES = 313
LOG_BANDS = 149
_BANDS_AN_OCTAVE = 24
_TUNING_HZ = 440.0
_LOWEST_HZ = 10.0


def song_log_mel(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the log-mel picture of music, [1 + n // 256, 96] float32: log10(1 + 10000 power).

    Args:
        samples: [n] float32, mono, 16 kHz.

    Raises:
        ValueError: the sound is not mono.
    """
    _check_mono(samples)
    bank = mel_filter_bank(MEL_RATE_HZ, MEL_N_FFT, MEL_BANDS, 0.0, MEL_RATE_HZ / 2.0)
    mel = power_spectrogram(samples, MEL_N_FFT, MEL_HOP) @ bank.T
    picture: NDArray[np.float32] = np.log10(1.0 + _MEL_COMPRESSION * mel).astype(np.float32)
    return picture


def pitch_classes(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return how strong each pitch class is, [1 + n // 2048, 12] float32: the sum of its bins' magnitudes.

    Args:
        samples: [n] float32, mono, 16 kHz.
    """
    hop = MEL_HOP * FRAMES_A_CLASS
    magnitude = np.sqrt(power_spectrogram(samples, CLASS_N_FFT, hop))
    strengths: NDArray[np.float32] = magnitude @ _class_bank().T
    return strengths


def song_picture(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the log-mel picture of music with its pitch classes beside it, [1 + n // 256, 108] float32.

    Args:
        samples: [n] float32, mono, 16 kHz.

    Raises:
        ValueError: the sound is not mono.
    """
    mel = song_log_mel(samples)
    classes = np.repeat(pitch_classes(samples), FRAMES_A_CLASS, axis=0)[: len(mel)]
    return np.concatenate([mel, classes], axis=1)


@lru_cache(maxsize=1)
def _class_bank() -> NDArray[np.float32]:
    """Return the weight of each bin in each pitch class, [12, 4097]: highest where its frequency is in tune."""
    bins_hz = np.fft.rfftfreq(CLASS_N_FFT, 1.0 / MEL_RATE_HZ)
    low_hz, high_hz = _CLASS_RANGE_HZ
    heard = np.flatnonzero((bins_hz >= low_hz) & (bins_hz <= high_hz))
    numbers = _SEMITONES_AN_OCTAVE * np.log2(bins_hz[heard] / _A4_HZ) + _A4_NUMBER
    nearest = np.round(numbers).astype(np.int64)
    bank = np.zeros((CLASSES, len(bins_hz)), np.float32)
    bank[nearest % CLASSES, heard] = np.exp(-0.5 * ((numbers - nearest) / _CLASS_WIDTH) ** 2)
    bank.setflags(write=False)
    return bank


def song_log_frequency(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the log-frequency picture of music, [frames, 149] float32: log10(1 + filtered magnitude).

    Frame i is centred on the sample nearest to i / 31.25 s, under a Hann window; the sound is taken to be silent
    outside of `samples`. 10 s give 313 frames.

    Args:
        samples: [n] float32, mono, 22.05 kHz.

    Raises:
        ValueError: the sound is not mono.
    """
    _check_mono(samples)
    frames = int(np.ceil(len(samples) / LOG_RATE_HZ * LOG_FRAMES_PER_S))
    centres = np.round(np.arange(frames) * LOG_RATE_HZ / LOG_FRAMES_PER_S).astype(np.int64)
    padded = np.pad(np.asarray(samples, np.float32), LOG_N_FFT // 2)
    window = np.hanning(LOG_N_FFT + 1)[:-1].astype(np.float32)
    cut = padded[centres[:, None] + np.arange(LOG_N_FFT)]
    magnitude = np.abs(np.fft.rfft(cut * window, axis=1)).astype(np.float32)
    picture: NDArray[np.float32] = np.log10(1.0 + magnitude @ log_filter_bank().T).astype(np.float32)
    return picture


@lru_cache(maxsize=1)
def log_filter_bank() -> NDArray[np.float32]:
    """Return triangular filters a quarter tone apart, [149, 1025] float32 (cached, read-only).

    Their centres are the bins nearest to the quarter tones round 440 Hz; where several quarter tones share a bin, in
    the bass, one filter stays. Each peaks at 1 and reaches to the centres of its neighbours.
    """
    bins = np.arange(LOG_N_FFT // 2 + 1)
    centres = _log_centres()
    left, centre, right = centres[:-2, None], centres[1:-1, None], centres[2:, None]
    rising, falling = (bins - left) / (centre - left), (right - bins) / (right - centre)
    bank = np.maximum(0.0, np.minimum(rising, falling)).astype(np.float32)
    bank.setflags(write=False)
    return bank


def log_band_hz() -> NDArray[np.float64]:
    """Return the centre of each band of the log-frequency picture, [149] in Hz."""
    return _log_centres()[1:-1] * LOG_RATE_HZ / LOG_N_FFT


def _log_centres() -> NDArray[np.int64]:
    """Return the bins in which filters peak, and one more at either end that bounds the outer filters."""
    bin_hz = LOG_RATE_HZ / LOG_N_FFT
    lowest = int(np.ceil(_BANDS_AN_OCTAVE * np.log2(_LOWEST_HZ / _TUNING_HZ)))
    highest = int(_BANDS_AN_OCTAVE * np.log2(LOG_RATE_HZ / 2.0 / _TUNING_HZ))
    tones_hz = _TUNING_HZ * 2.0 ** (np.arange(lowest, highest + 1) / _BANDS_AN_OCTAVE)
    return np.unique(np.round(tones_hz / bin_hz).astype(np.int64))[: LOG_BANDS + 2]


def _check_mono(samples: NDArray[np.float32]) -> None:
    if samples.ndim != 1:
        raise ValueError(f"a song's picture is made of mono sound of shape [n], not {list(samples.shape)}")
