"""Features of the chords of symbolic music: their kinds, their places in the key, how they move, and the bass.

All but the pitches of the bass are the same in every key.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from robotd.perceive.features.moments import HOP_S, shares
from robotd.perceive.features.score import OCTAVE
from robotd.perceive.features.tonality import likeliest_key

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from robotd.perceive.features.moments import Moments

#: The chords that are looked for, as semitones above their root.
_KINDS = {
    "major": (0, 4, 7),
    "minor": (0, 3, 7),
    "diminished": (0, 3, 6),
    "augmented": (0, 4, 8),
    "suspended_fourth": (0, 5, 7),
    "suspended_second": (0, 2, 7),
    "major_seventh": (0, 4, 7, 11),
    "minor_seventh": (0, 3, 7, 10),
    "dominant_seventh": (0, 4, 7, 10),
    "half_diminished": (0, 3, 6, 10),
    "fifth": (0, 7),
}
_BRIGHT = ("major", "major_seventh", "dominant_seventh")
_DARK = ("minor", "minor_seventh", "half_diminished", "diminished")
#: A chord whose root is in the bass is preferred by this much, beside a cosine.
_ROOT_IN_BASS = 0.1
#: Semitones.
_STEP = 2

NAMES = (
    *(f"kind_{kind}" for kind in _KINDS),
    "bright_less_dark",
    "match_mean",
    "match_sd",
    *(f"bright_on_{degree}" for degree in range(OCTAVE)),
    *(f"dark_on_{degree}" for degree in range(OCTAVE)),
    *(f"root_moves_{semitones}" for semitones in range(1, OCTAVE)),
    "roots_per_s",
    *(f"bass_on_{degree}" for degree in range(OCTAVE)),
    *(f"above_bass_{semitones}" for semitones in range(OCTAVE)),
    "basses_per_s",
    "bass_steps",
    "bass_10",
    "bass_90",
)


def _unit(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    unit: NDArray[np.float64] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return unit


_TEMPLATES = _unit(
    np.array(
        [
            [(pitch_class - root) % OCTAVE in kind for pitch_class in range(OCTAVE)]
            for kind in _KINDS.values()
            for root in range(OCTAVE)
        ],
        np.float64,
    )
)


def chord_features(moments: Moments) -> NDArray[np.float32]:
    """Return the features of at least one moment in the order of `NAMES`.

    The chord of a moment is the one whose template is nearest to the velocities of its pitch classes by their cosine.

    - `kind_*`: share of the moments with such a chord. Bright ones are major, with or without a seventh; dark ones are
      minor or diminished; `bright_less_dark` is the difference of their shares.
    - `match_mean`, `match_sd`: of the cosine, with the 0.1 that a root in the bass adds.
    - `bright_on_0` to `dark_on_11`: share of the moments with such a chord so many semitones above the tonic.
    - `root_moves_1` to `_11`: share of the changes of root that go up by so many semitones; `roots_per_s`: changes.
    - `bass_on_0` to `_11`: share of the moments in which the bass is so far above the tonic; `above_bass_0` to `_11`:
      share of the whole sound that is so far above the bass, octaves apart; `basses_per_s`: how often the bass changes;
      `bass_steps`: share of those changes that are of two semitones at most; `bass_10`, `bass_90`: percentiles of it.
    """
    tonic = likeliest_key(moments.loudness.sum(axis=0))
    bass_class = moments.bass % OCTAVE
    rooted = np.tile(np.eye(OCTAVE)[bass_class], len(_KINDS))
    match = _unit(moments.loudness) @ _TEMPLATES.T + _ROOT_IN_BASS * rooted
    kind, root = np.divmod(match.argmax(axis=1), OCTAVE)
    kinds = shares(kind, len(_KINDS))
    names = list(_KINDS)
    bright, dark = (np.isin(kind, [names.index(one) for one in some]) for some in (_BRIGHT, _DARK))
    degree = (root - tonic) % OCTAVE
    length_s = len(moments) * HOP_S
    moves = np.diff(root)[np.diff(root) != 0] % OCTAVE
    leaps = np.diff(moments.bass)[np.diff(moments.bass) != 0]
    around = (np.arange(OCTAVE) + bass_class[:, None]) % OCTAVE
    above = np.take_along_axis(moments.loudness, around, axis=1).sum(axis=0)
    best = match.max(axis=1)
    parts = (
        kinds,
        (bright.mean() - dark.mean(), best.mean(), best.std()),
        shares(degree[bright], OCTAVE) * bright.mean(),
        shares(degree[dark], OCTAVE) * dark.mean(),
        shares(moves, OCTAVE)[1:],
        (len(moves) / length_s,),
        shares((bass_class - tonic) % OCTAVE, OCTAVE),
        above / above.sum(),
        (len(leaps) / length_s, (np.abs(leaps) <= _STEP).sum() / max(1, len(leaps))),
        np.percentile(moments.bass, (10, 90)),
    )
    return np.concatenate(parts).astype(np.float32)
