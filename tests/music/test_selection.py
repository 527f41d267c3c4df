from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from robotd.config import Recommend, Target
from robotd.config import Taste as TasteConfig
from robotd.music.journey import Point, plan
from robotd.music.relevance import Relevance
from robotd.music.selection import Moment, Selector, likeness
from robotd.music.table import FEATURES, song_table
from robotd.music.taste import CONTEXT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

NOWHERE = np.zeros(len(CONTEXT), np.float32)
PLAIN = Recommend(diversity=0)


class Opinionated:
    """Expects what it is told of songs, which it knows by their first feature (valence)."""

    def __init__(self, mean: dict[float, float], spread: dict[float, float] | None = None) -> None:
        self.mean, self.spread = mean, spread or {}

    def expect(self, features: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        valences = [round(float(x), 3) for x in features[:, 1] / features[:, 1].max()]
        return (
            np.array([self.mean.get(x, 0.0) for x in valences], np.float32),
            np.array([self.spread.get(x, 0.0) for x in valences], np.float32),
        )


def choose(
    points: Sequence[tuple[float, float]],
    count: int,
    start: Point = Point(0, 0),  # noqa: B008 - a constant
    target: Target = "stay",
    *,
    config: Recommend = PLAIN,
    moment: Moment = Moment(NOWHERE),  # noqa: B008 - frozen
    taste: TasteConfig | None = None,
    **columns: Any,
) -> list[int]:
    """Return the ids of what is chosen; songs are 1, 2, ..."""
    selector = Selector(Relevance(song_table(range(1, len(points) + 1), points, **columns)))
    text = selector.relevance.read(None, (), config.weights)
    way = plan(start, target, count, config.step)
    return [pick.row + 1 for pick in selector.choose(way, text, moment, config, taste or TasteConfig())]


def test_for_a_mood_the_nearest_songs_come_first_and_none_twice() -> None:
    assert choose([(0.3, 0), (0.1, 0), (0.2, 0)], 5) == [2, 3, 1]


def test_no_artist_comes_twice_in_a_row_while_another_is_near() -> None:
    points = [(0, 0), (0.01, 0), (0.1, 0), (0.12, 0)]
    assert choose(points, 4, artist=[7, 7, 8, 7]) == [1, 3, 2, 4]


def test_another_artist_far_away_is_no_reason_to_go_there() -> None:
    assert choose([(0, 0), (0.01, 0), (0.9, 0.9)], 2, artist=[7, 7, 8]) == [1, 2]


def test_songs_of_unknown_artists_are_not_by_the_same_one() -> None:
    assert choose([(0, 0), (0.01, 0), (0.1, 0)], 2, artist=[-1, -1, 8]) == [1, 2]


def test_diversity_prefers_what_is_not_like_the_songs_before() -> None:
    points, genre = [(0, 0), (0.02, 0), (0.05, 0)], [0, 0, 1]
    assert choose(points, 2, config=Recommend(diversity=0), genre=genre, genres=("rock", "jazz")) == [1, 2]
    assert choose(points, 2, config=Recommend(diversity=0.2), genre=genre, genres=("rock", "jazz")) == [1, 3]


def test_songs_are_alike_by_artist_genre_and_sound_as_far_as_they_are_known() -> None:
    features = np.zeros((4, len(FEATURES)), np.float32)
    features[:3, -1] = 1  # the last was never heard
    features[2, 2:-1] = 3
    table = song_table(
        [1, 2, 3, 4], [(0, 0)] * 4, artist=[5, 6, 5, -1], genre=[0, -1, 1, -1], genres=("a", "b"), features=features
    )
    alike = likeness(table, np.arange(4), np.array([0]))[:, 0]
    assert alike == pytest.approx([1.0, 0.6, 1.0, 0.0])


def test_a_journey_leads_from_the_mood_to_the_target() -> None:
    grid = [(v / 10, a / 10) for v in range(-9, 10, 2) for a in range(-9, 10, 2)]
    chosen = [grid[song - 1] for song in choose(grid, 6, Point(-0.7, -0.5), "uplift")]
    assert chosen[0] == (-0.7, -0.5)
    assert chosen[-1][0] > 0.4
    assert chosen[-1][1] > 0.2


def test_from_a_low_mood_no_song_jumps_even_if_the_library_has_a_gap() -> None:
    # Nothing is calm: the way from sad to happy has no middle, so it stays on the sad side or goes by tense.
    songs = [(-0.6, -0.4), (-0.5, -0.4), (-0.4, -0.4), (0.6, 0.5), (0.5, 0.5)] + [(0.55, 0.5)] * 80
    chosen = [
        songs[song - 1] for song in choose(songs, 3, Point(-0.6, -0.4), "uplift", config=Recommend(step=1, diversity=0))
    ]
    assert all(place[0] < 0 for place in chosen)


def test_of_equally_near_songs_the_one_is_taken_that_draws_the_mood_towards_the_goal() -> None:
    songs = [(0.0, 0.2), (0.0, -0.2)]
    assert choose(songs, 1, Point(0, 0), "calm") == [2]
    assert choose(songs, 1, Point(0, 0), (0.0, 0.9)) == [1]


def test_on_a_journey_words_lead_nobody_astray() -> None:
    songs = [(-0.6, -0.4), (-0.3, -0.3), (0.1, -0.2)]
    words: dict[str, Any] = {"words": ("home", "tea"), "keyword_offsets": [0, 1, 2, 3], "keyword_ids": [1, 1, 0]}
    selector = Selector(Relevance(song_table([1, 2, 3], songs, keyword_weights=[1, 1, 1], **words)))
    text = selector.relevance.read(None, (("home", 1.0),), PLAIN.weights)
    for target, wanted in (("uplift", [0, 1]), ("stay", [2, 0])):
        way = plan(Point(-0.6, -0.4), target, 2, 0.3)  # type: ignore[arg-type]
        picks = selector.choose(way, text, Moment(NOWHERE), PLAIN, TasteConfig())
        assert [pick.row for pick in picks] == wanted


def test_a_crowd_of_songs_with_the_right_words_does_not_hide_those_that_are_near() -> None:
    songs = [(-0.6, -0.4)] * 3 + [(0.9, 0.9)] * 500
    words = {"words": ("home", "tea"), "keyword_offsets": np.arange(504), "keyword_ids": [1] * 3 + [0] * 500}
    selector = Selector(Relevance(song_table(range(503), songs, keyword_weights=np.ones(503), **words)))
    text = selector.relevance.read(None, (("home", 1.0),), PLAIN.weights)
    picks = selector.choose(plan(Point(-0.6, -0.4), "uplift", 2, 0.3), text, Moment(NOWHERE), PLAIN, TasteConfig())
    assert [pick.row < 3 for pick in picks] == [True, True]
    assert picks[0].score == pytest.approx(0.625)


def test_one_artists_crowd_does_not_hide_the_others() -> None:
    crowd, others = [(0.0, 0.0)] * 200, [(0.1, 0.0)] * 2
    chosen = choose(crowd + others, 4, artist=[7] * 200 + [8, 9])
    assert [song > 200 for song in chosen] == [False, True, False, True]


def test_songs_that_rest_do_not_come_back_for_their_words() -> None:
    songs = [(-0.6, -0.4)] + [(-0.5, -0.4)] * 20
    words: dict[str, Any] = {"words": ("home", "tea"), "keyword_offsets": range(22), "keyword_ids": [0] + [1] * 20}
    selector = Selector(Relevance(song_table(range(1, 22), songs, keyword_weights=np.ones(21), **words)))
    way = plan(Point(-0.6, -0.4), "stay", 1, 0.4)
    for unknown in ("typical", "renormalise"):
        text = selector.relevance.read(None, (("home", 1.0),), PLAIN.weights, unknown)
        for costs, chosen in (({}, True), ({0: 0.05}, False)):
            (pick,) = selector.choose(way, text, Moment(NOWHERE, costs=costs), PLAIN, TasteConfig())
            assert (pick.row == 0) is chosen


def test_for_what_was_said_a_mood_is_not_left_altogether() -> None:
    songs = [(-0.6, -0.4)] * 30 + [(-0.6, 0.7)] * 30
    words: dict[str, Any] = {"words": ("home", "tea"), "keyword_offsets": range(61), "keyword_ids": [1] * 30 + [0] * 30}
    selector = Selector(Relevance(song_table(range(60), songs, keyword_weights=np.ones(60), **words)))
    text = selector.relevance.read(None, (("home", 1.0),), Recommend().weights)
    picks = selector.choose(plan(Point(-0.6, -0.4), "stay", 5, 0.4), text, Moment(NOWHERE), PLAIN, TasteConfig())
    assert all(pick.row < 30 for pick in picks)


@given(st.integers(0, 2**32 - 1), st.integers(50, 200), st.integers(1, 30), st.integers(0, 20))
@settings(deadline=None, max_examples=60)
def test_every_step_has_its_song_and_none_that_rests_while_there_are_others(
    seed: int, songs: int, steps: int, resting: int
) -> None:
    random = np.random.default_rng(seed)
    points = random.uniform(-1, 1, (songs, 2))
    mood = Point(*random.uniform(-1, 1, 2).tolist())
    costs = dict.fromkeys(random.choice(songs, min(resting, songs - steps), replace=False).tolist(), 100.0)
    selector = Selector(Relevance(song_table(range(songs), points)))
    text = selector.relevance.read(None, (), PLAIN.weights)
    way = plan(mood, "uplift", steps, 0.4)
    picks = selector.choose(way, text, Moment(NOWHERE, costs=costs), PLAIN, TasteConfig())
    assert len({pick.row for pick in picks}) == steps
    assert not {pick.row for pick in picks} & set(costs)


@pytest.mark.parametrize("target", ["stay", "uplift"])
def test_the_first_song_is_not_opposite_to_a_low_mood_either(target: Target) -> None:
    # The nearest song lies over the corner.
    songs = [(0.05, 0.02), *[(-0.45, -0.44)] * 30]
    assert choose(songs, 1, Point(-0.1, -0.2), target)[0] > 1


def test_what_is_liked_is_preferred_by_its_weight() -> None:
    points = [(0.5, 0), (1.0, 0)]
    liked = Moment(NOWHERE, Opinionated({1.0: 1.0}))
    assert choose(points, 1, moment=liked, taste=TasteConfig(weight=0)) == [1]
    assert choose(points, 1, moment=liked, taste=TasteConfig(weight=0.3)) == [2]


def test_a_try_costs_no_more_than_it_may() -> None:
    unknown = Moment(NOWHERE, Opinionated({}, {1.0: 50.0}))
    near, far = [(0.95, 0), (1.0, 0)], [(0.5, 0), (1.0, 0)]
    assert choose(near, 1, moment=unknown, taste=TasteConfig(explore=0.05)) == [2]
    assert choose(far, 1, moment=unknown, taste=TasteConfig(explore=0.05)) == [1]
    assert choose(near, 1, moment=unknown, taste=TasteConfig(explore=0)) == [1]


def test_what_was_chosen_only_to_learn_is_marked() -> None:
    selector = Selector(Relevance(song_table([1, 2], [(0.95, 0), (1.0, 0)])))
    text, way = selector.relevance.read(None, (), PLAIN.weights), plan(Point(0, 0), "stay", 2, 0.4)
    moment = Moment(NOWHERE, Opinionated({1.0: 0.1}, {1.0: 50.0}))
    picks = selector.choose(way, text, moment, PLAIN, TasteConfig(weight=0, explore=0.05))
    assert [(pick.row, pick.tried) for pick in picks] == [(1, True), (0, False)]
    assert picks[0].liking == pytest.approx(0.1)


def test_a_cost_puts_a_song_behind_and_bars_keep_it_out() -> None:
    points = [(0.0, 0), (0.1, 0), (0.9, 0)]
    resting = Moment(NOWHERE, costs={0: 0.1})
    assert choose(points, 3, moment=resting) == [2, 1, 3]
    bars = np.array([0, -np.inf, 0], np.float32)
    assert choose(points, 3, moment=Moment(NOWHERE, bars=bars)) == [1, 3]


def test_many_costs_hide_no_song_that_belongs_there() -> None:
    songs = 400
    points = [(i / songs, 0.0) for i in range(songs)]
    resting = Moment(NOWHERE, costs=dict.fromkeys(range(300), 1.0))
    assert choose(points, 3, moment=resting) == [301, 302, 303]


def test_an_empty_choice_is_no_error() -> None:
    assert choose([(0, 0)], 2, moment=Moment(NOWHERE, bars=np.array([-np.inf], np.float32))) == []
