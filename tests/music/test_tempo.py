from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from robotd.music.tempo import Glide, approach

TEMPO = st.floats(40, 200)


def test_a_steady_tempo_is_plain_division() -> None:
    assert Glide(120, 120, 4).duration_s == pytest.approx(2.0)
    assert Glide(120, 120, 4).seconds_at(3) == pytest.approx(1.5)


@given(TEMPO, TEMPO)
def test_a_glide_takes_as_long_as_many_small_steps_of_steady_tempo(start: float, end: float) -> None:
    glide, steps = Glide(start, end, 4), 2000
    summed = sum(60 / glide.tempo_at((step + 0.5) * 4 / steps) * 4 / steps for step in range(steps))
    assert glide.duration_s == pytest.approx(summed, rel=1e-4)


def test_what_hangs_over_the_bar_goes_on_at_the_last_tempo() -> None:
    glide = Glide(60, 120, 4)
    assert glide.seconds_at(6) == pytest.approx(glide.duration_s + 1.0)


@given(TEMPO, TEMPO)
def test_a_tempo_is_approached_and_not_overshot(now: float, wanted: float) -> None:
    reached = approach(now, wanted)
    assert min(now, wanted) <= reached <= max(now, wanted)
    assert now / 1.2500001 <= reached <= now * 1.2500001
