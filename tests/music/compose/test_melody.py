"""Melodies composed by a net: what they keep to whatever the net says, and that seeds reproduce them."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from robotd.config import Runtime
from robotd.errors import ModelError
from robotd.music.compose.grid import STEPS_PER_BAR, STRETCH_STEPS, GridNote
from robotd.music.compose.melody import Bounds, Melodist
from robotd.music.compose.melody_encoding import EVENTS, FEATURES, HIGHEST, NOTE_OFF, NOTE_ON, NOTHING, event_of
from robotd.music.compose.stepnet import Condition, States, StepNet
from robotd.perceive.manifest import load_manifest

HAPPY, SAD = Condition(0.6, 0.5), Condition(-0.6, -0.5, minor=True)
WHITE = {0, 2, 4, 5, 7, 9, 11}
PRIMER = (GridNote(0, 4, 60), GridNote(4, 8, 64), GridNote(8, 16, 67))


class Told:
    """A net whose logits are a function of the features and of how many steps there have been."""

    name = "told"

    def __init__(self, logits: Callable[[np.ndarray, int], np.ndarray]) -> None:
        self._logits = logits

    def expect(self, features: int, classes: int) -> None:
        assert (features, classes) == (FEATURES, EVENTS)

    def start(self, pieces: int) -> States:
        return {"steps": np.zeros((pieces, 1), np.float32)}

    def step(self, features: np.ndarray, states: States) -> tuple[np.ndarray, States]:
        assert features.shape == (len(states["steps"]), FEATURES)
        logits = [self._logits(row, int(steps)) for row, steps in zip(features, states["steps"][:, 0], strict=True)]
        return np.array(logits, np.float32), {"steps": states["steps"] + 1}


def melodist(logits: Callable[[np.ndarray, int], np.ndarray], bounds: Bounds | None = None) -> Melodist:
    return Melodist(cast("StepNet", Told(logits)), bounds)


def always(event: int) -> Callable[[np.ndarray, int], np.ndarray]:
    """A net that is all but sure of one event."""
    return lambda _row, _step: np.where(np.arange(EVENTS) == event, 30.0, 0.0)


def anything(row: np.ndarray, step: int) -> np.ndarray:
    """A net that finds every event likely, which most depends on what it is told."""
    logits: np.ndarray = np.sin(np.arange(EVENTS) * (1 + step) + 7 * row.sum())
    return logits


def composed(net: Melodist, bars: int = 4, **asked: Any) -> tuple[GridNote, ...]:
    everything: dict[str, Any] = {"condition": HAPPY, "seed": 0, **asked}
    (stretch,) = net.compose(net.listen((), 0, HAPPY), bars, **everything)
    return stretch.notes


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([HAPPY, SAD]), st.floats(0.2, 3.0))
def test_a_melody_keeps_to_its_bounds_whatever_the_net_says(
    seed: int, condition: Condition, temperature: float
) -> None:
    bounds = Bounds()
    notes = composed(melodist(anything), 8, seed=seed, condition=condition, temperature=temperature)
    borrowed = {8} if condition.minor else set()
    rests = np.diff([0, *(step for note in notes for step in (note.start, note.end)), 8 * STEPS_PER_BAR])[::2]
    assert rests.min() >= 0, "notes overlap"
    assert rests.max() <= bounds.rest_steps
    for note in notes:
        assert 1 <= note.end - note.start <= bounds.longest_steps
        assert bounds.lowest <= note.pitch <= bounds.highest
        assert note.pitch % 12 in WHITE | borrowed
    assert max(abs(a.pitch - b.pitch) for a, b in pairwise(notes)) <= bounds.widest
    assert longest_run([note.pitch for note in notes]) <= bounds.same_pitch


def longest_run(things: list[Any]) -> int:
    longest = run = 1
    for one, following in pairwise(things):
        run = run + 1 if one == following else 1
        longest = max(longest, run)
    return longest


def test_silence_ends_after_a_bar() -> None:
    first, *_ = composed(melodist(always(NOTHING)))
    assert first.start == STEPS_PER_BAR


def test_a_note_ends_after_a_bar_and_at_the_end_of_its_stretch() -> None:
    notes = composed(melodist(lambda _, step: always(event_of(60) if step == 8 else NOTHING)(_, step)), 2)
    assert notes[0] == GridNote(8, 24, 60)
    net = melodist(lambda _, step: always(event_of(60) if step == 12 else NOTHING)(_, step))
    (one,) = net.compose(net.listen((), 0, HAPPY), 1, condition=HAPPY, seed=0)
    assert one.notes == (GridNote(12, 16, 60),)
    (two,) = net.compose(one.after, 1, condition=HAPPY, seed=0)
    assert all(note.start >= 0 for note in two.notes)
    assert one.after.events[12:].tolist() == [event_of(60), 0, 0, 0]
    assert two.after.events[16] != NOTHING, "the note before ends, or another begins"


def test_a_pitch_is_not_struck_on_and_on() -> None:
    notes = composed(melodist(always(event_of(64))))
    assert longest_run([note.pitch for note in notes]) == Bounds().same_pitch


@pytest.mark.parametrize("pattern", [(60, 62, 64, 65), (60,), (72, 60, 72, 60)])
def test_a_bar_is_not_repeated_on_and_on(pattern: tuple[int, ...]) -> None:
    def stuck(_row: np.ndarray, step: int) -> np.ndarray:
        beat, rest = divmod(step % STEPS_PER_BAR, 4)
        return always(event_of(pattern[beat]) if rest == 0 and beat < len(pattern) else NOTHING)(_row, step)

    net = melodist(stuck)
    (stretch,) = net.compose(net.listen((), 0, HAPPY), 8, condition=HAPPY, seed=3)
    bars = [tuple(bar) for bar in stretch.after.events.reshape(-1, STEPS_PER_BAR).tolist()]
    assert longest_run(bars) == Bounds().same_bar


def test_a_bar_does_not_come_again_and_again() -> None:
    def two_bars(_row: np.ndarray, step: int) -> np.ndarray:
        if step % 4:
            return always(NOTHING)(_row, step)
        return always(event_of((60, 64, 67, 64, 62, 65, 69, 65)[step // 4 % 8]))(_row, step)

    net = melodist(two_bars)
    after = net.listen((), 0, HAPPY)
    bars: list[tuple[int, ...]] = []
    for seed in range(10):
        (stretch,) = net.compose(after, 4, condition=HAPPY, seed=seed)
        after = stretch.after
    bars = [tuple(bar) for bar in after.events.reshape(-1, STEPS_PER_BAR).tolist()]
    assert max(map(bars.count, bars)) == Bounds().any_bar


def test_only_allowed_pitches_begin() -> None:
    chord = np.isin(np.arange(128) % 12, (0, 4, 7))
    assert {note.pitch % 12 for note in composed(melodist(anything), 8, allowed=chord)} <= {0, 4, 7}
    by_step = np.zeros((STRETCH_STEPS, 128), bool)
    by_step[:32, [60, 64]] = True
    by_step[32:, [62, 65]] = True
    for note in composed(melodist(anything), allowed=by_step):
        assert note.pitch in ({60, 64} if note.start < 32 else {62, 65})
    with pytest.raises(ValueError, match=r"no pitch of 55\.\.83 is allowed"):
        composed(melodist(anything), allowed=np.arange(128) < 40)


def test_a_seed_gives_the_same_melody_alone_or_among_others() -> None:
    net = melodist(anything)
    start = net.listen(PRIMER, 1, HAPPY)
    (alone,) = net.compose(start, condition=HAPPY, seed=5)
    first, second, third = net.compose(start, condition=HAPPY, seed=5, candidates=3)
    assert first.notes == alone.notes
    assert len({first.notes, second.notes, third.notes}) == 3
    assert net.compose(start, condition=HAPPY, seed=6)[0].notes != alone.notes


def test_what_is_composed_in_two_parts_goes_on_like_one() -> None:
    def next_note(row: np.ndarray, step: int) -> np.ndarray:
        return always(event_of((60, 62, 64, 67)[int(row[:EVENTS].argmax() + step) % 4]))(row, step)

    net = melodist(next_note)
    (whole,) = net.compose(net.listen(PRIMER, 1, HAPPY), 4, condition=HAPPY, seed=0)
    (begun,) = net.compose(net.listen(PRIMER, 1, HAPPY), 2, condition=HAPPY, seed=0)
    (ended,) = net.compose(begun.after, 2, condition=HAPPY, seed=0)
    np.testing.assert_array_equal(ended.after.events, whole.after.events)
    assert ended.after.bar == whole.after.bar == 5


def test_a_continuation_may_be_gone_on_from_more_than_once() -> None:
    net = melodist(anything)
    start = net.listen(PRIMER, 1, HAPPY)
    before = start.events.copy()
    again = [net.compose(start, condition=HAPPY, seed=1)[0].notes for _ in range(2)]
    assert again[0] == again[1]
    np.testing.assert_array_equal(start.events, before)


def test_listening_in_two_parts_is_listening_to_the_whole() -> None:
    net = melodist(anything)
    later = tuple(GridNote(note.start + 16, note.end + 16, note.pitch) for note in PRIMER)
    whole = net.listen((*PRIMER, *later), 2, HAPPY)
    parts = net.listen(PRIMER, 1, HAPPY, after=net.listen(PRIMER, 1, HAPPY))
    np.testing.assert_array_equal(parts.events, whole.events)
    assert parts.bar == whole.bar == 2
    assert parts.states["steps"] == whole.states["steps"] == 32


def test_a_primer_of_any_pitch_is_heard() -> None:
    start = melodist(anything).listen([GridNote(0, 8, 95), GridNote(8, 16, 98)], 1, HAPPY)
    assert start.events[[0, 8]].tolist() == [event_of(71), event_of(74)]


def test_after_a_far_away_primer_the_melody_comes_back_into_its_bounds() -> None:
    net = melodist(anything, Bounds(lowest=72, highest=HIGHEST, widest=2))
    (stretch,) = net.compose(net.listen([GridNote(0, 16, 48)], 1, HAPPY), 1, condition=HAPPY, seed=0)
    assert stretch.notes
    assert all(note.pitch >= 72 for note in stretch.notes)


def test_the_net_is_told_the_feeling() -> None:
    def by_feeling(row: np.ndarray, step: int) -> np.ndarray:
        return always(event_of(72 if row[-4] > 0 else 60))(row, step)

    happy, sad = (composed(melodist(by_feeling), 1, condition=feeling)[0].pitch for feeling in (HAPPY, SAD))
    assert (happy, sad) == (72, 60)


def test_events_are_what_the_net_was_told() -> None:
    heard: list[int] = []

    def listening(row: np.ndarray, step: int) -> np.ndarray:
        heard.append(int(row[:EVENTS].argmax()))
        return anything(row, step)

    net = melodist(listening)
    (stretch,) = net.compose(net.listen((), 0, HAPPY), 2, condition=HAPPY, seed=0)
    assert heard == [NOTHING, *stretch.after.events.tolist()[:-1]]
    assert {NOTE_OFF, NOTHING} < set(heard)
    assert max(heard) >= NOTE_ON


def test_a_net_of_another_encoding_is_refused() -> None:
    class Other(Told):
        def expect(self, features: int, classes: int) -> None:
            raise ModelError(f"no net for {features} features and {classes} events")

    with pytest.raises(ModelError, match="no net for"):
        Melodist(cast("StepNet", Other(anything)))


def test_temperature_and_allowed_pitches_leave_the_rhythm_as_it_is() -> None:
    def sparse(_row: np.ndarray, _step: int) -> np.ndarray:
        logits = np.zeros(EVENTS)
        logits[NOTHING] = np.log(3 * EVENTS)
        return logits

    net = melodist(sparse, Bounds(rest_steps=10_000, longest_steps=10_000))
    few = np.isin(np.arange(128), (60, 64))
    for asked in ({}, {"temperature": 0.2}, {"temperature": 2.0}, {"allowed": few}):
        starts = [note.start for seed in range(8) for note in composed(net, 16, seed=seed, **asked)]
        assert len(starts) / (8 * 256) == pytest.approx(0.24, abs=0.03), asked


@pytest.fixture(scope="module")
def shipped() -> Melodist:
    return Melodist(StepNet("melody_rnn", "melody", load_manifest(), Runtime()))


def test_the_shipped_net_goes_on_in_the_same_way_for_a_seed(shipped: Melodist) -> None:
    once, again = (
        shipped.compose(shipped.listen(PRIMER, 1, HAPPY), 8, condition=HAPPY, seed=4)[0].notes for _ in range(2)
    )
    assert once == again
    assert len(once) > 8


def test_the_shipped_net_strikes_more_notes_the_higher_the_arousal(shipped: Melodist) -> None:
    density = {}
    for arousal in (-0.5, 0.5):
        condition = Condition(0.6, arousal)
        start = shipped.listen((), 0, condition)
        found = shipped.compose(start, 16, condition=condition, seed=0, candidates=12)
        density[arousal] = np.mean([len(stretch.notes) / 16 for stretch in found])
    assert density[0.5] > 1.3 * density[-0.5]
