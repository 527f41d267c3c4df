"""Features of the rhythm of symbolic music: when notes are struck, how long they are held, and how regular that is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from robotd.perceive.features.score import Notes

#: Notes that begin at most so long after one another are struck together.
_TOGETHER_S = 0.04
_PERCENTILES = (10, 25, 50, 75, 90)
#: Edges of the classes of time between strikes: 8 of equal ratio.
_GAP_EDGES = np.geomspace(0.05, 4.0, 9)
#: Neighbouring gaps are alike within this many octaves (15 %).
_ALIKE = 0.2
#: From so many notes on a strike is a chord of both hands.
_FULL = 4
#: Below G3 a note is taken for one of the left hand.
_LEFT = 55
#: Onsets are counted in frames of 20 ms to find their period, 0.25 to 1.2 s, best near 0.5 s (120 beats a minute, the
#: tempo that listeners prefer: van Noorden & Moelants 1999, "Resonance in the perception of musical pulse").
_FRAME_S, _SHORTEST_S, _LONGEST_S, _PREFERRED_S, _SPREAD_OCTAVES = 0.02, 0.25, 1.2, 0.5, 0.9
#: Onsets are blurred by this, since nobody plays to 20 ms.
_BLUR = (0.25, 0.5, 1.0, 0.5, 0.25)
_MULTIPLES = (2, 3, 4)
_DIVISIONS = (2, 3)
_PHASES = (1, 2, 4)

NAMES = (
    "strikes_per_s",
    "strike_size_mean",
    "strike_size_sd",
    "strikes_single",
    "strikes_full",
    *(f"gap_{percent}" for percent in _PERCENTILES),
    "gap_variation",
    *(f"gap_class_{index}" for index in range(len(_GAP_EDGES) - 1)),
    "gap_ratio",
    "gap_alike",
    *(f"length_{percent}" for percent in _PERCENTILES),
    "legato",
    "length_left",
    "length_right",
    "pulse_period",
    "pulse",
    *(f"pulse_times_{multiple}" for multiple in _MULTIPLES),
    *(f"pulse_by_{division}" for division in _DIVISIONS),
    "pulse_best",
    "pulse_sd",
    *(f"on_the_beat_{parts}" for parts in _PHASES),
)


@dataclass(frozen=True, slots=True, eq=False)
class Strikes:
    """Notes that are struck together.

    Attributes:
        of_note: [notes] index of each note's strike.
        time_s: [strikes] when each is.
        size: [strikes] its number of notes.
        top: [strikes] its highest MIDI note number.
        velocity: [strikes] its greatest velocity.
        length_s: [strikes] how long its first note is held.
    """

    of_note: NDArray[np.int64]
    time_s: NDArray[np.float64]
    size: NDArray[np.int64]
    top: NDArray[np.int64]
    velocity: NDArray[np.int64]
    length_s: NDArray[np.float64]


def strikes_of(notes: Notes) -> Strikes:
    """Return the strikes of at least one note."""
    first = np.flatnonzero(np.concatenate([[True], np.diff(notes.onset_s) > _TOGETHER_S]))
    size = np.diff(np.concatenate([first, [len(notes)]]))
    return Strikes(
        np.repeat(np.arange(len(first)), size),
        notes.onset_s[first],
        size,
        np.maximum.reduceat(notes.pitch, first),
        np.maximum.reduceat(notes.velocity, first),
        notes.length_s[first],
    )


def rhythm_features(notes: Notes) -> NDArray[np.float32]:
    """Return the features of at least one note in the order of `NAMES`.

    Notes that begin within 40 ms of one another are one strike.

    - `strikes_per_s`; `strike_size_mean`, `_sd`: notes; `strikes_single`, `strikes_full`: share of one note, of 4 or
      more.
    - `gap_10` to `gap_90`: percentiles of the natural logarithm of the s from strike to strike; `gap_variation`: their
      standard deviation over their mean; `gap_class_0` to `_7`: share in 8 classes of equal ratio from 0.05 to 4 s;
      `gap_ratio`: mean of how many octaves a gap differs from the one before; `gap_alike`: share below 0.2.
    - `length_10` to `length_90`: percentiles of the logarithm of the notes' s; `length_left`, `length_right`: its mean
      below and from G3 on; `legato`: mean of a strike's length over the gap to the next, at most 4.
    - `pulse_period`: logarithm of the s after which onsets, weighted by the root of their velocity, repeat best:
      the lag of 0.25 to 1.2 s with the highest autocorrelation, weighted by how near it is to 0.5 s; `pulse`: the
      autocorrelation there (-1..1), `pulse_times_*` at its multiples, `pulse_by_*` at its divisions; `pulse_best`,
      `pulse_sd`: greatest and deviation over all those lags.
    - `on_the_beat_1`, `_2`, `_4`: how much the strikes keep to one phase of that period, of its half, of its quarter
      (length of the mean direction, 0..1, weighted by velocity).
    """
    strikes = strikes_of(notes)
    gaps_s = np.diff(strikes.time_s) if len(strikes.time_s) > 1 else np.array([notes.duration_s])
    ratios = np.abs(np.diff(np.log2(np.clip(gaps_s, 0.03, 4.0))))
    classes = np.histogram(np.clip(gaps_s, 1.001 * _GAP_EDGES[0], 0.999 * _GAP_EDGES[-1]), _GAP_EDGES)[0]
    length = np.log(np.maximum(notes.length_s, 0.02))
    left = notes.pitch < _LEFT
    parts = (
        (
            len(strikes.time_s) / notes.duration_s,
            strikes.size.mean(),
            strikes.size.std(),
            (strikes.size == 1).mean(),
            (strikes.size >= _FULL).mean(),
        ),
        np.percentile(np.log(gaps_s), _PERCENTILES),
        (gaps_s.std() / gaps_s.mean(),),
        classes / len(gaps_s),
        (ratios.sum() / max(1, len(ratios)), (ratios < _ALIKE).sum() / max(1, len(ratios))),
        np.percentile(length, _PERCENTILES),
        (np.clip(strikes.length_s[: len(gaps_s)] / gaps_s, 0.0, 4.0).mean(),),
        [length[hand].mean() if hand.any() else length.mean() for hand in (left, ~left)],
        _pulse(notes, strikes),
    )
    return np.concatenate(parts).astype(np.float32)


def _pulse(notes: Notes, strikes: Strikes) -> list[float]:
    """Return the features from `pulse_period` on."""
    longest = round(_LONGEST_S / _FRAME_S)
    frame = ((notes.onset_s - notes.onset_s[0]) / _FRAME_S).astype(np.int64)
    # Long enough for every lag that is asked for.
    count = max(int(frame[-1]) + 1, max(_MULTIPLES) * longest + 1)
    strength = np.sqrt(np.bincount(frame, notes.velocity, count))
    strength = np.convolve(strength, _BLUR, "same")
    strength -= strength.mean()
    # Zeros up to twice the length, so that the end doesn't meet the beginning.
    power = np.abs(np.fft.rfft(strength, 2 * count)) ** 2
    repeats = np.fft.irfft(power)[:count]
    repeats /= max(float(repeats[0]), 1e-9)
    lags = np.arange(round(_SHORTEST_S / _FRAME_S), longest + 1)
    octaves = np.log2(lags * _FRAME_S / _PREFERRED_S)
    lag = int(lags[(repeats[lags] * np.exp(-0.5 * (octaves / _SPREAD_OCTAVES) ** 2)).argmax()])
    period_s = lag * _FRAME_S
    turns = np.exp(2j * np.pi * np.outer(_PHASES, strikes.time_s) / period_s)
    phases = np.abs(turns @ strikes.velocity) / strikes.velocity.sum()
    return [
        float(np.log(period_s)),
        float(repeats[lag]),
        *(float(repeats[multiple * lag]) for multiple in _MULTIPLES),
        *(float(repeats[lag // division]) for division in _DIVISIONS),
        float(repeats[lags].max()),
        float(repeats[lags].std()),
        *phases.tolist(),
    ]
