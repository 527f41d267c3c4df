"""The polyphony RNN that ships, composing: what its music keeps to whatever the net would like."""

from __future__ import annotations

from itertools import groupby

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from robotd.config import Runtime
from robotd.errors import ModelError
from robotd.music.compose.grid import STEPS_PER_BAR, GridNote
from robotd.music.compose.polyphony import Bounds, Polyphonist
from robotd.music.compose.polyphony_encoding import ages, decode, encode
from robotd.music.compose.primers import piano_primer
from robotd.music.compose.stepnet import Condition, StepNet
from robotd.perceive.manifest import load_manifest

HAPPY = Condition(0.6, 0.5)
SAD = Condition(-0.6, -0.5, minor=True)
#: So hot that the net's wishes hardly count: only the rules are left.
WILD = 50.0


@pytest.fixture(scope="module")
def net() -> StepNet:
    return StepNet("polyphony_rnn", "polyphony", load_manifest(), Runtime())


@pytest.fixture(scope="module")
def polyphonist(net: StepNet) -> Polyphonist:
    return Polyphonist(net)


def longest_silence(notes: tuple[GridNote, ...], steps: int) -> int:
    sounding = [bool(row.any()) for row in ages(notes, steps)]
    return max((len(list(run)) for heard, run in groupby(sounding) if not heard), default=0)


@pytest.mark.parametrize("temperature", [0.8, 1.0, WILD])
@pytest.mark.parametrize("condition", [HAPPY, SAD])
def test_what_is_composed_keeps_to_the_rules(
    polyphonist: Polyphonist, condition: Condition, temperature: float
) -> None:
    primer = piano_primer(condition.valence, condition.arousal, minor=condition.minor, seed=1)
    start = polyphonist.listen(primer, 1, condition=condition)
    for stretch in polyphonist.compose(start, 4, condition=condition, seed=7, candidates=3, temperature=temperature):
        steps = 4 * STEPS_PER_BAR
        assert stretch.notes
        assert decode(encode(stretch.notes, steps)) == stretch.notes
        in_key = {0, 2, 4, 5, 7, 9, 11} | ({8} if condition.minor else set())
        assert {note.pitch % 12 for note in stretch.notes} <= in_key
        assert all(21 <= note.pitch <= 108 for note in stretch.notes)
        assert all(0 <= note.start < note.end <= steps for note in stretch.notes)
        assert all(note.end - note.start <= 2 * STEPS_PER_BAR for note in stretch.notes)
        assert np.count_nonzero(ages(stretch.notes, steps), axis=1).max() <= 8
        assert longest_silence(stretch.notes, steps) <= STEPS_PER_BAR


@given(seed=st.integers(0, 2**32))
@settings(max_examples=5, deadline=None)
def test_a_seed_gives_the_same_notes_again(polyphonist: Polyphonist, seed: int) -> None:
    start = polyphonist.listen((), 0, condition=HAPPY)
    first, second = (polyphonist.compose(start, 1, condition=HAPPY, seed=seed, candidates=2) for _ in range(2))
    assert [stretch.notes for stretch in first] == [stretch.notes for stretch in second]
    for one, other in zip(first, second, strict=True):
        assert np.array_equal(one.after.rows, other.after.rows)
        assert all(np.array_equal(one.after.states[name], other.after.states[name]) for name in one.after.states)


def test_candidates_and_seeds_differ(polyphonist: Polyphonist) -> None:
    start = polyphonist.listen((), 0, condition=HAPPY)
    found = {
        stretch.notes
        for seed in range(3)
        for stretch in polyphonist.compose(start, 2, condition=HAPPY, seed=seed, candidates=4)
    }
    assert len(found) == 12


def test_a_piece_goes_on_from_where_it_was_left_as_often_as_asked(polyphonist: Polyphonist) -> None:
    primer = (GridNote(0, 16, 48), GridNote(0, 16, 64), GridNote(8, 16, 67))
    start = polyphonist.listen(primer, 1, condition=HAPPY)
    assert start.bar == 1
    assert polyphonist.model == "polyphony_rnn"
    (first,) = polyphonist.compose(start, 4, condition=HAPPY, seed=1)
    assert first.after.bar == 5
    (second,) = polyphonist.compose(first.after, 4, condition=SAD, seed=2)
    (again,) = polyphonist.compose(first.after, 4, condition=SAD, seed=2)
    assert second.notes == again.notes
    (elsewhere,) = polyphonist.compose(start, 4, condition=SAD, seed=2)
    assert elsewhere.notes != second.notes


def test_stretches_without_end_have_no_long_silence_at_their_joints(polyphonist: Polyphonist) -> None:
    place = polyphonist.listen((), 0, condition=SAD)
    notes: list[GridNote] = []
    for number in range(6):
        (stretch,) = polyphonist.compose(place, 1, condition=SAD, seed=number, temperature=0.5)
        place, offset = stretch.after, number * STEPS_PER_BAR
        notes += [GridNote(note.start + offset, note.end + offset, note.pitch) for note in stretch.notes]
    assert longest_silence(tuple(notes), 6 * STEPS_PER_BAR) <= STEPS_PER_BAR


def test_after_a_bar_of_silence_a_note_comes(polyphonist: Polyphonist) -> None:
    silence = polyphonist.listen((), 1, condition=SAD)
    for stretch in polyphonist.compose(silence, 1, condition=SAD, seed=0, candidates=8):
        assert stretch.notes[0].start == 0


def test_bounds_are_ones_own(net: StepNet) -> None:
    bounds = Bounds(voices=1, longest_steps=3, silence_steps=2)
    lonely = Polyphonist(net, bounds)
    start = lonely.listen((), 0, condition=HAPPY)
    for stretch in lonely.compose(start, 2, condition=HAPPY, seed=0, candidates=3, temperature=WILD):
        rows = ages(stretch.notes, 2 * STEPS_PER_BAR)
        assert np.count_nonzero(rows, axis=1).max() == 1
        assert rows.max() <= 3
        assert longest_silence(stretch.notes, 2 * STEPS_PER_BAR) <= 2


def test_no_candidates_give_nothing(polyphonist: Polyphonist) -> None:
    start = polyphonist.listen((), 0, condition=HAPPY)
    assert polyphonist.compose(start, 1, condition=HAPPY, seed=0, candidates=0) == ()


def test_another_net_is_refused() -> None:
    melody = StepNet("melody_rnn", "melody", load_manifest(), Runtime())
    with pytest.raises(ModelError, match="melody_rnn: takes"):
        Polyphonist(melody)


def test_states_of_another_net_are_refused(polyphonist: Polyphonist) -> None:
    start = polyphonist.listen((), 0, condition=HAPPY)
    short = {name: values[:, :-1] for name, values in start.states.items()}
    broken = type(start)(short, start.rows, start.last, start.bar)
    with pytest.raises(ModelError, match="polyphony_rnn"):
        polyphonist.compose(broken, 1, condition=HAPPY, seed=0)


def notes_of(polyphonist: Polyphonist, condition: Condition, density: float = 0.0) -> int:
    """How many notes eight stretches have after a bar that fits the feeling."""
    primer = piano_primer(condition.valence, condition.arousal, minor=condition.minor, seed=2)
    start = polyphonist.listen(primer, 1, condition=condition)
    found = polyphonist.compose(start, 4, condition=condition, seed=3, candidates=8, density=density)
    return sum(len(stretch.notes) for stretch in found)


def test_after_their_primers_excited_music_has_more_notes_than_quiet_music(polyphonist: Polyphonist) -> None:
    assert notes_of(polyphonist, HAPPY) > 1.2 * notes_of(polyphonist, SAD)


def test_density_is_a_dial(polyphonist: Polyphonist) -> None:
    sparse, dense = (notes_of(polyphonist, HAPPY, density) for density in (-0.7, 0.7))
    assert dense > 2 * sparse
