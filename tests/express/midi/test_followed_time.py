from __future__ import annotations

import asyncio
import logging
import random
import threading
import time
from itertools import accumulate
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mido import Message

from robotd.config import Midi
from robotd.express.midi import Performer, Playing, RealClock, Scheduler
from robotd.express.midi.external_clock import ExternalClock
from robotd.music.bar import Composer
from robotd.music.compose.opening import rule_composer
from tests.express.midi.players import ENDING, HAPPY, KEYS, SAD, Clip
from tests.express.midi.test_scheduler import Sink

Q1, _, Q3, _ = KEYS.values()
TICK_S = 0.5 / 24
BAR = 96


class Conductor:
    """Another instrument's clock at 120 beats a minute, and a clip that follows it."""

    def __init__(self, composer: Composer | None = None) -> None:
        # The clip's clock is needed for the other, and the other for the clip.
        self.external = ExternalClock(now=lambda: 0.0)
        self.clip = Clip(composer, external=self.external)
        self.now_s = 0.0
        #: When each tick of the song was meant.
        self.ticks: list[float] = []

    async def tell(self, kind: str, **more: int) -> None:
        await self.to(self.now_s)
        self.external.hear(self.now_s, Message(kind, **more))
        await self.clip.performer.catch_up()

    async def to(self, time_s: float) -> None:
        self.now_s = time_s
        await self.clip.go(time_s)

    async def tick(self, count: int = 1, period_s: float = TICK_S, late_s: float = 0.0) -> None:
        """Let ticks come, the first of them now."""
        for _ in range(count):
            self.ticks.append(self.now_s)
            await self.clip.go(self.now_s + late_s)
            self.external.hear(self.now_s + late_s, Message("clock"))
            await self.clip.performer.catch_up()
            self.now_s += period_s


async def test_music_waits_for_the_start_and_begins_with_the_first_tick() -> None:
    conductor = Conductor()
    clip = conductor.clip
    clip.performer.feel(*HAPPY)
    await conductor.tick(30)
    assert clip.starts() == []
    await conductor.tell("start")
    begun_s = conductor.now_s
    await conductor.tick(BAR)
    assert clip.starts() == pytest.approx([begun_s + beat * 0.5 for beat in range(4)], abs=1e-6)
    assert clip.bars[0].tempo_bpm == 120


async def test_music_that_has_not_heard_ticks_before_begins_with_the_first_all_the_same() -> None:
    conductor = Conductor()
    conductor.clip.performer.feel(*HAPPY)
    await conductor.to(5)
    await conductor.tell("start")
    await conductor.to(5.4)
    await conductor.tick(50)
    assert conductor.clip.starts() == pytest.approx([5.4, 5.9, 6.4], abs=1e-6)


async def test_a_feeling_that_comes_while_the_clock_runs_is_answered_from_the_next_bar_line() -> None:
    conductor = Conductor()
    await conductor.tell("start")
    await conductor.tick(2 * BAR + 50)
    conductor.clip.performer.feel(*HAPPY)
    await conductor.tick(BAR)
    assert conductor.clip.starts()[0] == pytest.approx(conductor.ticks[3 * BAR], abs=1e-6)


async def test_bars_follow_each_other_and_a_changed_feeling_is_heard_at_the_next_line() -> None:
    conductor = Conductor()
    conductor.clip.performer.feel(*HAPPY)
    await conductor.tell("start")
    await conductor.tick(BAR - 10)
    conductor.clip.performer.feel(*SAD)
    await conductor.tick(BAR)
    assert len(conductor.clip.starts(Q1)) == 4
    assert conductor.clip.starts(Q3)[0] == pytest.approx(conductor.ticks[BAR], abs=1e-6)
    assert conductor.clip.performer.counts.replaced == 1


async def test_what_was_handed_over_is_not_taken_back() -> None:
    conductor = Conductor()
    conductor.clip.performer.feel(*HAPPY)
    await conductor.tell("start")
    await conductor.tick(BAR - 1)
    conductor.clip.performer.feel(*SAD)
    await conductor.tick(2 * BAR)
    assert len(conductor.clip.starts(Q1)) == 8
    assert conductor.clip.starts(Q3)[0] == pytest.approx(conductor.ticks[2 * BAR], abs=1e-6)


@pytest.mark.parametrize("seed", range(3))
async def test_bar_lines_stay_on_a_jittery_clock_from_100_to_140_beats_a_minute(seed: int) -> None:
    roll = random.Random(seed)
    conductor = Conductor(rule_composer(1))
    conductor.clip.performer.feel(*HAPPY)
    await conductor.tick(24, 60 / 100 / 24)
    conductor.ticks.clear()
    await conductor.tell("start")
    bars = 16
    for number in range(bars * BAR):
        tempo_bpm = 100 + 40 * min(max(number / BAR - 2, 0) / 10, 1)
        await conductor.tick(1, 60 / tempo_bpm / 24, late_s=0.003 + roll.uniform(-0.003, 0.003))
    lines = [conductor.ticks[bar * BAR] + 0.003 for bar in range(1, bars)]
    starts = conductor.clip.starts()
    off_ms = [1000 * min(abs(start - line) for start in starts) for line in lines]
    assert max(off_ms) < 4
    assert sum(off_ms) / len(off_ms) < 1.5
    assert [playing.bar for playing in conductor.clip.bars] == list(range(bars))
    assert conductor.clip.bars[0].tempo_bpm == pytest.approx(100, abs=2)
    assert conductor.clip.bars[-1].tempo_bpm == pytest.approx(140, abs=3)
    assert conductor.clip.performer.timeline.gaps == 0


async def test_stop_is_silence_at_once_and_continue_goes_on_where_it_was() -> None:
    conductor = Conductor()
    clip = conductor.clip
    clip.performer.feel(*HAPPY)
    await conductor.tell("start")
    await conductor.tick(30)
    await conductor.tell("stop")
    stopped_s = conductor.now_s
    await conductor.tick(48)
    assert clip.sounding == set()
    assert clip.starts(after_s=stopped_s) == []
    assert clip.playing[-1][1] is None
    await conductor.tell("continue")
    resumed_s = conductor.now_s
    await conductor.tick(BAR)
    # The third beat comes 18 ticks after the 30th.
    assert clip.starts(after_s=stopped_s)[0] == pytest.approx(resumed_s + 18 * TICK_S, abs=1e-6)
    assert [playing.bar for playing in clip.bars] == [0, 1]


async def test_start_begins_a_bar_from_the_top() -> None:
    conductor = Conductor()
    clip = conductor.clip
    clip.performer.feel(*HAPPY)
    await conductor.tell("start")
    await conductor.tick(BAR + 30)
    await conductor.tell("start")
    again_s = conductor.now_s
    await conductor.tick(BAR)
    assert clip.starts(after_s=again_s - 1e-6) == pytest.approx([again_s + beat * 0.5 for beat in range(4)], abs=1e-6)
    assert [playing.bar for playing in clip.bars] == [0, 1, 2]
    assert not clip.sounding - {(0, Q1)}


async def test_from_a_song_position_within_a_bar_music_begins_at_the_next_bar_line() -> None:
    conductor = Conductor()
    conductor.clip.performer.feel(*HAPPY)
    await conductor.tell("songpos", pos=5 * 16 + 12)
    await conductor.tell("continue")
    await conductor.tick(BAR)
    assert conductor.clip.starts()[0] == pytest.approx(conductor.ticks[24], abs=1e-6)


async def test_without_a_clock_music_waits_and_says_so_and_goes_on_when_it_is_back(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    conductor = Conductor()
    clip = conductor.clip
    clip.performer.feel(*HAPPY)
    await conductor.to(2)
    assert clip.performer.timeline.state == "no external clock"
    await conductor.tell("start")
    await conductor.tick(30)
    assert clip.performer.timeline.state == "external"
    lost_s = conductor.now_s
    await conductor.to(lost_s + 3)
    assert clip.performer.timeline.state == "no external clock"
    assert clip.sounding == set()
    assert clip.playing[-1][1] is None
    await conductor.tick(BAR)
    assert clip.starts(after_s=lost_s)[0] == pytest.approx(lost_s + 3 + 18 * TICK_S, abs=1e-6)
    await conductor.tell("stop")
    await conductor.to(conductor.now_s + 5)
    assert clip.performer.timeline.state == "external, stopped"
    told = [record.message for record in caplog.records if "clock" in record.message]
    assert told == ["no external clock; the music waits for it", "following the external clock"] * 2


async def test_nobody_to_answer_ends_the_music_on_the_other_clock_too() -> None:
    conductor = Conductor()
    conductor.clip.performer.feel(*HAPPY)
    await conductor.tell("start")
    await conductor.tick(30)
    conductor.clip.performer.rest()
    await conductor.tick(3 * BAR)
    assert conductor.clip.starts(ENDING) == pytest.approx([conductor.ticks[BAR]], abs=1e-6)
    assert conductor.clip.playing[-1][1] is None
    assert conductor.clip.sounding == set()


async def test_a_feeling_that_goes_before_the_clock_starts_is_not_answered() -> None:
    conductor = Conductor()
    conductor.clip.performer.feel(*HAPPY)
    await conductor.tick(5)
    conductor.clip.performer.rest()
    await conductor.tell("start")
    await conductor.tick(2 * BAR)
    assert conductor.clip.sent == []


actions = st.one_of(
    st.tuples(st.sampled_from(["start", "stop", "continue", "rest", "mute", "unmute", "panic"]), st.none()),
    st.tuples(st.just("songpos"), st.integers(0, 200)),
    st.tuples(st.just("clock"), st.integers(1, 130)),
    st.tuples(st.just("wait"), st.floats(0, 3)),
    st.tuples(st.just("feel"), st.tuples(st.floats(-1, 1), st.floats(-1, 1))),
)


@settings(max_examples=40, deadline=None)
@given(st.lists(actions, max_size=25))
def test_whatever_comes_a_stop_ends_every_note(events: list[tuple[str, Any]]) -> None:
    async def live() -> None:
        conductor = Conductor(rule_composer(1))
        performer = conductor.clip.performer
        performer.feel(*HAPPY)
        for kind, value in [("start", None), ("clock", 60), *events]:
            if kind == "clock":
                await conductor.tick(value)
            elif kind == "wait":
                await conductor.to(conductor.now_s + value)
            elif kind == "feel":
                performer.feel(*value)
            elif kind in {"rest", "mute", "unmute", "panic"}:
                getattr(performer, kind)()
            else:
                await conductor.tell(kind, **({} if value is None else {"pos": value}))
        await conductor.tell("stop")
        await conductor.to(conductor.now_s + 0.1)
        assert conductor.clip.sounding == set()
        performer.close()

    asyncio.run(live())


async def test_in_real_time_ticks_of_another_thread_are_followed() -> None:
    sink = Sink()
    external = ExternalClock()
    begun = asyncio.Event()
    bars: list[Playing | None] = []

    def begins(playing: Playing | None) -> None:
        bars.append(playing)
        if len(bars) == 2:
            begun.set()

    done = threading.Event()

    def beat() -> None:
        external.hear(time.monotonic(), Message("start"))
        for due_s in accumulate([0.02] * 2000, initial=time.monotonic()):
            if done.wait(max(due_s - time.monotonic(), 0)):
                return
            external.hear(time.monotonic(), Message("clock"))

    with Scheduler(sink) as scheduler:
        performer = Performer(rule_composer(2), scheduler, Midi(), RealClock(), on_bar=begins, external=external)
        performer.feel(*HAPPY)
        playing = asyncio.create_task(performer.run())
        beating = threading.Thread(target=beat)
        beating.start()
        await asyncio.wait_for(begun.wait(), 15)
        done.set()
        beating.join()
        playing.cancel()
        await asyncio.wait([playing])
    assert [bar.bar for bar in bars if bar] == [0, 1]
    assert sink.sounding == set()
