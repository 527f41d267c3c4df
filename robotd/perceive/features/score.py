"""Features of symbolic music: what the notes of a MIDI file tell of its mood.

Performed music has no trustworthy beat, so all times are seconds: a file's tempo map is followed, its bars are not.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from mido import MidiFile

from robotd.errors import MediaError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

#: The features in the model's order.
NAMES = (
    "note_density_mean",
    "note_density_sd",
    "note_length_mean",
    "note_length_sd",
    "velocity_mean",
    "velocity_sd",
    "pitch_mean",
    "pitch_sd",
    "scale",
    "major",
    "pitch_range_80",
    "polyphony",
    "pitch_entropy",
    "groove_consistency",
)

#: Longer pieces are read in equal windows of at most this length: about the longest that the models learned from.
WINDOW_S = 120.0
#: Density is counted in frames of this length, and groove compares bars of it: a 4/4 bar at 120 beats a minute.
BAR_S = 2.0
#: Steps of a bar: sixteenths.
STEPS = 16

_PERCUSSION = 9
#: Semitones.
OCTAVE = 12
_MAJOR_SCALE = (0, 2, 4, 5, 7, 9, 11)
#: Probe-tone profiles of C major and C minor (Krumhansl & Kessler 1982, in Krumhansl, "Cognitive foundations of
#: musical pitch", 1990, p. 30).
_PROFILES = (
    (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88),
    (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17),
)


def _unit(values: NDArray[np.float64]) -> NDArray[np.float64]:
    centred = values - values.mean()
    unit: NDArray[np.float64] = centred / np.linalg.norm(centred)
    return unit


#: [2, 12, 12]: the two profiles of each tonic, of mean 0 and length 1, so that products with them are correlations.
_KEYS = np.array([[_unit(np.roll(profile, tonic)) for tonic in range(OCTAVE)] for profile in _PROFILES])


@dataclass(frozen=True, slots=True, eq=False)
class Notes:
    """The notes of a piece, ordered by their onsets; percussion is left out.

    Attributes:
        onset_s: [n] when each begins.
        length_s: [n] how long each is held, without pedal.
        pitch: [n] MIDI note numbers.
        velocity: [n] 1..127.
    """

    onset_s: NDArray[np.float64]
    length_s: NDArray[np.float64]
    pitch: NDArray[np.int64]
    velocity: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.onset_s)

    @property
    def duration_s(self) -> float:
        """From the first onset to the last end."""
        return float((self.onset_s + self.length_s).max() - self.onset_s.min()) if len(self) else 0.0

    def only(self, chosen: NDArray[Any]) -> Notes:
        """Return some of the notes."""
        return Notes(self.onset_s[chosen], self.length_s[chosen], self.pitch[chosen], self.velocity[chosen])


def read_notes(path: Path) -> Notes:
    """Read the notes of a standard MIDI file, all tracks and channels together but for percussion (channel 10).

    A note that is struck again ends there; one that is never released ends with the file.

    Raises:
        MediaError: there is no such file, it is not MIDI, or it has no notes.
    """
    if not path.is_file():
        raise MediaError(f"{path}: there is no such file")
    try:
        notes = _notes_of(MidiFile(path, clip=True))
    # mido raises whatever its parser stumbles over: EOFError, KeyError, ValueError, IndexError...
    except Exception as error:
        raise MediaError(f"{path}: can't be read as MIDI (a standard MIDI file, .mid, is wanted)") from error
    if not len(notes):
        raise MediaError(f"{path}: has no notes to read (percussion does not count); give a piece with a melody")
    return notes


def _notes_of(midi: Any) -> Notes:
    now_s = 0.0
    held: dict[tuple[int, int], tuple[float, int]] = {}
    rows: list[tuple[float, float, int, int]] = []

    def release(channel: int, pitch: int) -> None:
        if (channel, pitch) in held:
            onset_s, velocity = held.pop((channel, pitch))
            if now_s > onset_s:
                rows.append((onset_s, now_s - onset_s, pitch, velocity))

    for message in midi:
        now_s += message.time
        if message.type not in {"note_on", "note_off"} or message.channel == _PERCUSSION:
            continue
        release(message.channel, message.note)
        if message.type == "note_on" and message.velocity:
            held[message.channel, message.note] = (now_s, message.velocity)
    for channel, pitch in list(held):
        release(channel, pitch)
    columns = np.array(sorted(rows), np.float64).reshape(-1, 4).T
    return Notes(columns[0], columns[1], columns[2].astype(np.int64), columns[3].astype(np.int64))


def windows(notes: Notes) -> list[Notes]:
    """Cut a piece into equal windows of at most 120 s by its onsets; windows without notes are left out."""
    count = max(1, math.ceil(notes.duration_s / WINDOW_S))
    index = ((notes.onset_s - notes.onset_s[0]) * count / notes.duration_s).astype(np.int64)
    return [notes.only(inside) for window in range(count) if (inside := index == window).any()]


def score_features(notes: Notes) -> NDArray[np.float32]:
    """Return the 14 features of at least one note, in the order of `NAMES`.

    - `note_density_mean`: notes a second, from the first onset to the last end.
    - `note_density_sd`: its standard deviation over frames of 2 s.
    - `note_length_mean`, `note_length_sd`: s.
    - `velocity_mean`, `velocity_sd`: MIDI velocity, 1..127.
    - `pitch_mean`, `pitch_sd`: MIDI note number, in semitones.
    - `scale`: share of the notes that lie in the major scale, or its relative minor, which holds most of them (MusPy:
      `scale_consistency`). It does not say which scale that is.
    - `major`: how much likelier the best major key is than the best minor one, a difference of correlations -2..2.
      The key is found by correlation with the probe-tone profiles (Krumhansl & Schmuckler, in Krumhansl 1990).
    - `pitch_range_80`: semitones between the 10th and the 90th percentile of the pitches.
    - `polyphony`: mean number of notes that sound together, over the time in which one sounds (MusPy: `polyphony`).
    - `pitch_entropy`: entropy of the pitch classes, 0..log2(12) bits (Wu & Yang 2020, "The jazz transformer on the
      front line", ISMIR; MusPy: `pitch_class_entropy`).
    - `groove_consistency`: 1 less the share of the 16 steps of a bar in which it differs from the bar before, as to
      whether a note begins there; mean over the bars (Wu & Yang 2020; MusPy: `groove_consistency`). The bar is one
      of 2 s from the first onset, a 4/4 bar at 120 beats a minute: of performed music the true one is not known.
      1 for a piece shorter than two bars.
    """
    classes = np.bincount(notes.pitch % OCTAVE, minlength=OCTAVE)
    major, minor = key_fits(chroma_of(notes)).max(axis=1)
    low, high = np.percentile(notes.pitch, (10, 90))
    density = _counts(notes, BAR_S) / BAR_S
    features = (
        len(notes) / notes.duration_s,
        density.std(),
        notes.length_s.mean(),
        notes.length_s.std(),
        notes.velocity.mean(),
        notes.velocity.std(),
        notes.pitch.mean(),
        notes.pitch.std(),
        _scale_consistency(classes),
        major - minor,
        high - low,
        _polyphony(notes),
        _entropy_bits(classes),
        _groove_consistency(notes),
    )
    return np.array(features, np.float32)


def chroma_of(notes: Notes) -> NDArray[np.float64]:
    """Return [12] seconds for which each pitch class sounds, C first."""
    return np.bincount(notes.pitch % OCTAVE, notes.length_s, OCTAVE).astype(np.float64)


def key_fits(chroma: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how [..., 12] seconds correlate with the major (0) and the minor (1) profile of each tonic: [..., 2, 12].

    Where all classes are alike it is 0.
    """
    centred = chroma - chroma.mean(axis=-1, keepdims=True)
    length = np.linalg.norm(centred, axis=-1, keepdims=True)
    fits: NDArray[np.float64] = np.tensordot(centred / np.maximum(length, 1e-9), _KEYS, axes=(-1, -1))
    return fits


def _scale_consistency(counts: NDArray[np.int64]) -> float:
    inside = max(int(np.roll(counts, -tonic)[list(_MAJOR_SCALE)].sum()) for tonic in range(OCTAVE))
    return inside / int(counts.sum())


def _counts(notes: Notes, frame_s: float) -> NDArray[np.int64]:
    """Onsets in each frame from the first onset on; a last frame that is not whole is left out if it can be."""
    frames = max(1, int(notes.duration_s / frame_s))
    index = ((notes.onset_s - notes.onset_s[0]) / frame_s).astype(np.int64)
    return np.bincount(index[index < frames], minlength=frames)


def _polyphony(notes: Notes) -> float:
    ends = np.sort(notes.onset_s + notes.length_s)
    times = np.unique(np.concatenate([notes.onset_s, ends]))
    sounding = np.searchsorted(notes.onset_s, times[:-1], "right") - np.searchsorted(ends, times[:-1], "right")
    return float(notes.length_s.sum() / np.diff(times)[sounding > 0].sum())


def _entropy_bits(counts: NDArray[np.int64]) -> float:
    shares = counts[counts > 0] / counts.sum()
    return float(-(shares * np.log2(shares)).sum())


def _groove_consistency(notes: Notes) -> float:
    bars = int(notes.duration_s / BAR_S)
    if bars <= 1:
        return 1.0
    steps = _counts(notes, BAR_S / STEPS)[: bars * STEPS]
    struck = steps.reshape(bars, STEPS) > 0
    return float(1.0 - (struck[1:] != struck[:-1]).mean())
