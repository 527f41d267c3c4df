from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from robotd.emotion import MOODS, Quadrant
from robotd.errors import ModelError
from robotd.music.compose.grid import STEPS_PER_BAR
from robotd.music.compose.judge import Judge, Verdict
from robotd.music.compose.sources import RuleSource
from robotd.music.compose.studio import Mood, Order, Studio, played

if TYPE_CHECKING:
    from collections.abc import Sequence

    from robotd.music.bar import Bar
    from robotd.music.compose.grid import GridNote
    from robotd.music.compose.material import BandMaterial, Material

SAD = Mood(Quadrant.Q3, *MOODS[Quadrant.Q3])
ORDER = Order("a key", SAD, tonic=2)


class Listener(Judge):
    """Hears what it is told to, one verdict after the other."""

    def __init__(self, *shares_of_sad: float) -> None:
        self.shares = list(shares_of_sad)
        self.heard: list[int] = []

    def hear(self, bars: Sequence[Bar]) -> Verdict:
        self.heard.append(len(bars))
        sad = self.shares.pop(0)
        return Verdict((1 - sad, 0.0, sad, 0.0))


class Broken:
    model = "broken"

    def material(self, order: Order, attempt: int) -> Material:  # noqa: ARG002 - it is broken
        raise ModelError("the net gave nonsense")


def test_the_first_stretch_that_is_heard_as_wanted_is_taken() -> None:
    studio = Studio(RuleSource(), RuleSource(), Listener(0.2, 0.9, 0.8), tries=4)
    stretch = studio.compose(ORDER)
    assert stretch.accepted
    assert stretch.tries == 2
    assert stretch.material == RuleSource().material(ORDER, 1)
    assert (studio.tally.stretches, studio.tally.accepted, studio.tally.tries) == (1, 1, 2)


def test_of_stretches_heard_as_another_mood_the_nearest_is_taken_and_marked() -> None:
    stretch = Studio(RuleSource(), RuleSource(), Listener(0.1, 0.4, 0.3), tries=3).compose(ORDER)
    assert not stretch.accepted
    assert stretch.tries == 3
    assert stretch.material == RuleSource().material(ORDER, 1)


def test_the_judge_hears_what_was_played_before_too() -> None:
    before = tuple(played(RuleSource().material(ORDER, 7), ORDER))
    listener = Listener(0.9)
    Studio(RuleSource(), RuleSource(), listener, tries=3).compose(Order("b", SAD, 2, before=before))
    assert listener.heard == [8]


def test_every_attempt_is_another_and_the_same_order_gives_the_same() -> None:
    first, second = (RuleSource().material(ORDER, attempt) for attempt in (0, 1))
    assert first != second
    assert RuleSource().material(ORDER, 0) == first


def test_without_a_judge_the_first_one_is_played() -> None:
    studio = Studio(RuleSource(), RuleSource(), None, tries=4)
    assert studio.compose(ORDER).tries == 1
    assert studio.tally.judged == 0


def test_a_broken_net_is_replaced_by_rules() -> None:
    studio = Studio(Broken(), RuleSource(), None, tries=1)
    assert studio.compose(ORDER).material == RuleSource().material(ORDER, 0)


def test_pleasant_moods_are_in_major_and_unpleasant_ones_in_minor_also_at_the_border() -> None:
    assert Mood(Quadrant.Q1, -0.05, 0.5).expression.mode == "mixolydian"
    assert Mood(Quadrant.Q2, 0.05, 0.5).expression.mode == "dorian"
    assert Mood(Quadrant.Q4, 0.6, -0.5).expression.mode == "major"
    assert Mood(Quadrant.Q3, -0.6, -0.5).expression.mode == "minor"


def test_an_answer_begins_like_its_theme_and_ends_otherwise() -> None:
    lively = Order("lively", Mood(Quadrant.Q1, *MOODS[Quadrant.Q1]), tonic=0)
    theme = RuleSource().material(lively, 0)
    answers = [RuleSource().material(replace(lively, key=key, kind="answer", of=theme), 0) for key in "abcd"]

    def beginning(material: BandMaterial) -> list[GridNote]:
        return [note for note in material.melody if note.start < 3 * STEPS_PER_BAR]

    assert all(beginning(answer) == beginning(theme) for answer in answers)
    assert any(answer.melody != theme.melody for answer in answers)
