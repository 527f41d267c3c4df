"""What is measured of composed music, and its bounds."""

from __future__ import annotations

from dataclasses import replace

import pytest

from robotd.emotion import MOODS, Quadrant
from robotd.music.bar import Bar, Note
from robotd.music.compose.opening import rule_composer
from robotd.music.sanity import Sanity, measure


def bar_of(*notes: Note, index: int = 0) -> Bar:
    return Bar(index, notes, 100.0, 0, "major", Quadrant.Q1)


def problems(*notes: Note) -> str:
    return "; ".join(measure([bar_of(*notes)]).problems)


def test_sane_music_has_no_problem() -> None:
    bars = [bar_of(Note(0, 4, 60 + step, 80), Note(0, 4, 48, 70, "bass")) for step in (0, 4, 7)]
    assert measure(bars) == Sanity(6, 1.0, 0.0, 0, 0, 0, {"melody": (60, 67), "bass": (48, 48)}, 0, 2)
    assert measure(bars).problems == ()


def test_nothing_is_sane() -> None:
    assert measure([]).problems == ()


def test_notes_out_of_key_are_counted_but_not_drums() -> None:
    half = measure([bar_of(Note(0, 4, 61, 80), Note(0, 4, 60, 80), Note(0, 0.25, 37, 80, "drums"))])
    assert half.in_key == 0.5
    assert half.problems == ("only 50% of the notes are in key",)


def test_the_leading_note_of_minor_is_in_key() -> None:
    minor = replace(bar_of(Note(0, 4, 71, 80)), mode="minor")
    assert measure([minor]).in_key == 1
    assert measure([replace(minor, mode="mixolydian")]).in_key == 0


@pytest.mark.parametrize(("before", "after", "silence"), [(0, 2, 2.0), (2, 0, 2.0), (0, 3, 3.0), (1, 1, 1.0)])
def test_silence_is_measured_in_bars_wherever_it_is(before: int, after: int, silence: float) -> None:
    whole = bar_of(Note(0, 4, 60, 80))
    bars = [*[bar_of()] * before, whole, *[bar_of()] * after, whole]
    if not after:
        bars = bars[:-1]
    found = measure(bars)
    assert found.longest_silence_bars == silence
    assert bool(found.problems) == (silence > 2)


def test_a_rest_within_a_bar_is_silence_too() -> None:
    assert measure([bar_of(Note(0, 1, 60, 80), Note(3, 1, 62, 80))]).longest_silence_bars == 0.5


def test_notes_without_length() -> None:
    assert "1 notes without length" in problems(Note(0, 0.0, 60, 80), Note(0, 4, 64, 80))


def test_notes_that_hang() -> None:
    assert "1 stuck" in problems(Note(3, 2, 60, 80), Note(0, 3, 64, 80))
    assert "1 stuck" in problems(Note(0, 2, 60, 80), Note(1, 3, 60, 80))
    assert problems(Note(0, 2, 60, 80), Note(2, 2, 60, 80)) == ""
    assert problems(Note(0, 4, 60, 80), Note(1, 3, 60, 80, "harmony")) == ""


@pytest.mark.parametrize(
    "note",
    [
        Note(0, 4, 48, 80),
        Note(0, 4, 98, 80),
        Note(0, 4, 86, 80, "harmony"),
        Note(0, 4, 26, 80, "bass"),
        Note(0, 4, 34, 80, "drums"),
    ],
)
def test_each_part_has_its_range(note: Note) -> None:
    assert measure([bar_of(note)]).out_of_range == 1


def test_a_bar_may_be_repeated_eight_times() -> None:
    same = [bar_of(Note(0, 4, 60, 60 + number), index=number) for number in range(10)]
    assert measure(same[:9]).problems == ()
    assert measure(same).problems == ("a bar is repeated 9 times",)


def test_too_many_notes_at_once() -> None:
    chord = [Note(0, 4, 60 + 12 * (step // 7) + (0, 2, 4, 5, 7, 9, 11)[step % 7], 80) for step in range(20)]
    low = [Note(0, 4, pitch, 80, "harmony") for pitch in (48, 50, 52, 53, 55)]
    found = measure([bar_of(*chord, *low), bar_of(Note(0, 4, 60, 80))])
    assert found.polyphony_max == 25
    assert "25 notes at once" in found.problems


@pytest.mark.parametrize("quadrant", Quadrant)
def test_a_hundred_pieces_by_rules_are_sane(quadrant: Quadrant) -> None:
    valence, arousal = MOODS[quadrant]
    for seed in range(25):
        composer = rule_composer(seed)
        bars = [composer.bar(valence, arousal, index) for index in range(32)]
        bars.append(composer.ending(valence, arousal, 32))
        assert measure(bars).problems == ()
        assert measure(bars).in_key == 1
