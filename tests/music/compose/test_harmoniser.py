"""Chords for a melody."""

from __future__ import annotations

from itertools import groupby

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from robotd.music.compose.chord import Chord, degree_of, diatonic
from robotd.music.compose.grid import GridNote
from robotd.music.compose.harmoniser import HALF_STEPS, HALVES, LONGEST_HALVES, fit, harmonise
from robotd.music.compose.primers import melody_primer

SIDE = st.floats(-1, 1)
SEEDS = st.integers(0, 10_000)


def chorale(*pitches: int, minor: bool = False, consequent: bool = False, seed: int = 0) -> tuple[Chord, ...]:
    """Return the chords of a melody of eight half notes."""
    melody = [GridNote(8 * place, 8 * place + 8, pitch) for place, pitch in enumerate(pitches)]
    return harmonise(melody, minor=minor, valence=0.0, arousal=0.0, consequent=consequent, seed=seed)


@st.composite
def melodies(draw: st.DrawFn) -> tuple[GridNote, ...]:
    """Any notes, one at a time, chromatic ones too."""
    steps = sorted(draw(st.sets(st.integers(0, 64), max_size=24)))
    pitches = draw(st.lists(st.integers(48, 83), min_size=len(steps), max_size=len(steps)))
    return tuple(GridNote(start, end, pitch) for start, end, pitch in zip(steps, steps[1:], pitches, strict=False))


@settings(deadline=None)
@given(melody=melodies(), minor=st.booleans(), valence=SIDE, arousal=SIDE, consequent=st.booleans(), seed=SEEDS)
def test_any_melody_gets_chords_of_its_key_that_move_on(
    *, melody: tuple[GridNote, ...], minor: bool, valence: float, arousal: float, consequent: bool, seed: int
) -> None:
    chords = harmonise(melody, minor=minor, valence=valence, arousal=arousal, consequent=consequent, seed=seed)
    again = harmonise(melody, minor=minor, valence=valence, arousal=arousal, consequent=consequent, seed=seed)
    assert chords == again
    assert len(chords) == HALVES
    assert max(len(list(group)) for _, group in groupby(chords)) <= LONGEST_HALVES
    for chord in chords:
        # The leading note of A minor is the only one from outside.
        assert set(chord.classes) <= {0, 2, 4, 5, 7, 9, 11} | ({8} if minor else set())


@pytest.mark.parametrize("minor", [False, True])
@pytest.mark.parametrize("seed", range(20))
def test_an_answer_comes_home_and_a_question_waits(*, minor: bool, seed: int) -> None:
    tune = melody_primer(0.2, 0.0, minor=minor, seed=seed, bars=4)
    home = 9 if minor else 0
    answer = harmonise(tune, minor=minor, valence=0.2, arousal=0.0, consequent=True, seed=seed)
    assert answer[-1] == diatonic(0, minor=minor)
    # The same tune, but stopping on the second degree.
    waiting = (*tune[:-1], GridNote(tune[-1].start, tune[-1].end, home + 62))
    question = harmonise(waiting, minor=minor, valence=0.2, arousal=0.0, consequent=False, seed=seed)
    assert degree_of(question[-1].root, minor=minor) in {4, 6}


@pytest.mark.parametrize("seed", range(10))
def test_a_plain_tune_gets_its_plain_chords(seed: int) -> None:
    # C E | F A | G B | C C
    chords = chorale(60, 64, 65, 69, 67, 71, 72, 72, consequent=True, seed=seed)
    assert chords[6:] == (diatonic(0, minor=False),) * 2
    assert chords[0] in {diatonic(0, minor=False), diatonic(5, minor=False)}
    assert {3, 1} & {degree_of(chord.root, minor=False) for chord in chords[2:4]}
    assert degree_of(chords[5].root, minor=False) in {4, 6}


def test_the_raised_leading_note_of_minor_gets_a_dominant() -> None:
    # A C | D B | B G# | A A
    chords = chorale(69, 72, 74, 71, 71, 68, 69, 69, minor=True, consequent=True)
    assert 8 in chords[5].classes
    assert chords[-1] == Chord(9, "minor")


def test_most_of_a_melody_stands_on_its_chords() -> None:
    shares = []
    for seed in range(40):
        minor = seed % 2 == 1
        tune = melody_primer(0.3, 0.2, minor=minor, seed=seed, bars=4)
        chords = harmonise(tune, minor=minor, valence=0.3, arousal=0.2, consequent=True, seed=seed)
        strong = [note for note in tune if note.start % HALF_STEPS == 0]
        shares += [note.pitch % 12 in chords[note.start // HALF_STEPS].classes for note in strong]
    assert sum(shares) / len(shares) > 0.85


def test_pleasure_and_arousal_tilt_the_choice() -> None:
    def share(valence: float, arousal: float, qualities: set[str]) -> float:
        found = []
        for seed in range(60):
            tune = melody_primer(0.0, 0.0, minor=False, seed=seed, bars=4)
            chords = harmonise(tune, minor=False, valence=valence, arousal=arousal, consequent=False, seed=seed)
            found += [chord.quality in qualities for chord in chords]
        return sum(found) / len(found)

    tense, tender = {"dominant_seventh", "half_diminished", "diminished"}, {"major_seventh", "minor_seventh"}
    assert share(-1, 0, tense) > share(1, 0, tense)
    assert share(0, -1, tender) > share(0, 1, tender)


def test_the_seed_chooses_among_what_is_as_good() -> None:
    assert len({chorale(67, 64, 65, 67, 69, 67, 65, 62, seed=seed) for seed in range(40)}) > 1


def test_a_turn_begins_on_a_pivot() -> None:
    tune = melody_primer(0.3, 0.2, minor=False, seed=4, bars=4)
    pivot = diatonic(1, minor=False)
    chords = harmonise(tune, minor=False, valence=0.3, arousal=0.2, consequent=False, seed=1, first=(pivot,))
    assert chords[0] == pivot


def test_a_chord_fits_by_what_sounds_and_how_long() -> None:
    c_major = diatonic(0, minor=False)
    assert fit(c_major, (), 0) == 0
    assert fit(c_major, [GridNote(0, 8, 64)], 0) == 1
    assert fit(c_major, [GridNote(0, 8, 65)], 0) < fit(c_major, [GridNote(0, 8, 62)], 0) < 0
    # A short D between C and E is passed over.
    run = [GridNote(0, 2, 60), GridNote(2, 4, 62), GridNote(4, 8, 64)]
    assert fit(c_major, run, 0) > 0.7
    # A note that has begun before still counts.
    assert fit(c_major, [GridNote(0, 16, 64)], HALF_STEPS) == 1
