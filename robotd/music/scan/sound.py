"""A song's sound drawn as pictures, piece by piece, and looked through for beat and key."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import soxr

from robotd.perceive.features.score import key_fits
from robotd.perceive.features.song_mel import (
    FRAMES_A_CLASS,
    LOG_FRAMES,
    LOG_FRAMES_PER_S,
    LOG_RATE_HZ,
    LOG_WINDOW_S,
    MEL_BANDS,
    MEL_FRAMES_PER_S,
    MEL_HOP,
    MEL_RATE_HZ,
    song_log_frequency,
    song_picture,
)
from robotd.sense.sample import RATE_HZ

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Pictures are drawn a piece at a time, which keeps the memory small. The margins are wider than half of the widest
# frame, and whole numbers of the hops, so that the pieces are what the whole would have been.
_PIECE = 64 * 16_000 // 2048 * 2048
_MARGIN = 8192
_LOG_MARGIN_S = 0.32

NAMES_OF_KEYS = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")

# Tempo: how strongly the onsets repeat at a beat and its multiples, as in the autocorrelation of Ellis (2007), "Beat
# tracking by dynamic programming", with the preference of listeners for about 120 beats a minute as he has it too,
# the figures from van Noorden & Moelants (1999), "Resonance in the perception of musical pulse".
_WINDOW_FRAMES = round(12 * MEL_FRAMES_PER_S)
_SLOWEST_BPM, _FASTEST_BPM, _STEP_BPM = 40.0, 240.0, 0.25
_PREFERRED_BPM, _SPREAD_OCTAVES = 120.0, 0.9
_MULTIPLES = np.array((1, 2, 3, 4))
#: Weaker repetition is no beat.
_LEAST_PULSE = 0.05


def mel_picture(sound: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return `song_picture` of a sound of any length, [1 + n // 256, 108]."""
    assert RATE_HZ == MEL_RATE_HZ
    frames = 1 + len(sound) // MEL_HOP
    parts = []
    for start in range(0, len(sound) + 1, _PIECE):
        before = min(start, _MARGIN)
        piece = song_picture(sound[start - before : start + _PIECE + _MARGIN])
        parts.append(piece[before // MEL_HOP :][: _PIECE // MEL_HOP])
    return np.concatenate(parts)[:frames]


def log_windows(sound: NDArray[np.float32], most: int) -> NDArray[np.float32]:
    """Return log-frequency pictures of 10 s each, [windows, 313, 149], spread evenly over a sound.

    About side by side where so few windows cover it, one in the middle up to 15 s; a shorter sound is repeated.
    """
    duration_s = len(sound) / RATE_HZ
    count = min(most, max(1, int(duration_s / LOG_WINDOW_S + 0.5)))
    spare_s = max(0.0, duration_s - LOG_WINDOW_S)
    starts_s = np.linspace(0.0, spare_s, count) if count > 1 else np.array([spare_s / 2.0])
    # Whole frames of the picture, which are whole numbers of samples at 16 kHz.
    starts = np.floor(starts_s * LOG_FRAMES_PER_S).astype(np.int64) * round(RATE_HZ / LOG_FRAMES_PER_S)
    margin = round(_LOG_MARGIN_S * RATE_HZ)
    skipped = round(_LOG_MARGIN_S * LOG_FRAMES_PER_S)
    windows = []
    for start in starts.tolist():
        before = min(start, margin)
        piece = sound[start - before : start + round(LOG_WINDOW_S * RATE_HZ) + margin]
        picture = song_log_frequency(soxr.resample(piece, RATE_HZ, LOG_RATE_HZ))[skipped if before else 0 :]
        windows.append(np.resize(picture, (LOG_FRAMES, picture.shape[1])))
    return np.stack(windows)


def tempo_of(picture: NDArray[np.float32]) -> float | None:
    """Return the beats a minute, 40..240, of a picture of `mel_picture`; None where no beat is heard.

    Whether a song is felt at a tempo, its half or its double is a matter of taste: the one nearer to 120 is told.
    """
    bands = picture[:, :MEL_BANDS]
    onsets = np.maximum(np.diff(bands, axis=0), 0.0).sum(axis=1)
    longest = int(np.ceil(_MULTIPLES[-1] * 60.0 * MEL_FRAMES_PER_S / _SLOWEST_BPM)) + 1
    width = min(_WINDOW_FRAMES, len(onsets))
    if width <= longest:
        return None
    starts = np.arange(0, len(onsets) - width + 1, width // 2)
    windows = np.stack([onsets[start : start + width] for start in starts])
    windows = windows - windows.mean(axis=1, keepdims=True)
    # Zeros up to twice the length, so that the end doesn't meet the beginning; longer lags overlap less.
    repeats = np.fft.irfft(np.abs(np.fft.rfft(windows, 2 * width)) ** 2)[:, : longest + 1].sum(axis=0)
    if repeats[0] <= 0.0:
        return None
    repeats = repeats / repeats[0] * (width / (width - np.arange(longest + 1)))
    candidates_bpm = np.arange(_SLOWEST_BPM, _FASTEST_BPM + _STEP_BPM, _STEP_BPM)
    lags = 60.0 * MEL_FRAMES_PER_S / candidates_bpm
    pulse = np.interp(_MULTIPLES[:, None] * lags, np.arange(longest + 1), repeats).mean(axis=0)
    octaves = np.log2(candidates_bpm / _PREFERRED_BPM)
    best = int((pulse * np.exp(-0.5 * (octaves / _SPREAD_OCTAVES) ** 2)).argmax())
    return float(candidates_bpm[best]) if pulse[best] >= _LEAST_PULSE else None


def key_of(picture: NDArray[np.float32]) -> str:
    """Return the key, such as `A minor`, of a picture of `mel_picture`.

    The mean of its pitch classes, each moment weighed alike, is correlated with the probe-tone profiles of all keys
    (Krumhansl & Schmuckler, in Krumhansl 1990).
    """
    classes = picture[::FRAMES_A_CLASS, MEL_BANDS:].astype(np.float64)
    strength = classes.sum(axis=1, keepdims=True)
    sounding = strength[:, 0] > 0.0
    if not sounding.any():
        return ""
    chroma = (classes[sounding] / strength[sounding]).mean(axis=0)
    if np.ptp(chroma) == 0.0:
        return ""
    mode, tonic = divmod(int(key_fits(chroma).argmax()), len(NAMES_OF_KEYS))
    return f"{NAMES_OF_KEYS[tonic]} {('major', 'minor')[mode]}"
