"""Features of the harmony of symbolic music: scale degrees, chords, intervals, bass and top voice.

With the 14 of `features.score` they are the input of the model `judge_notes`. All but the pitches of bass and top are
the same in every key.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from robotd.perceive.features import score

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from robotd.perceive.features.score import Notes

#: The chords that are looked for, as semitones above their root.
_CHORDS = {"major": (0, 4, 7), "minor": (0, 3, 7), "diminished": (0, 3, 6), "augmented": (0, 4, 8)}
#: Every so many seconds the harmony is looked at: what sounds there, or ended not longer ago than a listener recalls.
_HOP_S, _RECALL_S = 0.25, 0.5
#: A chord whose root is in the bass is preferred by this share of the whole sound.
_ROOT_IN_BASS = 0.1
_OCTAVE = score.OCTAVE

HARMONY_NAMES = (
    *(f"degree_{semitones}" for semitones in range(_OCTAVE)),
    "major_fit",
    "minor_fit",
    *(f"interval_class_{semitones}" for semitones in range(1, 7)),
    *(f"{chord}_chords" for chord in _CHORDS),
    "chord_fit",
    "chord_changes",
    "bass_mean",
    "bass_sd",
    "top_mean",
    "top_sd",
)
#: The features of `judge_notes` in its order.
NAMES = (*score.NAMES, *HARMONY_NAMES)

_TEMPLATES = np.array(
    [
        [(pitch_class - root) % _OCTAVE in kind for pitch_class in range(_OCTAVE)]
        for kind in _CHORDS.values()
        for root in range(_OCTAVE)
    ],
    np.float64,
)


def harmony_features(notes: Notes) -> NDArray[np.float32]:
    """Return the features of at least one note, in the order of `HARMONY_NAMES`.

    - `degree_0` to `degree_11`: share of the time of all notes that goes to each semitone above the tonic of the
      likeliest key; `major_fit`, `minor_fit`: correlation with that tonic's two profiles (see `features.score`).
    - `interval_class_1` to `_6`: share of each among the pairs of pitch classes that sound together.
    - `major_chords` to `augmented_chords`: share of the moments, four a second, whose likeliest triad is of that kind.
    - `chord_fit`: share of the sound, weighted by velocity, that belongs to that triad; `chord_changes`: share of the
      moments at which it is another one.
    - `bass_mean`, `bass_sd`, `top_mean`, `top_sd`: MIDI note numbers of the lowest and the highest sounding note.
    """
    chroma = score.chroma_of(notes)
    fits = score.key_fits(chroma)
    tonic = int(fits.max(axis=0).argmax())
    degrees = np.roll(chroma, -tonic) / chroma.sum()

    times_s = np.arange(notes.onset_s[0], (notes.onset_s + notes.length_s).max(), _HOP_S)[:, None]
    sounding = (notes.onset_s <= times_s) & (notes.onset_s + notes.length_s > times_s - _RECALL_S)
    sounding = sounding[sounding.any(axis=1)]
    classes = np.eye(_OCTAVE)[notes.pitch % _OCTAVE]
    loudness = sounding @ (classes * notes.velocity[:, None])
    bass = np.where(sounding, notes.pitch, np.inf).min(axis=1)
    top = np.where(sounding, notes.pitch, -np.inf).max(axis=1)

    rooted = np.tile(np.eye(_OCTAVE)[bass.astype(np.int64) % _OCTAVE], len(_CHORDS))
    likely = (loudness / loudness.sum(axis=1, keepdims=True)) @ _TEMPLATES.T + _ROOT_IN_BASS * rooted
    chords = likely.argmax(axis=1)
    kinds = np.bincount(chords // _OCTAVE, minlength=len(_CHORDS)) / len(chords)

    present = loudness > 0
    pairs = np.array([(present & np.roll(present, -semitones, axis=1)).sum() for semitones in range(1, 7)], np.float64)
    # A tritone is found from both of its ends.
    pairs[-1] /= 2
    moments = (
        likely.max(axis=1).mean(),
        (chords[1:] != chords[:-1]).sum() / len(chords),
        bass.mean(),
        bass.std(),
        top.mean(),
        top.std(),
    )
    parts = (degrees, fits[:, tonic], pairs / max(1.0, pairs.sum()), kinds, moments)
    return np.concatenate(parts).astype(np.float32)


def note_features(notes: Notes) -> NDArray[np.float32]:
    """Return the features of at least one note, in the order of `NAMES`."""
    return np.concatenate([score.score_features(notes), harmony_features(notes)])
