from __future__ import annotations

from itertools import accumulate, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from robotd.film.fit import MOST_RATIO, fit

#: Bars of 4 beats at 150 and at 60 quarter notes a minute.
bars_s = st.floats(1.6, 4.0)
segments = st.lists(st.tuples(st.floats(6.0, 90.0), bars_s), min_size=1, max_size=8)


@settings(deadline=None)
@given(segments)
def test_joints_lie_within_half_a_bar_of_the_cuts_and_tempos_within_their_range(
    parts: list[tuple[float, float]],
) -> None:
    bounds = [0.0, *accumulate(length for length, _ in parts)]
    own = [bar for _, bar in parts]
    fitted = fit(bounds, own)
    assert len(fitted) == len(parts)
    assert fitted[0].start_s == 0
    assert fitted[-1].end_s == bounds[-1]
    for one, other in pairwise(fitted):
        assert one.end_s == other.start_s
    for n, stretch in enumerate(fitted):
        assert stretch.bars >= 1
        assert 1 / MOST_RATIO <= stretch.bar_s / own[n] <= MOST_RATIO
        if n:
            assert abs(stretch.start_s - bounds[n]) <= max(own[n - 1], own[n]) / 2 + 1e-9


def test_bars_that_fit_are_left_alone() -> None:
    first, last = fit([0.0, 16.0, 16.0 + 2 * 8.25], [2.0, 2.0])
    assert (first.end_s, first.bars, first.bar_s) == (16.0, 8, 2.0)
    assert (last.bars, last.bar_s) == (8, 2.0)  # the last lasts as long as one and a quarter


def test_a_small_misfit_is_shared_by_tempo_and_joint() -> None:
    first, _ = fit([0.0, 15.0, 60.0], [2.0, 2.0])
    assert first.bars == 8
    assert 15.0 <= first.end_s < 16.0
    assert 1.8 < first.bar_s < 2.0


@pytest.mark.parametrize("length_s", [0.05, 0.5, 1.0, 2.0, 3.9, 5.0])
def test_a_film_shorter_than_its_bars_is_filled_all_the_same(length_s: float) -> None:
    (only,) = fit([0.0, length_s], [2.5])
    assert (only.start_s, only.end_s) == (0.0, length_s)
    assert only.bars in {1, 2}
