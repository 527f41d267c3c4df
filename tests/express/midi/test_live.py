from __future__ import annotations

import threading

import pytest
from mido import Message

from robotd.config import Midi
from robotd.emotion import Quadrant
from robotd.express.midi.hearing import CLOCKS_PER_BAR, bar_lines, breaks, follows, jitter, sounding
from robotd.express.midi.live import Beside, measure_live
from robotd.music.bar import Bar
from robotd.music.compose.composer import SongComposer
from robotd.music.compose.opening import rule_composer
from robotd.music.compose.sources import RuleSource
from robotd.music.compose.studio import Studio
from robotd.music.compose.supply import AtOnce
from tests.servers.jack import jack_server

Log = list[tuple[float, Message]]


def on(time_s: float, note: int = 60) -> tuple[float, Message]:
    return time_s, Message("note_on", note=note)


def off(time_s: float, note: int = 60) -> tuple[float, Message]:
    return time_s, Message("note_off", note=note)


def clocks(bars: int, bar_s: float = 2.0, start_s: float = 0.0) -> Log:
    gap_s = bar_s / CLOCKS_PER_BAR
    return [(start_s + number * gap_s, Message("clock")) for number in range(bars * CLOCKS_PER_BAR + 1)]


def program(time_s: float, number: int) -> tuple[float, Message]:
    return time_s, Message("program_change", program=number)


def merged(*logs: Log) -> Log:
    return sorted((entry for log in logs for entry in log), key=lambda entry: entry[0])


def test_an_even_delay_is_no_jitter() -> None:
    due = [on(number / 10) for number in range(50)]
    heard = [(time_s + 0.007, message) for time_s, message in due]
    found = jitter(heard, due, "note_on")
    assert found.count == 50
    assert found.delay_ms == pytest.approx(7)
    assert found.max_ms == pytest.approx(0, abs=1e-6)


def test_jitter_is_how_far_from_the_usual_delay_messages_come() -> None:
    due = [on(number / 10, 20 + number) for number in range(100)]
    heard = [(time_s + 0.001 + 0.004 * (number == 50), message) for number, (time_s, message) in enumerate(due)]
    found = jitter(heard, due, "note_on")
    assert found.p50_ms == pytest.approx(0, abs=1e-6)
    assert found.max_ms == pytest.approx(4)


def test_lost_messages_and_others_are_no_jitter() -> None:
    due = [on(number / 2) for number in range(10)]
    heard = merged([(time_s + 0.001, message) for time_s, message in due[::2]], [off(0.3), on(0.1, 99)])
    assert jitter(heard, due, "note_on").count == 5
    with pytest.raises(ValueError, match="no clock was heard"):
        jitter(heard, due, "clock")


def test_bar_lines_and_breaks_are_those_of_the_clock() -> None:
    heard = clocks(4)
    assert bar_lines(heard) == pytest.approx([0, 2, 4, 6, 8])
    assert breaks(heard) == 0
    del heard[100]
    assert breaks(heard) == 0
    assert breaks(merged(clocks(2), clocks(2, start_s=4.4))) == 1


def test_a_change_is_followed_by_the_first_note_of_the_new_program() -> None:
    heard = [program(0, 1), program(0, 1), on(0), on(1.9), program(2, 2), on(2, 61), program(6, 1), on(6.25)]
    (first, second) = follows(heard, clocks(6), [(0.5, 2), (3.0, 1)])
    assert first == pytest.approx((1.5, -0.5))
    assert second == pytest.approx((3.25, 1.25))


def test_a_change_that_another_has_overtaken_is_left_out() -> None:
    heard = [program(0, 1), on(0), program(2, 3), on(2), program(4, 2), on(4)]
    assert len(follows(heard, clocks(6), [(0.5, 2), (1.0, 3)])) == 1


def test_what_has_not_ended_sounds() -> None:
    assert sounding([on(0), on(1, 61), off(2), (3, Message("note_on", note=61, velocity=0)), on(4, 62)]) == {(0, 62)}


def test_live_music_is_measured_where_it_arrives_and_leaves_no_note_behind() -> None:
    worked = threading.Event()
    with jack_server():
        figures = measure_live(
            Midi(backend="jack"), rule_composer(1), 5.0, beside=[Beside(worked.set, 0.1)], stops=3, seed=69
        )
    assert figures.where == "jack port 'robotd:robotd'"
    assert figures.notes.count > 15
    assert figures.clock.count > 100
    assert figures.changes >= 1
    assert figures.bars.played >= 2
    assert (figures.stops, figures.hanging) == (3, 0)
    assert worked.is_set()


def test_without_a_port_it_is_measured_where_it_is_sent() -> None:
    figures = measure_live(Midi(enabled=False), rule_composer(1), 2.0, stops=1)
    assert figures.where == "where it is sent"
    assert figures.notes.count > 5
    assert figures.hanging == 0


STUDIO = Studio(RuleSource(), RuleSource(), None, 1)


class SilentComposer(SongComposer):
    def bar(self, valence: float, arousal: float, index: int, quadrant: Quadrant | None = None) -> Bar:
        raise ValueError(f"no ideas for bar {index} at {valence}, {arousal} in {quadrant}")


def test_a_composer_that_fails_is_told() -> None:
    with pytest.raises(ValueError, match="no ideas"):
        measure_live(Midi(enabled=False), SilentComposer(STUDIO, AtOnce(STUDIO)), 3.0, stops=1)
