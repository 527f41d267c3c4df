"""Features of the tonality of symbolic music: how major, how clear, and how far it strays.

All are the same in every key.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from robotd.perceive.features.moments import HOP_S
from robotd.perceive.features.score import OCTAVE, key_fits

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from robotd.perceive.features.moments import Moments
    from robotd.perceive.features.score import Notes

#: What the pitch classes are counted by.
_COUNTS = ("seconds", "notes", "force", "moments", "low", "high", "bass", "top")
#: Below it a note is low: middle C.
_MIDDLE = 60
#: The key is also looked for in windows of 8 s, every 2 s; in moments.
_WINDOW, _STEP = round(8.0 / HOP_S), round(2.0 / HOP_S)
_FIFTH, _MINOR_THIRD = 7, 3

NAMES = (
    *(f"mode_by_{count}" for count in _COUNTS),
    *(
        f"{feature}_by_{count}"
        for count in ("seconds", "moments")
        for feature in ("key_fit", "key_clarity", "parallel")
    ),
    "window_mode_mean",
    "window_mode_sd",
    "window_mode_min",
    "window_mode_max",
    "window_major",
    "window_fit_mean",
    "window_fit_min",
    "window_distance",
    "window_changes",
)


def likeliest_key(chroma: NDArray[np.float64]) -> int:
    """Return the tonic's pitch class of the key that [12] seconds, or sums of velocities, fit best."""
    return int(key_fits(chroma).argmax()) % OCTAVE


def tonality_features(notes: Notes, moments: Moments) -> NDArray[np.float32]:
    """Return the features of at least one note, and of its moments, in the order of `NAMES`.

    Keys are found as `major` in `features.score`.

    - `mode_by_*`: the fit of the best major key less that of the best minor one, the pitch classes counted by seconds,
      by number of notes, by seconds times velocity, by the velocities at each moment, by the seconds of the notes
      below and from middle C on, and by the moments for which each is the lowest and the highest.
    - `key_fit_by_*`: the best key's correlation; `key_clarity_by_*`: by how much it exceeds the second best one's;
      `parallel_by_*`: the fit of major less that of minor on the tonic that fits best.
    - `window_*`, of windows of 8 s: mean, deviation, least and greatest of their `mode_by_moments`; the share of those
      whose best key is major; the mean and the least fit; the mean distance of their keys' signatures from that of
      the whole, in fifths; how often the key is another one than in the window before.
    """
    chroma = _chroma(notes, moments)
    fits = key_fits(chroma)
    major, minor = fits.max(axis=2).T
    wholes = []
    for of_count in (fits[_COUNTS.index("seconds")], fits[_COUNTS.index("moments")]):
        ordered = np.sort(of_count, axis=None)
        tonic = int(of_count.max(axis=0).argmax())
        wholes += [ordered[-1], ordered[-1] - ordered[-2], of_count[0, tonic] - of_count[1, tonic]]
    whole = _signature(fits[_COUNTS.index("moments")][None])[0]
    return np.concatenate([major - minor, wholes, _windows(moments, whole)]).astype(np.float32)


def _chroma(notes: Notes, moments: Moments) -> NDArray[np.float64]:
    """Return [counts, 12] in the order of `_COUNTS`."""
    classes = notes.pitch % OCTAVE
    low = notes.pitch < _MIDDLE
    counted = (
        (classes, notes.length_s),
        (classes, np.ones(len(notes))),
        (classes, notes.length_s * notes.velocity),
        None,
        (classes[low], notes.length_s[low]),
        (classes[~low], notes.length_s[~low]),
        (moments.bass % OCTAVE, np.ones(len(moments))),
        (moments.top % OCTAVE, np.ones(len(moments))),
    )
    return np.array(
        [moments.loudness.sum(axis=0) if one is None else np.bincount(*one, minlength=OCTAVE) for one in counted],
        np.float64,
    )


def _windows(moments: Moments, whole: int) -> tuple[float, ...]:
    sums = np.concatenate([np.zeros((1, OCTAVE)), moments.loudness.cumsum(axis=0)])
    starts = np.arange(0, max(1, len(moments) - _WINDOW + 1), _STEP)
    fits = key_fits(sums[np.minimum(starts + _WINDOW, len(moments))] - sums[starts])
    mode = fits[:, 0].max(axis=1) - fits[:, 1].max(axis=1)
    keys = fits.reshape(len(starts), -1).argmax(axis=1)
    best = fits.max(axis=(1, 2))
    fifths = (_signature(fits) - whole) * _FIFTH % OCTAVE
    return (
        mode.mean(),
        mode.std(),
        mode.min(),
        mode.max(),
        (keys < OCTAVE).mean(),
        best.mean(),
        best.min(),
        np.minimum(fifths, OCTAVE - fifths).mean(),
        (keys[1:] != keys[:-1]).sum() / len(keys),
    )


def _signature(fits: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the tonic of the major key that has as many sharps or flats as the best of [n, 2, 12] fits: [n]."""
    keys = fits.reshape(len(fits), -1).argmax(axis=1)
    signature: NDArray[np.int64] = np.where(keys < OCTAVE, keys, keys + _MINOR_THIRD) % OCTAVE
    return signature
