"""Music from a seed alone."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from robotd.emotion import Quadrant
from robotd.music.bar import Bar, Note
from robotd.music.compose.pattern import SONG_BARS, PatternComposer
from robotd.music.sanity import measure

SIDE = st.floats(-1, 1)
SEEDS = st.integers(0, 50)
MOODS = {"happy": (0.7, 0.6), "angry": (-0.6, 0.6), "sad": (-0.6, -0.4), "calm": (0.6, -0.5)}


def play(seed: int, moods: list[tuple[float, float]]) -> list[Bar]:
    composer = PatternComposer(seed)
    bars = [composer.bar(valence, arousal, index) for index, (valence, arousal) in enumerate(moods)]
    return [*bars, composer.ending(*moods[-1], len(moods))]


def sung(bar: Bar) -> list[Note]:
    return [note for note in bar.notes if note.part == "melody"]


@settings(deadline=None)
@given(SEEDS, st.lists(st.tuples(SIDE, SIDE), min_size=1, max_size=12))
def test_the_music_is_sane_whatever_the_feeling_does(seed: int, moods: list[tuple[float, float]]) -> None:
    bars = play(seed, moods)
    assert all(bar.notes for bar in bars)
    assert measure(bars).problems == ()


@settings(deadline=None)
@given(SEEDS, st.lists(st.tuples(SIDE, SIDE), min_size=1, max_size=10))
def test_the_same_seed_and_feelings_give_the_same_music(seed: int, moods: list[tuple[float, float]]) -> None:
    assert play(seed, moods) == play(seed, moods)


@given(SIDE, SIDE, SIDE)
def test_more_arousal_is_never_slower_nor_softer(valence: float, one: float, other: float) -> None:
    calmer, livelier = sorted((one, other))
    slow = PatternComposer(1).bar(valence, calmer, 0)
    fast = PatternComposer(1).bar(valence, livelier, 0)
    assert slow.tempo_bpm <= fast.tempo_bpm
    # But for the unevenness of a hand.
    assert max(note.velocity for note in slow.notes) <= max(note.velocity for note in fast.notes) + 6


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
    assert sung(lively)[0].duration_beats < sung(calm)[0].duration_beats


@pytest.mark.parametrize("change_at", [1, 2, 3])
def test_a_change_of_feeling_is_heard_in_the_very_next_bar(change_at: int) -> None:
    sad, happy = MOODS["sad"], MOODS["happy"]
    bars = play(7, [sad] * change_at + [happy])
    assert (bars[change_at - 1].mode, bars[change_at].mode) == ("minor", "major")
    assert bars[change_at].tempo_bpm > 1.4 * bars[change_at - 1].tempo_bpm
    assert sung(bars[change_at])[0].velocity > sung(bars[change_at - 1])[0].velocity
    assert bars[change_at].quadrant is Quadrant.Q1


@pytest.mark.parametrize("mood", MOODS.values(), ids=MOODS)
@pytest.mark.parametrize("seed", range(5))
def test_a_period_asks_and_answers(seed: int, mood: tuple[float, float]) -> None:
    bars = play(seed, [mood] * 8)
    question, answer = ([note for note in bar.notes if note.part == "bass"] for bar in (bars[3], bars[7]))
    assert question[0].pitch % 12 != bars[0].tonic
    assert answer[0].pitch % 12 == bars[0].tonic
    assert sung(bars[7])[-1].pitch % 12 == bars[0].tonic


def test_the_theme_comes_back_and_a_new_song_has_another() -> None:
    composer = PatternComposer(11)
    rhythms = []
    for index in range(SONG_BARS + 1):
        bar = composer.bar(*MOODS["happy"], index)
        rhythms.append([note.start_beats for note in sung(bar)])
    first, second, third, other = ([rhythms[period * 8 + bar] for bar in range(4)] for period in (0, 1, 3, 2))
    assert first == second == third
    assert first != other


def test_the_listener_s_quadrant_is_kept_where_it_is_given() -> None:
    assert PatternComposer().bar(0.01, 0.01, 0, Quadrant.Q4).quadrant is Quadrant.Q4
    assert PatternComposer().bar(0.01, 0.01, 0).quadrant is Quadrant.Q1


def test_the_ending_is_softer_and_slower_and_rests_on_the_tonic() -> None:
    bars = play(9, [MOODS["happy"]] * 8)
    ending = bars[-1]
    assert ending.tempo_bpm < bars[-2].tempo_bpm
    assert max(n.velocity for n in ending.notes) < max(n.velocity for n in bars[-2].notes)
    assert ending.notes[0].pitch % 12 == sung(ending)[0].pitch % 12 == ending.tonic
    assert all(note.start_beats + note.duration_beats == 4 for note in ending.notes)
