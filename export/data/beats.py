"""The beats of performed music that is known by its notes only.

A pulse is found by dynamic programming over a curve of accents, at a tempo from the curve's autocorrelation (Ellis
2007, "Beat tracking by dynamic programming", Journal of New Music Research 36(1)). Ellis starts from sound; of notes
the accents are known better: how loud, how long and how low they are (Dixon 2001, "Automatic extraction of tempo and
beat from expressive performances", JNMR 30(1), weighs them likewise). Several tempi are tried, and that one is kept
whose beats the notes fall on best.

The weights were chosen on stretches of 40 s of POP909, whose beats are known. On 214 stretches of other songs, each
onset moved by a random 10 ms (standard deviation), the F-measure of the beats within 70 ms is 0.93 and that of the bar
lines 0.72. Most errors that are left are a tempo twice too fast or slow, and a bar line in the middle of the bar.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from robotd.music.compose.grid import BEATS_PER_BAR, STEPS_PER_BEAT
from robotd.perceive.features.score import OCTAVE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from robotd.perceive.features.score import Notes

#: The rate of the curve of accents.
_RATE_HZ = 100
#: Accents are spread by a bell of this standard deviation, as onsets of a chord are.
_SPREAD_S = 0.02
#: A chord counts no more than this many standard deviations of the curve.
_LOUDEST = 6.0
#: Tempi that are tried, and the likeliest with the width of the bell around it in octaves: POP909's annotations have a
#: median of 74, and half of them lie between 65 and 93.
_SLOWEST_BPM, _FASTEST_BPM = 45.0, 180.0
_USUAL_BPM, _OCTAVES = 80.0, 0.6
_TEMPI = 6
#: How much a beat off its time counts against its accent (Ellis' alpha, for a curve of unit variance). A looser pulse
#: than his follows rubato: of tempi that swing by 15 %, 200 finds 0.62 of the beats and 50 finds 0.85, and where the
#: tempo is steady 0.94 and 0.93 (F-measures).
_TIGHTNESS = 50.0
#: The interval between beats lies between these multiples of the tempo's.
_SHORTEST, _LONGEST = 0.6, 1.6
#: Onsets this near to a beat say when it is.
_NEAR_S = 0.05
#: Below this pitch (the E below middle C) a note is a bass note.
_BASS = 52
_FEWEST_NOTES, _SHORTEST_S = 16, 6.0


@dataclass(frozen=True, slots=True, eq=False)
class Beats:
    """A pulse.

    Attributes:
        time_s: [n] rising; the first is not after the first onset, the last after the last onset.
        first_bar: the first beat, 0..3, at which a bar of four begins.
        misfit: mean distance of the notes from the nearest quarter of a beat, in quarters of a beat: 0 for a score,
            0.25 for onsets anywhere.
    """

    time_s: NDArray[np.float64]
    first_bar: int
    misfit: float


def find_beats(notes: Notes) -> Beats | None:
    """Find the beats of a performance; None if it has less than 16 notes or 6 s, or no pulse."""
    if len(notes) < _FEWEST_NOTES or notes.onset_s[-1] - notes.onset_s[0] < _SHORTEST_S:
        return None
    weight = accents(notes)
    origin_s = float(notes.onset_s[0]) - 1.0
    curve = _curve(notes.onset_s - origin_s, weight)
    pulses = []
    for period_s, strength in _tempi(curve):
        found_s = _pulse(curve, period_s) + origin_s
        if len(found_s) > BEATS_PER_BAR:
            time_s = _extended(_settled(found_s, notes.onset_s, weight), notes)
            misfit, on_beat, off = _fit(notes, weight, time_s)
            usual = -0.5 * (np.log2(60.0 / period_s / _USUAL_BPM) / _OCTAVES) ** 2
            pulses.append((strength + usual + on_beat - off - 5.0 * misfit, time_s, misfit))
    if not pulses:
        return None
    _, time_s, misfit = max(pulses, key=lambda pulse: pulse[0])
    return Beats(time_s, first_bar(notes, time_s), misfit)


def accents(notes: Notes) -> NDArray[np.float64]:
    """Return [n] how much each note speaks for a beat: loud, long and low ones more."""
    loud = notes.velocity / 64.0
    weight: NDArray[np.float64] = loud * (0.5 + np.minimum(notes.length_s, 1.0) + (notes.pitch < _BASS))
    return weight


def _curve(onset_s: NDArray[np.float64], weight: NDArray[np.float64]) -> NDArray[np.float64]:
    frames = np.rint(onset_s * _RATE_HZ).astype(np.int64)
    reach = int(4 * _SPREAD_S * _RATE_HZ)
    bell = np.exp(-0.5 * (np.arange(-reach, reach + 1) / (_SPREAD_S * _RATE_HZ)) ** 2)
    curve = np.convolve(np.bincount(frames, weight, frames[-1] + reach + 1), bell, "same")
    loudest: NDArray[np.float64] = np.minimum(curve / max(float(curve.std()), 1e-9), _LOUDEST)
    return loudest


def _tempi(curve: NDArray[np.float64]) -> list[tuple[float, float]]:
    """Return the periods, in s, at which accents recur most, with how much they do, the strongest first."""
    spectrum = np.fft.rfft(curve - curve.mean(), 2 * len(curve))
    correlation = np.fft.irfft(np.abs(spectrum) ** 2)[: len(curve)]
    correlation = correlation / correlation[0]
    lags = np.arange(len(correlation))
    tempo_bpm = np.exp(np.arange(np.log(_SLOWEST_BPM), np.log(_FASTEST_BPM), 0.01))
    period = 60.0 * _RATE_HZ / tempo_bpm
    strength = sum(
        share * np.interp(multiple * period, lags, correlation, right=0.0)
        for multiple, share in ((0.5, 0.25), (1.0, 1.0), (2.0, 0.5), (4.0, 0.5))
    ) * np.exp(-0.5 * (np.log2(tempo_bpm / _USUAL_BPM) / _OCTAVES) ** 2)
    inner = strength[1:-1]
    peaks = np.flatnonzero((inner >= strength[:-2]) & (inner >= strength[2:])) + 1
    peaks = peaks[np.argsort(-strength[peaks], kind="stable")][:_TEMPI]
    return [(float(period[peak]) / _RATE_HZ, float(strength[peak])) for peak in peaks]


def _pulse(curve: NDArray[np.float64], period_s: float) -> NDArray[np.float64]:
    """Return the beats of the best score, in s: their accents, less log(interval / period)^2 for each (Ellis 2007)."""
    period = period_s * _RATE_HZ
    nearest, farthest = round(_SHORTEST * period), round(_LONGEST * period)
    penalty = -_TIGHTNESS * np.log(np.arange(farthest, nearest - 1, -1) / period) ** 2
    score = curve.copy()
    came_from = np.full(len(curve), -1)
    for now in range(nearest, len(curve)):
        oldest = max(0, now - farthest)
        before = score[oldest : now - nearest + 1] + penalty[-(now - nearest + 1 - oldest) :]
        best = int(before.argmax())
        if before[best] > 0.0:
            score[now] += before[best]
            came_from[now] = oldest + best
    tail = max(0, len(curve) - round(period))
    beats = [tail + int(score[tail:].argmax())]
    while came_from[beats[-1]] >= 0:
        beats.append(int(came_from[beats[-1]]))
    return np.array(beats[::-1], np.float64) / _RATE_HZ


def _settled(
    time_s: NDArray[np.float64], onset_s: NDArray[np.float64], weight: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Move each beat to the middle of the onsets near it, heavy ones counting more."""
    settled: NDArray[np.float64] = time_s.copy()
    for beat, at_s in enumerate(time_s):
        near = np.abs(onset_s - at_s) < _NEAR_S
        if near.any():
            settled[beat] = np.average(onset_s[near], weights=weight[near])
    return settled


def _extended(time_s: NDArray[np.float64], notes: Notes) -> NDArray[np.float64]:
    """Go on at the tempo of the first and of the last beats until all onsets are inside."""
    first_s, last_s = np.diff(time_s[: BEATS_PER_BAR + 1]).mean(), np.diff(time_s[-BEATS_PER_BAR - 1 :]).mean()
    before = max(0, int(np.ceil((time_s[0] - notes.onset_s[0]) / first_s)))
    after = max(0, int((notes.onset_s[-1] - time_s[-1]) / last_s) + 1)
    head = time_s[0] - first_s * np.arange(before, 0, -1)
    return np.concatenate([head, time_s, time_s[-1] + last_s * np.arange(1, after + 1)])


def _fit(notes: Notes, weight: NDArray[np.float64], time_s: NDArray[np.float64]) -> tuple[float, float, float]:
    """Return how far from quarters of beats the notes are, and which share is on beats, and off half beats."""
    steps = STEPS_PER_BEAT * np.interp(notes.onset_s, time_s, np.arange(len(time_s)))
    nearest = np.rint(steps).astype(np.int64)
    shares = np.bincount(nearest % STEPS_PER_BEAT, weight, STEPS_PER_BEAT) / weight.sum()
    return float(np.average(np.abs(steps - nearest), weights=weight)), float(shares[0]), float(shares[1::2].sum())


def first_bar(notes: Notes, time_s: NDArray[np.float64]) -> int:
    """Find which of the first four beats begins a bar.

    It is the one from which on, every four beats, bass notes begin that last, and what sounds changes (over two and
    over four beats), each in relation to the other three. On POP909 with its own beats this is right for 83 % of
    stretches of 40 s, with beats found here for 69 % of those whose beats are right.

    Args:
        notes: of the performance.
        time_s: [n] its beats.
    """
    beats = np.arange(len(time_s))
    begin = np.interp(notes.onset_s, time_s, beats)
    length = np.interp(notes.onset_s + notes.length_s, time_s, beats) - begin
    step = np.rint(begin * STEPS_PER_BEAT).astype(np.int64)
    beat = step // STEPS_PER_BEAT
    low = (notes.pitch < _BASS) & (step % STEPS_PER_BEAT == 0)
    bass = np.bincount(beat[low], np.minimum(length[low], BEATS_PER_BAR), len(beats) + 1)
    place = beat * OCTAVE + notes.pitch % OCTAVE
    votes = np.minimum(notes.length_s, 1.0)
    chroma = np.bincount(place, votes, (len(beats) + 1) * OCTAVE).astype(np.float64).reshape(-1, OCTAVE)
    total = np.zeros(BEATS_PER_BAR)
    for sign in (bass, _change(chroma, 2), _change(chroma, BEATS_PER_BAR)):
        means = np.array([sign[phase::BEATS_PER_BAR].mean() for phase in range(BEATS_PER_BAR)])
        total += means / max(float(means.mean()), 1e-9)
    return int(total.argmax())


def _change(chroma: NDArray[np.float64], width: int) -> NDArray[np.float64]:
    """Return [n] how unlike (1 - cosine) what sounds in the beats before each beat is to that from it on."""
    change = np.zeros(len(chroma))
    for beat in range(width, len(chroma) - width + 1):
        before, after = chroma[beat - width : beat].sum(axis=0), chroma[beat : beat + width].sum(axis=0)
        change[beat] = 1.0 - before @ after / max(float(np.linalg.norm(before) * np.linalg.norm(after)), 1e-9)
    return change
