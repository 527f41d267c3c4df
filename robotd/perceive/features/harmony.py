"""Features of the harmony of symbolic music: scale degrees, chords, intervals, bass and top voice.

All but the pitches of bass and top are the same in every key.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from robotd.perceive.features import score

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from robotd.perceive.features.moments import Moments
    from robotd.perceive.features.score import Notes

#: The chords that are looked for, as semitones above their root.
_CHORDS = {"major": (0, 4, 7), "minor": (0, 3, 7), "diminished": (0, 3, 6), "augmented": (0, 4, 8)}
#: A chord whose root is in the bass is preferred by this share of the whole sound.
_ROOT_IN_BASS = 0.1
_OCTAVE = score.OCTAVE

NAMES = (
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
_TEMPLATES = np.array(
    [
        [(pitch_class - root) % _OCTAVE in kind for pitch_class in range(_OCTAVE)]
        for kind in _CHORDS.values()
        for root in range(_OCTAVE)
    ],
    np.float64,
)


def harmony_features(notes: Notes, moments: Moments) -> NDArray[np.float32]:
    """Return the features of at least one note, and of its moments, in the order of `NAMES`.

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

    loudness, bass, top = moments.loudness, moments.bass, moments.top
    rooted = np.tile(np.eye(_OCTAVE)[bass % _OCTAVE], len(_CHORDS))
    likely = (loudness / loudness.sum(axis=1, keepdims=True)) @ _TEMPLATES.T + _ROOT_IN_BASS * rooted
    chords = likely.argmax(axis=1)
    kinds = np.bincount(chords // _OCTAVE, minlength=len(_CHORDS)) / len(chords)

    present = loudness > 0
    pairs = np.array([(present & np.roll(present, -semitones, axis=1)).sum() for semitones in range(1, 7)], np.float64)
    # A tritone is found from both of its ends.
    pairs[-1] /= 2
    course = (
        likely.max(axis=1).mean(),
        (chords[1:] != chords[:-1]).sum() / len(chords),
        bass.mean(),
        bass.std(),
        top.mean(),
        top.std(),
    )
    parts: tuple[Any, ...] = (degrees, fits[:, tonic], pairs / max(1.0, pairs.sum()), kinds, course)
    return np.concatenate(parts).astype(np.float32)
