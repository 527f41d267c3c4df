"""Features of the melody of symbolic music, taken to be the highest voice.

All but the pitches are the same in every key.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from robotd.perceive.features.moments import shares
from robotd.perceive.features.rhythm import strikes_of
from robotd.perceive.features.score import OCTAVE
from robotd.perceive.features.tonality import likeliest_key

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from robotd.perceive.features.moments import Moments
    from robotd.perceive.features.score import Notes

#: A melody of pop piano hardly goes below G3.
_LOWEST = 55
#: With fewer notes than this left, none is left out.
_FEW = 4
#: Kinds of intervals, as the least and the most semitones.
_KINDS = {"repeat": (0, 0), "step": (1, 2), "third": (3, 4), "leap": (5, 7), "wide": (8, 127)}
_INTERVALS = (1, 2, 3, 4, 5, 7, 12)

NAMES = (
    "interval_mean",
    *(f"interval_{kind}" for kind in _KINDS),
    "rising",
    "turns",
    *(f"interval_{semitones}" for semitones in _INTERVALS),
    "melody_mean",
    "melody_sd",
    "melody_10",
    "melody_90",
    "melody_per_s",
    *(f"melody_on_{degree}" for degree in range(OCTAVE)),
)


def melody_features(notes: Notes, moments: Moments) -> NDArray[np.float32]:
    """Return the features of at least one note, and of its moments, in the order of `NAMES`.

    The melody is the highest note of each strike that is not below G3 nor below what still sounds.

    - `interval_mean`: semitones from each note to the next, up or down; `interval_repeat` to `interval_wide`: share of
      0, 1-2, 3-4, 5-7 and more semitones; `interval_1` to `interval_12`: share of exactly these.
    - `rising`: share of the moving intervals that go up; `turns`: share of the notes at which it turns round.
    - `melody_mean`, `melody_sd`, `melody_10`, `melody_90`: mean, deviation and percentiles of its MIDI note numbers;
      `melody_per_s`: notes; `melody_on_0` to `_11`: share of those so many semitones above the tonic.
    """
    strikes = strikes_of(notes)
    high = strikes.top >= _LOWEST
    if high.sum() < _FEW:
        high = np.ones(len(strikes.top), bool)
    pitch, time_s = strikes.top[high], strikes.time_s[high]
    leading = pitch >= moments.top[moments.before(time_s)]
    if leading.sum() >= _FEW:
        pitch = pitch[leading]
    moves = np.diff(pitch)
    wide = np.abs(moves)
    some = max(1, len(moves))
    degrees = (pitch - likeliest_key(moments.loudness.sum(axis=0))) % OCTAVE
    parts = (
        (wide.sum() / some,),
        [((wide >= least) & (wide <= most)).sum() / some for least, most in _KINDS.values()],
        ((moves > 0).sum() / max(1, (moves != 0).sum()), (moves[1:] * moves[:-1] < 0).sum() / some),
        [(wide == semitones).sum() / some for semitones in _INTERVALS],
        (pitch.mean(), pitch.std(), *np.percentile(pitch, (10, 90)), len(pitch) / notes.duration_s),
        shares(degrees, OCTAVE),
    )
    return np.concatenate(parts).astype(np.float32)
