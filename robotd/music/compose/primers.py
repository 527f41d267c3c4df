"""Beginnings for the nets, made by rules: no note of them is taken from anywhere.

Like everything on the grid they are in C major or A minor; the feeling sets how many notes there are and how high
they lie. Every seed is another beginning.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from robotd.music.bar import SCALES
from robotd.music.compose.expression import express
from robotd.music.compose.grid import STEPS_PER_BAR, STEPS_PER_BEAT, GridNote
from robotd.music.compose.harmony import ANTECEDENTS, CONSEQUENTS, nearest, pitch_classes, voicing
from robotd.music.compose.theme import BEATS, Motif, arch, cadence_onsets, dice, line

if TYPE_CHECKING:
    from robotd.music.bar import Mode

#: Pitch classes of the tonics of the grid: C for major, A for minor.
TONICS: dict[Mode, int] = {"major": 0, "minor": 9}
#: Where a melody lies on the grid, whatever the feeling: its register is chosen when it is played.
_CENTRE, _LOWEST, _HIGHEST = 67, 55, 81
_CHORD_CENTRE = 55
#: From these densities on a left hand breaks its chord in quarters, in eighths.
_BROKEN_FROM, _FLOWING_FROM = 0.25, 0.5
_BARS = 4


def melody_primer(valence: float, arousal: float, *, minor: bool, seed: object, bars: int = 1) -> tuple[GridNote, ...]:
    """Return the first bars of a melody made by rules, at most a phrase of four.

    Args:
        valence: -1..1.
        arousal: -1..1: how many notes there are.
        minor: in A minor, else in C major.
        seed: which of the melodies.
        bars: 1..4; the fourth is a cadence.
    """
    mode: Mode = "minor" if minor else "major"
    tonic = TONICS[mode]
    density = express(valence, arousal).density
    chords = _phrase(mode, seed)
    classes = frozenset((tonic + step) % 12 for step in SCALES[mode])
    scale = [pitch for pitch in range(_LOWEST, _HIGHEST + 1) if pitch % 12 in classes]
    notes: list[GridNote] = []
    last: int | None = None
    for bar in range(bars):
        motif = Motif.drawn("primer", seed, bar % 2)
        cadence = bar == _BARS - 1
        onsets = cadence_onsets(density) if cadence else motif.onsets(density)
        halves = [set(pitch_classes(tonic, mode, (degree, degree + 2, degree + 4))) for degree in chords[bar]]
        pitches = line(
            motif,
            onsets,
            scale=scale,
            chord_at=lambda beat, halves=halves: halves[int(beat * len(halves) / BEATS)],  # type: ignore[misc]
            target_at=lambda beat, bar=bar: _CENTRE + 4 * arch(bar, beat),  # type: ignore[misc]
            last=last,
            final=tonic if cadence else None,
        )
        last = pitches[-1]
        ends = (*onsets[1:], float(BEATS))
        notes += [_on_grid(bar, start, end, pitch) for start, end, pitch in zip(onsets, ends, pitches, strict=True)]
    return tuple(notes)


def piano_primer(valence: float, arousal: float, *, minor: bool, seed: object) -> tuple[GridNote, ...]:
    """Return one bar for two hands made by rules: a melody over chords (arguments as of `melody_primer`)."""
    mode: Mode = "minor" if minor else "major"
    degree = _phrase(mode, seed)[0][0]
    voices = voicing(pitch_classes(TONICS[mode], mode, (degree, degree + 2, degree + 4)), _CHORD_CENTRE, ())
    (root,) = pitch_classes(TONICS[mode], mode, (degree,))
    bass = nearest(root, _CHORD_CENTRE - 15)
    density = express(valence, arousal).density
    left = [GridNote(0, STEPS_PER_BAR, bass)]
    if density < _BROKEN_FROM:
        left += [GridNote(0, STEPS_PER_BAR, pitch) for pitch in voices]
    else:
        apart = STEPS_PER_BEAT if density < _FLOWING_FROM else STEPS_PER_BEAT // 2
        order = (voices[0], voices[1], voices[2], voices[1])
        steps = range(0, STEPS_PER_BAR, apart)
        left += [GridNote(step, step + apart, order[number % 4]) for number, step in enumerate(steps)]
    right = melody_primer(valence, arousal, minor=minor, seed=seed)
    # Where both hands want one key the right one has it.
    struck = {(note.start, note.pitch): note for note in (*left, *right)}
    return tuple(sorted(struck.values()))


def _phrase(mode: Mode, seed: object) -> tuple[tuple[int, ...], ...]:
    phrases = (*ANTECEDENTS[mode], *CONSEQUENTS[mode])
    # A beginning stands on the tonic, so that the key is clear to the net.
    at_home = [phrase for phrase in phrases if phrase[0] == (0,)]
    return at_home[int(dice("primer chords", seed).random() * len(at_home))]


def _on_grid(bar: int, start_beats: float, end_beats: float, pitch: int) -> GridNote:
    start = bar * STEPS_PER_BAR + round(start_beats * STEPS_PER_BEAT)
    return GridNote(start, max(start + 1, bar * STEPS_PER_BAR + round(end_beats * STEPS_PER_BEAT)), pitch)
