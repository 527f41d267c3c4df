from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from robotd.config import Target
from robotd.emotion import Quadrant, quadrant_at
from robotd.music.journey import LEAST_STEP, OPPOSITE, WAYPOINT, Point, expected_moods, goal_of, plan, too_sudden

AXIS = st.floats(-1, 1, width=32)
POINTS = st.builds(Point, AXIS, AXIS)
TARGETS: st.SearchStrategy[Target] = st.one_of(
    st.sampled_from(("uplift", "calm", "focus", "stay")), st.tuples(AXIS, AXIS)
)
SAD = Point(-0.6, -0.4)


@given(POINTS, TARGETS, st.integers(1, 20), st.floats(0.05, 3))
def test_a_journey_meets_the_mood_and_goes_by_bounded_steps(
    start: Point, target: Target, count: int, step: float
) -> None:
    way = plan(start, target, count, step)
    assert way.steps[0] == start
    assert len(way.steps) == count
    assert all(a.to(b) <= step + 1e-6 for a, b in pairwise(way.steps))
    assert all(max(map(abs, place)) <= 1 for place in way.steps)


@given(POINTS, TARGETS, st.integers(1, 20), st.floats(0.05, 3))
def test_no_step_leads_from_a_low_mood_into_the_opposite_quadrant(
    start: Point, target: Target, count: int, step: float
) -> None:
    for a, b in pairwise(plan(start, target, count, step).steps):
        assert a.valence >= 0 or b.valence < 0 or (a.arousal >= 0) == (b.arousal >= 0)


@given(POINTS, TARGETS, st.floats(0.05, 3))
def test_with_songs_enough_the_way_ends_at_its_goal(start: Point, target: Target, step: float) -> None:
    goal = goal_of(target, start)
    corners = [Point(WAYPOINT, WAYPOINT), Point(WAYPOINT, -WAYPOINT)]
    length = max(start.to(goal), *(start.to(corner) + corner.to(goal) for corner in corners))
    # One step may be lost at the corner.
    way = plan(start, target, math.ceil(length / step) + 2, step)
    assert way.steps[-1] == pytest.approx(way.goal, abs=1e-6)


def test_from_sad_to_happy_it_goes_by_calm() -> None:
    way = plan(SAD, "uplift", 8, 0.4)
    quadrants = list(dict.fromkeys(quadrant_at(*place) for place in way.steps))
    assert quadrants == [Quadrant.Q3, Quadrant.Q4, Quadrant.Q1]
    assert way.steps[-1] == pytest.approx(way.goal)


def test_from_angry_to_calm_it_goes_by_cheerful() -> None:
    quadrants = dict.fromkeys(quadrant_at(*place) for place in plan(Point(-0.6, 0.6), "calm", 9, 0.4).steps)
    assert list(quadrants) == [Quadrant.Q2, Quadrant.Q1, Quadrant.Q4]


def test_few_songs_go_only_so_far() -> None:
    way = plan(SAD, "uplift", 3, 0.2)
    assert 0.35 < way.steps[-1].to(SAD) <= 0.4
    assert way.steps[-1].to(way.goal) > 0.8


def test_many_songs_spread_over_the_way() -> None:
    way = plan(Point(0, 0), (0.4, 0), 5, 0.4)
    assert [place.valence for place in way.steps] == pytest.approx([0, 0.1, 0.2, 0.3, 0.4])


def test_one_song_and_staying_are_journeys_too() -> None:
    assert plan(SAD, "uplift", 1, 0.4).steps == (SAD,)
    assert plan(SAD, "stay", 4, 0.4).steps == (SAD,) * 4


def test_targets_never_lead_down_from_where_somebody_is() -> None:
    assert goal_of("uplift", Point(0.9, 0.8)) == Point(0.9, 0.8)
    assert goal_of("calm", Point(0.8, -0.9)) == Point(0.8, -0.9)
    assert goal_of("calm", Point(-0.5, 0.9)) == Point(0.5, -0.4)
    assert goal_of((0.2, -0.1), SAD) == Point(0.2, -0.1)


def test_a_mood_on_its_way_goes_on() -> None:
    way = plan(SAD, "uplift", 6, 0.3)
    on = way.follow(way.steps[2], "uplift", 6, 0.3, played=2)
    assert (on.replanned, on.start, on.step) == (False, way.steps[2], 0.3)


def test_a_mood_that_falls_behind_is_met_where_it_is_and_led_more_slowly() -> None:
    way = plan(SAD, "uplift", 6, 0.4)
    worse = Point(-0.9, -0.6)
    anew = way.follow(worse, "uplift", 6, 0.4, played=4)
    assert anew.replanned
    assert anew.start == anew.steps[0] == worse
    assert anew.step == pytest.approx(0.2)
    again = anew
    for _ in range(5):
        again = again.follow(worse, "uplift", 20, 0.4, played=20)
    assert again.step == pytest.approx(LEAST_STEP)


def test_a_mood_that_runs_ahead_elsewhere_is_met_at_full_pace() -> None:
    way = plan(Point(-0.8, 0.6), "uplift", 5, 0.2)
    anew = way.follow(Point(0.6, -0.2), "uplift", 5, 0.4, played=1)
    assert (anew.replanned, anew.step) == (True, 0.4)


def test_before_anything_was_played_a_mood_that_has_not_moved_is_as_planned() -> None:
    assert not plan(SAD, "uplift", 6, 0.4).follow(SAD, "uplift", 6, 0.4).replanned


def test_sudden_are_jumps_from_low_moods_to_the_opposite_only() -> None:
    places = np.array([[0.6, 0.5], [0.6, -0.5], [-0.6, 0.5], [-0.6, -0.5]])
    for before in places:
        sudden = too_sudden(before, places)
        opposite = [quadrant_at(*place) == OPPOSITE[quadrant_at(*before)] for place in places]
        assert sudden.tolist() == (opposite if before[0] < 0 else [False] * 4)


def test_moods_return_to_their_middle_and_songs_draw_them() -> None:
    low, lively, quiet = Point(-0.8, 0.0), np.array([[0.5, 0.9]]), np.array([[0.5, -0.9]])
    after_lively, after_quiet = expected_moods(low, lively)[0], expected_moods(low, quiet)[0]
    assert after_lively[0] > low.valence
    assert after_lively[1] - after_quiet[1] == pytest.approx(1.8 * 0.109)
