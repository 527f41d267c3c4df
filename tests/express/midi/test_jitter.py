from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from robotd.express.midi.jitter import LEAP_S, MARGIN_S, MOST_S, STEP_S, WINDOW_S, Least, RemoteClock

#: The sender's clock is so far ahead of ours.
AHEAD_S = 1_700_000_000.0
WAY_S = 0.004


class World:
    """Our clock, and messages that come over a way."""

    def __init__(self, delay_s: float = 0.15) -> None:
        self.now_s = 100.0
        self.clock = RemoteClock(delay_s, lambda: self.now_s)

    def arrive(self, *, sent_s: float, late_s: float = 0.0, lead_s: float | None = 0.4) -> bool:
        """Let a message arrive that was sent at a time of ours, and came so much later than it might have."""
        self.now_s = sent_s + WAY_S + late_s
        sent_there_s = sent_s + AHEAD_S
        return self.clock.hear(sent_there_s, None if lead_s is None else sent_there_s + lead_s)

    @property
    def delay_s(self) -> float:
        """How much later than there it is played here."""
        return self.now_s + AHEAD_S - self.clock.now()


@given(st.lists(st.tuples(st.floats(0, 10), st.floats(-5, 5)), min_size=1, max_size=50))
def test_the_least_of_a_window_is_known(values: list[tuple[float, float]]) -> None:
    least = Least(window_s=20.0)
    time_s, seen = 0.0, []
    for gap_s, value in values:
        time_s += gap_s
        seen.append((time_s, value))
        assert least.add(time_s, value) == min(value for when_s, value in seen if when_s >= time_s - 20.0)


def test_a_message_is_played_the_delay_and_the_fastest_way_after_its_time() -> None:
    world = World(0.15)
    for second in range(10):
        world.arrive(sent_s=200.0 + second, late_s=0.0 if second == 3 else 0.05)
    # Bars that were so slow before the fastest one came left a little of their slowness, which fades.
    assert world.delay_s == pytest.approx(0.15 + WAY_S + 0.05 - 7 * STEP_S, abs=1e-5)
    assert world.clock.delay_s == pytest.approx(0.15 + 0.05 - 7 * STEP_S, abs=1e-5)
    for second in range(10, 20):
        world.arrive(sent_s=200.0 + second, late_s=0.03)
    assert world.delay_s == pytest.approx(0.15 + WAY_S, abs=1e-5)


def test_what_comes_too_late_makes_the_buffer_longer_until_the_way_is_good_again() -> None:
    world = World(0.0)
    world.arrive(sent_s=200.0, lead_s=0.02)
    assert world.clock.delay_s == 0.0
    world.arrive(sent_s=201.0, late_s=0.3, lead_s=0.02)
    assert world.clock.delay_s == pytest.approx(0.3 - 0.02 + MARGIN_S)
    for second in range(2, int(WINDOW_S) + 80):
        world.arrive(sent_s=200.0 + second, lead_s=0.02)
    assert world.clock.delay_s == pytest.approx(0.0, abs=1e-6)


def test_the_buffer_has_an_end() -> None:
    world = World(0.1)
    world.arrive(sent_s=200.0)
    assert not world.arrive(sent_s=201.0, late_s=4.0, lead_s=0.0)
    assert world.clock.delay_s == pytest.approx(MOST_S)


@pytest.mark.parametrize("leap_s", [LEAP_S + 0.1, 3600.0])
def test_a_clock_that_fell_behind_is_another_clock(leap_s: float) -> None:
    world = World()
    world.arrive(sent_s=200.0)
    assert world.arrive(sent_s=210.0, late_s=leap_s)
    assert world.delay_s == pytest.approx(0.15 + WAY_S + leap_s, abs=1e-5)


@pytest.mark.parametrize("leap_s", [MOST_S + 0.1, 3600.0])
def test_a_clock_that_ran_ahead_is_another_clock(leap_s: float) -> None:
    world = World()
    world.arrive(sent_s=200.0)
    assert world.arrive(sent_s=210.0, late_s=-leap_s)
    assert world.delay_s == pytest.approx(0.15 + WAY_S - leap_s, abs=1e-5)


def test_after_a_blocked_way_all_is_as_before() -> None:
    world = World()
    for second in range(5):
        world.arrive(sent_s=200.0 + second)
    # Twenty seconds of music arrive at once.
    leaps = [world.arrive(sent_s=205.0 + second, late_s=20.0 - second) for second in range(20)]
    assert leaps[0]
    assert world.clock.delay_s <= MOST_S + 0.15
    for second in range(200):
        world.arrive(sent_s=300.0 + second)
    assert world.delay_s == pytest.approx(0.15 + WAY_S, abs=1e-5)


def test_a_message_without_music_tells_of_the_clock_too() -> None:
    world = World()
    world.arrive(sent_s=200.0, lead_s=None)
    assert world.delay_s == pytest.approx(0.15 + WAY_S, abs=1e-5)


@given(st.integers(0, 1000), st.floats(0, 0.2), st.floats(0, 0.4))
def test_music_that_is_ahead_by_more_than_the_jitter_is_never_late(seed: int, delay_s: float, jitter_s: float) -> None:
    roll, world = random.Random(seed), World(delay_s)
    for second in range(30):
        sent_s = 200.0 + second
        world.arrive(sent_s=sent_s, late_s=roll.uniform(0, jitter_s), lead_s=jitter_s)
        assert world.clock.now() <= sent_s + AHEAD_S + jitter_s + 1e-6
