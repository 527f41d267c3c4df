from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from robotd.emotion import Quadrant
from robotd.music.bar import HIGHEST_PITCH, LOWEST_PITCH, Bar, Note
from robotd.music.compose.pattern import SONG_BARS, PatternComposer, one_at_a_time
from robotd.music.compose.theme import Motif, line

SIDE = st.floats(-1, 1)
SEEDS = st.integers(0, 50)
MOODS = {"happy": (0.7, 0.6), "angry": (-0.6, 0.6), "sad": (-0.6, -0.4), "calm": (0.6, -0.5)}


def play(seed: int, moods: list[tuple[float, float]]) -> list[Bar]:
    composer = PatternComposer(seed)
    bars = [composer.bar(valence, arousal, index) for index, (valence, arousal) in enumerate(moods)]
    return [*bars, composer.ending(*moods[-1], len(moods))]


def top(bar: Bar) -> Note:
    return max(bar.notes, key=lambda note: note.pitch)


@given(SEEDS, st.lists(st.tuples(SIDE, SIDE), min_size=1, max_size=12))
def test_every_note_is_in_the_key_on_the_piano_and_long_enough_to_be_heard(
    seed: int, moods: list[tuple[float, float]]
) -> None:
    for bar in play(seed, moods):
        assert bar.notes
        for note in bar.notes:
            assert note.pitch % 12 in bar.pitch_classes
            assert LOWEST_PITCH <= note.pitch <= HIGHEST_PITCH
            assert 1 <= note.velocity <= 127
            assert note.duration_beats > 0.05
            assert 0 <= note.start_beats < note.start_beats + note.duration_beats <= bar.beats


@given(SEEDS, st.lists(st.tuples(SIDE, SIDE), min_size=1, max_size=12))
def test_no_key_is_struck_while_it_is_down(seed: int, moods: list[tuple[float, float]]) -> None:
    for bar in play(seed, moods):
        for key in {(note.part, note.pitch) for note in bar.notes}:
            same = [note for note in bar.notes if (note.part, note.pitch) == key]
            for earlier, later in pairwise(same):
                assert earlier.start_beats + earlier.duration_beats <= later.start_beats


@given(SEEDS, st.lists(st.tuples(SIDE, SIDE), min_size=1, max_size=10))
def test_the_same_seed_and_feelings_give_the_same_music(seed: int, moods: list[tuple[float, float]]) -> None:
    assert play(seed, moods) == play(seed, moods)


@given(SIDE, SIDE, SIDE)
def test_more_arousal_is_never_slower_nor_softer(valence: float, one: float, other: float) -> None:
    calmer, livelier = sorted((one, other))
    slow = PatternComposer(1).bar(valence, calmer, 0)
    fast = PatternComposer(1).bar(valence, livelier, 0)
    assert slow.tempo_bpm <= fast.tempo_bpm
    assert max(note.velocity for note in slow.notes) <= max(note.velocity for note in fast.notes)


@given(SIDE, SIDE)
def test_the_mode_follows_the_valence(valence: float, arousal: float) -> None:
    mode = PatternComposer(2).bar(valence, arousal, 0).mode
    if valence > 0.15:
        assert mode == "major"
    elif valence > 0:
        assert mode == "mixolydian"
    elif valence > -0.15:
        assert mode == "dorian"
    else:
        assert mode == "minor"


def test_a_lively_bar_has_more_and_shorter_notes_than_a_calm_one() -> None:
    calm, lively = (PatternComposer(4).bar(0.5, arousal, 0) for arousal in (-0.8, 0.8))
    assert len(lively.notes) > 2 * len(calm.notes)
    assert lively.notes[0].duration_beats < calm.notes[0].duration_beats


@pytest.mark.parametrize("change_at", [1, 2, 3])
def test_a_change_of_feeling_is_heard_in_the_very_next_bar(change_at: int) -> None:
    sad, happy = MOODS["sad"], MOODS["happy"]
    bars = play(7, [sad] * change_at + [happy])
    assert (bars[change_at - 1].mode, bars[change_at].mode) == ("minor", "major")
    assert bars[change_at].tempo_bpm > 1.4 * bars[change_at - 1].tempo_bpm
    assert top(bars[change_at]).velocity > top(bars[change_at - 1]).velocity
    assert bars[change_at].quadrant is Quadrant.Q1


@pytest.mark.parametrize("mood", MOODS.values(), ids=MOODS)
@pytest.mark.parametrize("seed", range(5))
def test_a_period_asks_and_answers(seed: int, mood: tuple[float, float]) -> None:
    bars = play(seed, [mood] * 8)
    lowest_of_question, lowest_of_answer = bars[3].notes[0].pitch % 12, bars[7].notes[0].pitch % 12
    assert lowest_of_question != bars[0].tonic
    assert lowest_of_answer == bars[0].tonic
    last = max(bars[7].notes, key=lambda note: (note.start_beats, note.pitch))
    melody_end = max((n for n in bars[7].notes if n.start_beats <= 2), key=lambda n: (n.start_beats, n.pitch))
    assert bars[0].tonic in {last.pitch % 12, melody_end.pitch % 12}


def test_the_theme_comes_back_and_a_new_song_has_another() -> None:
    composer = PatternComposer(11)
    rhythms = []
    for index in range(SONG_BARS + 1):
        bar = composer.bar(*MOODS["happy"], index)
        rhythms.append([note.start_beats for note in bar.notes])
    first, second, third, other = ([rhythms[period * 8 + bar] for bar in range(4)] for period in (0, 1, 3, 2))
    assert first == second == third
    assert first != other


@given(SEEDS, st.floats(0, 1), st.integers(60, 72))
def test_a_line_stands_on_the_chord_where_it_is_strong_and_else_goes_by_step(
    seed: int, density: float, start: int
) -> None:
    motif = Motif.drawn(seed)
    onsets = motif.onsets(density)
    scale = [pitch for pitch in range(55, 80) if pitch % 12 in {0, 2, 4, 5, 7, 9, 11}]
    pitches = line(
        motif,
        onsets,
        scale=scale,
        chord_at=lambda _: {0, 4, 7},
        target_at=lambda _: 67,
        last=start,
        final=None,
    )
    for number, (onset, pitch) in enumerate(zip(onsets, pitches, strict=True)):
        assert pitch in scale
        if onset % 2 == 0:
            assert pitch % 12 in {0, 4, 7}
        elif pitch % 12 not in {0, 4, 7}:
            assert abs(pitch - pitches[number - 1]) <= 2


def test_the_listener_s_quadrant_is_kept_where_it_is_given() -> None:
    assert PatternComposer().bar(0.01, 0.01, 0, Quadrant.Q4).quadrant is Quadrant.Q4
    assert PatternComposer().bar(0.01, 0.01, 0).quadrant is Quadrant.Q1


def test_the_ending_is_softer_and_slower_and_rests_on_the_tonic() -> None:
    bars = play(9, [MOODS["happy"]] * 8)
    ending = bars[-1]
    assert ending.tempo_bpm < bars[-2].tempo_bpm
    assert max(n.velocity for n in ending.notes) < max(n.velocity for n in bars[-2].notes)
    assert ending.notes[0].pitch % 12 == top(ending).pitch % 12 == ending.tonic
    assert all(note.start_beats + note.duration_beats == 4 for note in ending.notes)


def test_a_note_gives_way_to_a_later_one_on_its_key() -> None:
    long, short, later = Note(0, 4, 60, 80), Note(0, 1, 60, 90), Note(2, 1, 60, 70)
    assert one_at_a_time([later, short, long]) == (Note(0, 2, 60, 80), later)
