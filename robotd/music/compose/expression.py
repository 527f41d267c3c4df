"""From feeling to the dials of a musician: mode, tempo, loudness, density, articulation, register.

The directions follow what listeners and performers agree on:

* Gabrielsson & Lindström, "The role of structure in the musical expression of emotions", in Juslin & Sloboda
  (eds.), Handbook of Music and Emotion (2010): fast, loud, dense and high for arousal, major for pleasure.
* Juslin & Laukka, "Expression, perception, and induction of musical emotions", Journal of New Music Research
  33 (2004), 217-238: short notes for happiness and anger, long ones for sadness and tenderness.
* Gomez & Danuser, "Relationships between musical structure and psychophysiological measures of emotion",
  Emotion 7 (2007), 377-387: tempo, accentuation and rhythmic articulation go with arousal; mode and harmonic
  complexity with valence.
* Bresin & Friberg, "Emotion rendering in music: range and characteristic values of seven musical variables",
  Cortex 47 (2011), 1068-1081: tempo, level, articulation, phrasing, register, timbre and attack are the dials.
* Temperley & Tan, "Emotional connotations of diatonic modes", Music Perception 30 (2013), 237-257: of two
  modes, the one with the higher degrees sounds happier.

The figures within these directions are our choice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from robotd.music.bar import Mode

SLOWEST_BPM, FASTEST_BPM = 56.0, 150.0

#: The mode of every valence up to this one; beyond the last it is major.
MODE_UP_TO: tuple[tuple[float, Mode], ...] = ((-0.15, "minor"), (0.0, "dorian"), (0.15, "mixolydian"))


@dataclass(frozen=True, slots=True)
class Expression:
    """How to play one bar.

    Attributes:
        mode: the scale.
        tempo_bpm: quarter notes a minute, 56..150.
        velocity: of an unaccented melody note, 1..127.
        accent: how much a strong beat stands out, in velocity.
        density: 0 (one or two notes a bar) .. 1 (mostly eighths and faster).
        articulation: part of its time for which a note sounds, 1 is legato.
        melody_centre: MIDI note number around which the melody moves.
        chord_centre: MIDI note number around which the chords lie.
        sevenths: whether chords get the bite of their seventh.
    """

    mode: Mode
    tempo_bpm: float
    velocity: float
    accent: float
    density: float
    articulation: float
    melody_centre: float
    chord_centre: float
    sevenths: bool


def within(value: float, low: float, high: float) -> float:
    """Return the value, moved to the nearer end if it lies outside of low..high."""
    return min(max(value, low), high)


def mode_of(valence: float) -> Mode:
    """Return the mode for a valence in -1..1: the more pleasant, the brighter."""
    return next((mode for up_to, mode in MODE_UP_TO if valence <= up_to), "major")


def express(valence: float, arousal: float) -> Expression:
    """Return how a feeling sounds; what lies outside of -1..1 counts as the nearer end."""
    v, a = within(valence, -1, 1), within(arousal, -1, 1)
    energy = (a + 1) / 2
    return Expression(
        mode=mode_of(v),
        # Equal steps of arousal are equal ratios of tempo.
        tempo_bpm=SLOWEST_BPM * (FASTEST_BPM / SLOWEST_BPM) ** energy,
        velocity=74 + 28 * energy,
        accent=4 + 14 * energy,
        density=energy,
        articulation=within(1.0 - 0.45 * energy - 0.1 * v * energy, 0.4, 1.0),
        melody_centre=69 + 4 * v + 4 * a,
        chord_centre=54 + 3 * v + 2 * a,
        sevenths=v < -0.4,  # noqa: PLR2004 - clearly unpleasant
    )
