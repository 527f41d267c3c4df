"""Chords for a melody: the cheapest way through a table of chords, by rules.

A stretch of four bars gets a chord each half bar. What makes chords cheap or dear:

* Fit. The notes that sound belong to the chord, the more so the longer they are and the stronger the place where they
  begin (metrical strength: Lerdahl & Jackendoff, "A generative theory of tonal music", 1983). Notes between chord
  notes that are reached and left by step are let pass; a semitone above a chord note clashes.
* Course. Roots go on as in Piston's table of usual root progressions ("Harmony", 1941): tonic, then subdominant, then
  dominant, then home; besides, as in songs of today, IV and VII go home readily and VI goes to IV (de Clercq &
  Temperley, "A corpus analysis of rock harmony", Popular Music 30 (2011), 47-70). Chords on I, IV, V and VI come most
  often there.
* Rhythm. A chord changes rather at the bar line than within the bar, and stays for two bars at most.
* Cadence. A question ends on the dominant, an answer comes home from it or from the subdominant (de la Motte,
  "Harmonielehre", 1976); in minor VII may stand for V, which may have its raised leading note.
* Feeling. Pleasure leans to I and IV, displeasure to diminished and dominant sevenths in major and to I, IV and VI in
  minor; major and minor sevenths sound tender, the more so in quiet music; diminished chords and dominant sevenths
  sound tense (Lahdelma & Eerola, "Single chords convey distinct emotional qualities to both naïve and expert
  listeners", Psychology of Music 44 (2016), 37-54).

The directions are theirs, the figures our choice. Among chords that cost nearly the same the seed chooses.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from robotd.music.compose.chord import OCTAVE, Chord, degree_of, diatonic
from robotd.music.compose.grid import STEPS_PER_BAR, STEPS_PER_BEAT, STRETCH_STEPS
from robotd.music.compose.theme import dice

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from robotd.music.compose.grid import GridNote

HALF_STEPS = STEPS_PER_BAR // 2
HALVES = STRETCH_STEPS // HALF_STEPS
#: Two bars.
LONGEST_HALVES = 4

_I, _II, _III, _IV, _V, _VI, _VII = range(7)

#: What a chord costs by its degree, in major and in minor.
_RARITY = (
    {_I: 0.3, _II: 0.3, _III: 0.4, _IV: 0.1, _V: 0.1, _VI: 0.1, _VII: 1.6},
    {_I: 0.1, _II: 1.3, _III: 0.35, _IV: 0.3, _V: 0.6, _VI: 0.0, _VII: 0.3},
)
#: What is added at a valence of 1, taken away at -1.
_PLEASURE = (
    {_I: -0.3, _II: 0.0, _III: 0.1, _IV: -0.3, _V: -0.1, _VI: 0.0, _VII: 0.5},
    {_I: 0.2, _II: 0.3, _III: -0.3, _IV: 0.2, _V: 0.2, _VI: 0.2, _VII: -0.3},
)
_SEVENTH_COST = 0.7
#: How much an arousal of -1 takes from a tender seventh, and a valence of -1 from a tense chord.
_TENDERNESS, _TENSION = 0.6, 0.5
_TRIADS = ("major", "minor", "diminished")
_TENDER = ("major_seventh", "minor_seventh")
_TENSE = ("dominant_seventh", "half_diminished", "diminished")

#: Where a root goes usually, sometimes, seldom; where else, hardly ever.
_GOES_ON = {
    _I: ((_IV, _V, _VI), (_II, _VII), (_III,)),
    _II: ((_V,), (_IV, _VII), (_I, _VI)),
    _III: ((_VI, _IV), (_II, _VII), (_I, _V)),
    _IV: ((_V, _I), (_II, _VII), (_III, _VI)),
    _V: ((_I,), (_VI, _IV), (_II, _III)),
    _VI: ((_IV, _II, _V), (_III, _VII), (_I,)),
    _VII: ((_I, _III), (_VI, _IV), (_V,)),
}
_RANK_COSTS = (0.0, 0.5, 1.0)
_HARDLY_EVER = 1.8
#: The same root with another colour.
_RECOLOURED = 0.6
_CHANGE_WITHIN_BAR = 0.8
_STAY_OVER_BAR_LINE = 1.2

#: What it costs to come home from a degree at the end of an answer: at the last bar line, or in the last bar.
_COMING_HOME = {_V: 0.0, _VII: 0.3, _IV: 0.5, _II: 0.9}
_FROM_ELSEWHERE = 1.8
_NOT_HOME = 5.0
#: What it costs to end a question on a degree.
_ASKING = {_V: 0.0, _VII: 0.4, _IV: 1.2, _II: 1.5}
_NO_QUESTION = 3.0
_STARTS_ELSEWHERE = 1.5

#: How much a note weighs by the step of the bar where it begins: bar, half bar, beats, eighths, sixteenths.
_STRENGTH = {16: 1.0, 8: 0.9, 4: 0.75, 2: 0.5, 1: 0.35}
#: What a note does for a chord.
_BELONGS, _IS_SEVENTH, _PASSES, _STRANGE, _CLASHES = 1.0, 0.7, -0.2, -1.0, -1.6
_FIT = 4.0
_SECOND = 2
#: Up to this much the seed makes a chord dearer at a place.
_NEAR = 0.7


@dataclass(frozen=True, slots=True)
class _Choice:
    """A chord that may be chosen, and its degree."""

    chord: Chord
    degree: int

    @property
    def is_triad(self) -> bool:
        return self.chord.quality in _TRIADS


@lru_cache(maxsize=2)
def _choices(*, minor: bool) -> tuple[_Choice, ...]:
    chords = [diatonic(degree, minor=minor) for degree in range(7)]
    # A minor tonic stays plain.
    sevenths = (_II, _IV, _VI) if minor else (_I, _II, _IV, _V, _VI)
    chords += [diatonic(degree, minor=minor, notes=4) for degree in sevenths]
    if minor:
        # With the leading note, G sharp.
        chords += [Chord(4, "major"), Chord(4, "dominant_seventh"), Chord(8, "diminished")]
    return tuple(_Choice(chord, degree_of(chord.root, minor=minor)) for chord in chords)


def harmonise(
    melody: Sequence[GridNote],
    *,
    minor: bool,
    valence: float,
    arousal: float,
    consequent: bool,
    seed: int,
    first: Collection[Chord] = (),
) -> tuple[Chord, ...]:
    """Return the chords of a stretch, one each half bar; equal neighbours are one chord that is held.

    The cheapest sequence is found by dynamic programming over chords and how long they have lasted.

    Args:
        melody: four bars in C major or A minor; may be empty.
        minor: which of both.
        valence: -1..1.
        arousal: -1..1.
        consequent: whether the stretch is an answer, which comes home, or a question.
        seed: chooses among what is nearly as good.
        first: chords of which the first half bar takes one, for a turn from another key; none: any.
    """
    choices = _choices(minor=minor)
    if first:
        choices = (*choices, *(_Choice(chord, degree_of(chord.root, minor=minor)) for chord in sorted(first)))
        choices = tuple(dict.fromkeys(choices))
    prior = [_prior(choice, minor=minor, valence=valence, arousal=arousal) for choice in choices]
    roll = dice("chords", seed)
    dearer = [[_NEAR * roll.random() for _ in choices] for _ in range(HALVES)]
    local = [
        [
            prior[number] - _FIT * fit(choice.chord, melody, half * HALF_STEPS) + dearer[half][number]
            for number, choice in enumerate(choices)
        ]
        for half in range(HALVES)
    ]
    steps = [[[_step(last, choice, half) for choice in choices] for last in choices] for half in range(2)]
    # Best cost and way to each (chord, halves that it has lasted).
    ways: dict[tuple[int, int], tuple[float, tuple[int, ...]]] = {}
    for number, choice in enumerate(choices):
        if not first or choice.chord in first:
            ways[number, 1] = (local[0][number] + (_STARTS_ELSEWHERE if choice.degree else 0), (number,))
    for half in range(1, HALVES):
        onward: dict[tuple[int, int], tuple[float, tuple[int, ...]]] = {}
        for (last, lasted), (cost, way) in ways.items():
            for number, choice in enumerate(choices):
                stays = number == last
                if stays and lasted == LONGEST_HALVES:
                    continue
                total = cost + local[half][number] + steps[half % 2][last][number]
                total += _cadence(choices[last], choice, half, consequent=consequent)
                place = (number, lasted + 1 if stays else 1)
                if place not in onward or total < onward[place][0]:
                    onward[place] = (total, (*way, number))
        ways = onward
    _, best = min(ways.values())
    return tuple(choices[number].chord for number in best)


def fit(chord: Chord, melody: Sequence[GridNote], start: int) -> float:
    """Return how well a chord fits what sounds in the half bar from a step on: -1.6 .. 1, 0 for silence."""
    end = start + HALF_STEPS
    total = weights = 0.0
    for number, note in enumerate(melody):
        if note.end <= start or note.start >= end:
            continue
        begins = max(note.start, start)
        weight = (min(note.end, end) - begins) * _strength(begins)
        weights += weight
        total += weight * _worth(chord, melody, number)
    return total / weights if weights else 0.0


def _strength(step: int) -> float:
    return next(weight for period, weight in _STRENGTH.items() if step % period == 0)


def _worth(chord: Chord, melody: Sequence[GridNote], number: int) -> float:
    note = melody[number]
    pitch_class = note.pitch % OCTAVE
    classes = chord.classes
    if pitch_class in classes[:3]:
        return _BELONGS
    if pitch_class in classes:
        return _IS_SEVENTH
    around = (*melody[max(number - 1, 0) : number], *melody[number + 1 : number + 2])
    by_step = all(0 < abs(other.pitch - note.pitch) <= _SECOND for other in around)
    if by_step and around and note.end - note.start <= STEPS_PER_BEAT:
        return _PASSES
    return _CLASHES if (pitch_class - 1) % OCTAVE in classes else _STRANGE


def _prior(choice: _Choice, *, minor: bool, valence: float, arousal: float) -> float:
    """Return what a chord costs wherever it stands."""
    quality = choice.chord.quality
    cost = _RARITY[minor][choice.degree] + valence * _PLEASURE[minor][choice.degree]
    if not choice.is_triad:
        cost += _SEVENTH_COST
    if quality in _TENDER:
        cost -= _TENDERNESS * max(-arousal, 0.0)
    if quality in _TENSE:
        cost -= _TENSION * max(-valence, 0.0)
    return cost


def _step(last: _Choice, choice: _Choice, half: int) -> float:
    """Return what it costs to go on from a chord at a half bar."""
    over_bar_line = half % 2 == 0
    if choice.chord == last.chord:
        return _STAY_OVER_BAR_LINE if over_bar_line else 0.0
    cost = 0.0 if over_bar_line else _CHANGE_WITHIN_BAR
    if choice.degree == last.degree:
        return cost + _RECOLOURED
    ranks = zip(_GOES_ON[last.degree], _RANK_COSTS, strict=True)
    return cost + next((rank for degrees, rank in ranks if choice.degree in degrees), _HARDLY_EVER)


def _cadence(last: _Choice, choice: _Choice, half: int, *, consequent: bool) -> float:
    """Return what a chord costs after another near the end of a stretch."""
    final, home = half == HALVES - 1, choice.degree == _I and choice.is_triad
    if not consequent:
        return _ASKING.get(choice.degree, _NO_QUESTION) if final else 0.0
    if final and not home:
        return _NOT_HOME
    arrives = home and (half == HALVES - 2 or (final and last.degree != _I))
    return _COMING_HOME.get(last.degree, _FROM_ELSEWHERE) if arrives else 0.0
