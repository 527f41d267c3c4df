from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from robotd.emotion import MOODS, Quadrant, quadrant_at
from robotd.music.compose.composer import SONG_BARS, SongComposer
from robotd.music.compose.grid import STRETCH_BARS
from robotd.music.compose.sources import RuleSource
from robotd.music.compose.studio import Order, Stretch, Studio
from robotd.music.compose.supply import AtOnce
from robotd.music.sanity import measure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from robotd.music.bar import Bar

HAPPY, TENSE, SAD = MOODS[Quadrant.Q1], MOODS[Quadrant.Q2], MOODS[Quadrant.Q3]


def composer(seed: int = 3) -> SongComposer:
    studio = Studio(RuleSource(), RuleSource(), None, 1)
    return SongComposer(studio, AtOnce(studio), seed)


def play(music: SongComposer, moods: Sequence[tuple[float, float]], start: int = 0) -> list[Bar]:
    return [music.bar(*mood, start + index) for index, mood in enumerate(moods)]


class Dry(AtOnce):
    """A supply that has run dry after so many stretches."""

    def __init__(self, studio: Studio, left: int) -> None:
        super().__init__(studio)
        self.left = left

    def take(self, order: Order, *, wait: bool) -> Stretch | None:
        self.left -= 1
        return super().take(order, wait=wait) if self.left >= 0 else None


SIDE = st.floats(-1, 1)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 1000), st.lists(st.tuples(SIDE, SIDE), min_size=1, max_size=24))
def test_whatever_is_felt_the_music_is_sane_and_the_same_again(seed: int, moods: list[tuple[float, float]]) -> None:
    bars = play(composer(seed), moods)
    assert bars == play(composer(seed), moods)
    assert measure(bars).problems == ()
    for index, (bar, mood) in enumerate(zip(bars, moods, strict=True)):
        assert (bar.index, bar.quadrant) == (index, quadrant_at(*mood))


def test_a_song_has_the_form_of_theme_answer_contrast_answer() -> None:
    bars = play(composer(), [HAPPY] * SONG_BARS)
    melodies = [[(n.start_beats, n.pitch) for n in bar.notes if n.part == "melody"] for bar in bars]
    theme, answer, contrast, last = (melodies[i : i + STRETCH_BARS] for i in range(0, SONG_BARS, STRETCH_BARS))
    assert answer[:2] == theme[:2]
    assert last[:2] == theme[:2]
    assert contrast != theme
    assert len({bar.key for bar in bars}) == 1


def test_another_song_is_in_a_related_key() -> None:
    first, second = (play(composer(), [HAPPY] * 2 * SONG_BARS)[i] for i in (0, SONG_BARS))
    assert len(first.pitch_classes & second.pitch_classes) >= 5
    assert first.tonic != second.tonic


def test_a_change_of_feeling_is_heard_in_the_very_next_bar() -> None:
    music = composer()
    before = play(music, [HAPPY] * 6)
    after = play(music, [SAD] * 4, start=6)
    assert after[0].quadrant is Quadrant.Q3
    assert after[0].mode in {"minor", "dorian"}
    assert after[0].tempo_bpm < before[-1].tempo_bpm
    assert after[0].pitch_classes & before[-1].pitch_classes


def test_within_a_quadrant_the_music_follows_the_feeling_in_every_bar() -> None:
    tempi = [bar.tempo_bpm for bar in play(composer(), [(0.5, 0.1 * step) for step in range(1, 10)])]
    assert all(earlier < later for earlier, later in pairwise(tempi))


def test_a_bar_asked_for_again_takes_the_place_of_the_first() -> None:
    asked, once = composer(), composer()
    play(asked, [HAPPY] * 3)
    play(once, [HAPPY] * 2)
    assert asked.bar(*TENSE, 2) == once.bar(*TENSE, 2)
    assert asked.bar(*TENSE, 3) == once.bar(*TENSE, 3)


def test_what_was_composed_for_a_bar_is_there_when_the_bar_is_asked_for_again() -> None:
    studio = Studio(RuleSource(), RuleSource(), None, 1)
    music = SongComposer(studio, Dry(studio, left=2), seed=1)
    play(music, [HAPPY] * 4)
    # The fifth bar begins the second stretch, the last one that the supply has.
    assert music.bar(*HAPPY, 4) == music.bar(*HAPPY, 4)
    assert music.bar(*SAD, 4) == music.bar(*SAD, 4)
    assert music.bar(*HAPPY, 4) == music.bar(*HAPPY, 4)
    assert music.varied == 0


def test_where_composing_falls_behind_the_last_bar_varies() -> None:
    studio = Studio(RuleSource(), RuleSource(), None, 1)
    music = SongComposer(studio, Dry(studio, left=1), seed=1)
    bars = play(music, [HAPPY] * 9)
    assert music.varied == 5
    assert all(bar.notes for bar in bars)
    assert any(later.notes != bars[3].notes for later in bars[4:])
    assert [bar.index for bar in bars] == list(range(9))


def test_where_nothing_is_there_for_a_new_feeling_rules_compose_it_at_once() -> None:
    studio = Studio(RuleSource(), RuleSource(), None, 1)
    music = SongComposer(studio, Dry(studio, left=1), seed=1)
    play(music, [HAPPY] * 2)
    assert music.bar(*SAD, 2).quadrant is Quadrant.Q3
    assert music.diagnostics()["at_once"] == 1


def test_only_the_parts_that_are_wanted_play() -> None:
    studio = Studio(RuleSource(), RuleSource(), None, 1)
    music = SongComposer(studio, AtOnce(studio), seed=1, parts=["melody", "bass"])
    bars = [*play(music, [HAPPY] * 4), music.ending(*HAPPY, 4)]
    assert {note.part for bar in bars for note in bar.notes} == {"melody", "bass"}


def test_an_ending_rests_on_the_tonic() -> None:
    music = composer()
    bars = play(music, [SAD] * 4)
    last = music.ending(*SAD, 4)
    assert min(last.notes, key=lambda note: note.pitch).pitch % 12 == bars[-1].tonic
    assert last.tempo_bpm < bars[-1].tempo_bpm
    # What comes after an ending is a new beginning.
    assert music.bar(*SAD, 8).notes
