from __future__ import annotations

import random
from itertools import accumulate, pairwise

import pytest

from robotd.express.midi.tick_filter import TickFilter


def periods(*tempos_bpm: float, beats: int = 32) -> list[float]:
    """Return the periods of a clock that goes through tempos, so many beats in each, gliding from one to the next."""
    legs = list(pairwise(tempos_bpm)) or [(tempos_bpm[0], tempos_bpm[0])]
    return [60 / (a + (b - a) * tick / (24 * beats)) / 24 for a, b in legs for tick in range(24 * beats)]


def ticks(periods_s: list[float]) -> list[float]:
    return list(accumulate(periods_s, initial=10.0))


@pytest.mark.parametrize("seed", range(5))
def test_jitter_of_3_ms_is_smoothed_while_the_tempo_goes_from_100_to_140(seed: int) -> None:
    roll = random.Random(seed)
    meant = ticks(periods(100, 100, 140, 140))
    pulse = TickFilter()
    off_ms = []
    for time_s in meant:
        assert pulse.add(time_s + roll.uniform(-0.003, 0.003)) == 1
        off_ms.append(1000 * abs(pulse.time_s - time_s))
    assert max(off_ms[24:]) < 3
    assert sum(off_ms[24:]) / len(off_ms[24:]) < 1
    assert pulse.period_s == pytest.approx(60 / 140 / 24, rel=0.02)


def test_an_even_clock_is_known_from_its_second_tick() -> None:
    pulse = TickFilter()
    for number in range(200):
        pulse.add(5 + number * 0.02)
        assert pulse.time_s == pytest.approx(5 + number * 0.02)
    assert pulse.period_s == pytest.approx(0.02)


def test_lost_ticks_are_counted() -> None:
    roll = random.Random(1)
    pulse = TickFilter()
    count = 0
    meant = ticks(periods(120))
    for number, time_s in enumerate(meant):
        if number not in {100, 200, 201, 300}:
            count += pulse.add(time_s + roll.uniform(-0.002, 0.002))
    assert count == len(meant)
    assert pulse.time_s == pytest.approx(meant[-1], abs=0.003)


def test_one_late_tick_moves_nothing() -> None:
    pulse = TickFilter()
    meant = ticks(periods(120))
    for number, time_s in enumerate(meant):
        assert pulse.add(time_s + 0.015 * (number == 400)) == 1
        assert pulse.time_s == pytest.approx(time_s, abs=1e-6)


@pytest.mark.parametrize("tempo_bpm", [50, 60, 70, 80, 130, 150, 180, 220])
def test_a_sudden_tempo_is_taken_up_and_no_tick_counted_twice(tempo_bpm: float) -> None:
    roll = random.Random(2)
    meant = ticks([60 / 100 / 24] * 96 + [60 / tempo_bpm / 24] * 96)
    pulse = TickFilter()
    count = sum(pulse.add(time_s + roll.uniform(-0.002, 0.002)) for time_s in meant)
    assert count == len(meant)
    assert pulse.time_s == pytest.approx(meant[-1], abs=0.003)
    assert pulse.period_s == pytest.approx(60 / tempo_bpm / 24, rel=0.03)


def test_after_a_silence_only_the_period_is_remembered() -> None:
    pulse = TickFilter()
    for time_s in ticks(periods(120, beats=4)):
        pulse.add(time_s)
    pulse.restart()
    pulse.add(100.0)
    assert pulse.time_s == 100.0
    assert pulse.period_s == pytest.approx(0.5 / 24)
    pulse.add(100.04)
    assert pulse.period_s == pytest.approx(0.04)
