"""Recordings of people, and how the voice recipes change them so that a net hears more people and rooms."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import soxr

from robotd.config import Speech
from robotd.sense.sample import RATE_HZ, Sound
from robotd.sense.utterance import PIECE_S, UtteranceCutter

from .chance import sometimes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..data.ravdess import Clip

_LONGEST = int(PIECE_S * RATE_HZ)
# WSOLA: pieces of 25 ms every 12.5 ms, each looked for within 8 ms (a period of 125 Hz) of its place.
_PIECE = RATE_HZ // 40
_HOP = _PIECE // 2
_SEARCH = RATE_HZ // 125


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """A clip, and the stretch of it that the daemon's voice activity would hand on."""

    clip: Clip
    start: int
    end: int

    @property
    def whole(self) -> NDArray[np.float32]:
        """The clip, at most 8 s of it."""
        return self.clip.samples[:_LONGEST]

    @property
    def voiced(self) -> NDArray[np.float32]:
        """The utterance in it."""
        return self.clip.samples[self.start : self.end]


def recording(clip: Clip) -> Recording:
    """Find the longest utterance of a clip as the daemon does; all of it where there is none."""
    cutter = UtteranceCutter(Speech())
    found = [u for u in [*cutter.feed(Sound(0.0, clip.samples)), *cutter.flush()] if u.final]
    if not found:
        return Recording(clip, 0, min(len(clip.samples), _LONGEST))
    longest = max(found, key=lambda utterance: len(utterance.samples))
    start = round(longest.start_s * RATE_HZ)
    return Recording(clip, start, start + len(longest.samples))


def changed(one: Recording, rng: np.random.Generator) -> NDArray[np.float32]:
    """Return a recording with other ends, tempo, pitch and noise by chance, at most 8 s."""
    sound = cut(one, rng)
    if sometimes(rng, 0.5):
        sound = stretched(sound, math.exp(rng.uniform(-0.15, 0.15)))
    sound = shifted(sound, rng.uniform(-2.5, 2.5))[:_LONGEST]
    if sometimes(rng, 0.4):
        sound = noisy(sound, rng.uniform(8.0, 40.0), rng.uniform(0.0, 1.5), rng)
    return sound


def cut(one: Recording, rng: np.random.Generator) -> NDArray[np.float32]:
    """Return the whole clip, or its utterance with other ends, at times only the beginning of it."""
    if sometimes(rng, 0.3):
        return one.whole[int(rng.uniform(0.0, 0.5) * one.start) :]
    length = one.end - one.start
    start = one.start + int(rng.uniform(-0.2, 0.2) * RATE_HZ)
    end = one.end + int(rng.uniform(-0.5, 0.1) * RATE_HZ)
    if sometimes(rng, 0.15):
        end = one.start + int(rng.uniform(0.5, 1.0) * length)
    start = max(0, start)
    return one.clip.samples[start : max(end, start + RATE_HZ // 2)]


def shifted(sound: NDArray[np.float32], semitones: float) -> NDArray[np.float32]:
    """Play a sound faster or slower: pitch, formants and tempo move together, as from a smaller or larger person."""
    pace = 2.0 ** (semitones / 12.0)
    moved: NDArray[np.float32] = soxr.resample(sound, RATE_HZ * pace, RATE_HZ, quality="QQ").astype(np.float32)
    return moved


def stretched(sound: NDArray[np.float32], factor: float) -> NDArray[np.float32]:
    """Make a sound `factor` times as long at the same pitch.

    Overlapping pieces are taken from near where they belong, each from where it best continues the one before:
    WSOLA (Verhelst & Roelands 1993, "An overlap-add technique based on waveform similarity").
    """
    count = int(len(sound) * factor) // _HOP
    padded = np.pad(sound, (_SEARCH, _PIECE + 2 * _SEARCH))
    window = np.hanning(_PIECE + 1)[:_PIECE].astype(np.float32)
    output = np.zeros((count + 1) * _HOP, np.float32)
    place = _SEARCH
    for i in range(count):
        output[i * _HOP : i * _HOP + _PIECE] += window * padded[place : place + _PIECE]
        wanted = padded[place + _HOP : place + _HOP + _PIECE]
        ideal = min(int((i + 1) * _HOP / factor), len(sound))
        found = np.correlate(padded[ideal : ideal + _PIECE + 2 * _SEARCH], wanted)
        place = min(ideal + int(found.argmax()), len(padded) - _PIECE - _HOP)
    return output[: int(len(sound) * factor)]


def noisy(sound: NDArray[np.float32], snr_db: float, slope: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """Add noise whose amplitude falls as 1 / f ** slope."""
    size = 1 << (len(sound) - 1).bit_length()
    spectrum = np.fft.rfft(rng.standard_normal(size, np.float32))
    spectrum /= np.maximum(np.arange(len(spectrum)), len(spectrum) / 200.0) ** slope
    noise = np.fft.irfft(spectrum)[: len(sound)]
    power, noise_power = float(np.mean(sound**2)), float(np.mean(noise**2))
    gain = math.sqrt(power / noise_power) * 10.0 ** (-snr_db / 20.0)
    loud: NDArray[np.float32] = (sound + gain * noise).astype(np.float32)
    return loud
