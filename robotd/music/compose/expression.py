"""From feeling to the dials of a musician: mode, tempo, loudness, density, articulation, register, tension.

Where each dial's direction comes from:

* tempo, velocity, accent, density: Gabrielsson & Lindström, "The role of structure in the musical expression of
  emotions", in Juslin & Sloboda (eds.), Handbook of Music and Emotion (2010): fast, loud and dense for arousal. Gomez
  & Danuser, "Relationships between musical structure and psychophysiological measures of emotion", Emotion 7 (2007),
  377-387: accentuation too.
* articulation, sustain: Juslin & Laukka, "Expression, perception, and induction of musical emotions", Journal of New
  Music Research 33 (2004), 217-238: short notes for happiness and anger, long ones for sadness and tenderness.
* melody_centre, chord_centre: Gabrielsson & Lindström: high for happiness, low for sadness, and high for excitement.
* balance, swell, bass_centre: measured, see below.
* mode: Temperley & Tan, "Emotional connotations of diatonic modes", Music Perception 30 (2013), 237-257: of two modes,
  the one with the higher degrees sounds happier.
* tension: Gomez & Danuser: harmonic complexity goes with displeasure; Lahdelma & Eerola, "Single chords convey distinct
  emotional qualities", Psychology of Music 44 (2016), 37-54: which chords are tense.
* lightness: Juslin & Laukka: regular, light rhythms for happiness, sharp and heavy ones for anger.

How far each dial goes is our choice, made so that at the middle of a quadrant the music lies where the pop piano pieces
of that quadrant in EMOPIA lie (Hung et al., ISMIR 2021; medians of Q1, Q2, Q3, Q4): velocity 76, 80, 55, 52, in the
right hand 8, 6, 11, 13 above the left, its mean over 4 s varying by 3.6, 4.0, 5.3, 4.3; strikes a second 3.7, 4.5, 2.8,
2.7; lowest note 41, 38, 47, 47; highest note 77, 76, 76, 73. Bresin & Friberg, "Emotion rendering in music: range and
characteristic values of seven musical variables", Cortex 47 (2011), 1068-1081, found the same dials turned by
performers.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from robotd.music.compose.theme import dice

if TYPE_CHECKING:
    from robotd.music.bar import Mode

SLOWEST_BPM, FASTEST_BPM = 60.0, 150.0

#: The mode of every valence up to this one; beyond the last it is major.
MODE_UP_TO: tuple[tuple[float, Mode], ...] = ((-0.15, "minor"), (0.0, "dorian"), (0.15, "mixolydian"))


@dataclass(frozen=True, slots=True)
class Expression:
    """How to play one bar.

    Attributes:
        mode: the scale.
        tempo_bpm: quarter notes a minute, 60..150.
        velocity: of an unaccented melody note, 1..127.
        balance: how far the accompaniment lies below it, in velocity.
        accent: how much a strong beat stands out, in velocity.
        swell: how much a phrase grows towards its middle, in velocity.
        density: 0 (one or two notes a bar) .. 1 (mostly eighths and faster).
        articulation: part of its time for which a note sounds, 1 is legato.
        sustain: 0..1, how much of the time until the chord changes the notes of an accompaniment ring on.
        melody_centre: MIDI note number around which the melody moves.
        chord_centre: MIDI note number around which the chords lie.
        bass_centre: MIDI note number around which the bass moves.
        tension: 0..1, how readily dissonant chords are taken.
        lightness: 0 (heavy, driving) .. 1 (light, dancing).
    """

    mode: Mode
    tempo_bpm: float
    velocity: float
    balance: float
    accent: float
    swell: float
    density: float
    articulation: float
    sustain: float
    melody_centre: float
    chord_centre: float
    bass_centre: float
    tension: float
    lightness: float


#: How far the character of a stretch may lie from its dials, in density and in velocity.
_FULLER, _LOUDER = 0.05, 3.5


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
        velocity=72.5 + 21 * a,
        balance=10.5 - 5 * a + 1.2 * v,
        accent=4 + 8 * energy,
        swell=6 - 3 * a,
        density=energy,
        articulation=within(1.0 - 0.3 * energy - 0.1 * v * energy, 0.4, 1.0),
        sustain=within(1.25 - 0.7 * energy, 0.0, 1.0),
        melody_centre=75.5 + 0.5 * v + 1.5 * a,
        chord_centre=59.5 + 1.5 * v,
        bass_centre=43 - 6 * a + v,
        tension=within(0.35 - 0.5 * v + 0.15 * a, 0.0, 1.0),
        lightness=(v + 1) / 2,
    )


def in_character(how: Expression, seed: int) -> Expression:
    """Return dials a little to one side, so that one stretch is fuller or louder than the next at the same feeling."""
    roll = dice("character", seed)
    fuller, louder = (2 * roll.random() - 1 for _ in range(2))
    density = within(how.density + _FULLER * fuller, 0.0, 1.0)
    return replace(how, density=density, velocity=how.velocity + _LOUDER * louder)
