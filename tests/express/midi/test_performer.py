from __future__ import annotations

import asyncio
import random
import threading
from itertools import pairwise
from pathlib import Path

import pytest
from mido import Message

from robotd.config import Band, Channels, Midi, Programs
from robotd.emotion import Quadrant
from robotd.express.midi import MediaClock, Performer, Playing, RealClock, Scheduler, open_midi
from robotd.express.midi.own_time import HEADROOM_S
from robotd.express.midi.plan import REFRESH_S
from robotd.music.bar import Bar
from robotd.music.compose.opening import rule_composer
from tests.express.midi.players import CALM, ENDING, HAPPY, KEYS, SAD, Clip, PlainComposer, velocity_for
from tests.express.midi.test_recorder import heard
from tests.express.midi.test_scheduler import Sink

Q1, Q2, Q3, Q4 = KEYS.values()
BAR_S = 2.0


async def test_nothing_is_played_before_there_is_a_feeling() -> None:
    clip = Clip()
    await clip.go(5)
    assert clip.sent == []
    assert clip.playing == []


async def test_music_begins_with_the_feeling_on_the_channel_and_program_of_the_config() -> None:
    clip = Clip(config=Midi(channels=Channels(melody=5), programs=Programs(Q1=Band(melody=11))))
    await clip.go(2)
    clip.performer.feel(*HAPPY)
    await clip.go(6)
    assert clip.starts()[:2] == pytest.approx([2.0 + HEADROOM_S, 2.5 + HEADROOM_S])
    assert clip.sent[0][1] == Message("program_change", program=11, channel=4)
    assert all(message.channel == 4 for _, message in clip.sent)
    assert clip.bars[0] == Playing(Quadrant.Q1, 120.0, "C major", 0)


async def test_bars_follow_each_other_without_a_gap() -> None:
    clip = Clip()
    clip.performer.feel(*HAPPY)
    await clip.go(20, step_s=0.5)
    starts = clip.starts()
    assert [later - earlier for earlier, later in pairwise(starts)] == pytest.approx([0.5] * (len(starts) - 1))
    assert [playing.bar for playing in clip.bars] == list(range(10))
    assert clip.performer.timeline.gaps == 0


async def test_the_next_bar_is_composed_as_soon_as_one_begins() -> None:
    clip = Clip()
    clip.performer.feel(*HAPPY)
    await clip.go(0.1)
    assert clip.composer.asked == [(0, Quadrant.Q1), (1, Quadrant.Q1)]


async def test_a_change_of_feeling_is_heard_from_the_next_bar_line_though_a_bar_was_placed_there() -> None:
    clip = Clip()
    clip.performer.feel(*HAPPY)
    await clip.go(HEADROOM_S + BAR_S - 0.1)
    clip.performer.feel(*SAD)
    await clip.go(5)
    assert clip.composer.asked[:3] == [(0, Quadrant.Q1), (1, Quadrant.Q1), (1, Quadrant.Q3)]
    assert len(clip.starts(Q1)) == 4
    assert clip.starts(Q3)[0] == pytest.approx(HEADROOM_S + BAR_S)
    assert clip.performer.counts.replaced == 1
    times = clip.performer.changes.times
    assert times.count == 1
    assert times.max_s == pytest.approx(0.1)
    assert times.over_a_bar_s == 0


async def test_a_change_just_before_a_bar_line_is_heard_a_bar_later() -> None:
    clip = Clip()
    clip.performer.feel(*HAPPY)
    await clip.go(HEADROOM_S + BAR_S - 0.01)
    clip.performer.feel(*SAD)
    await clip.go(6)
    assert len(clip.starts(Q1)) == 8
    assert clip.starts(Q3)[0] == pytest.approx(HEADROOM_S + 2 * BAR_S)
    assert clip.performer.changes.times.over_a_bar_s == pytest.approx(0.01)


async def test_a_change_that_is_taken_back_before_the_bar_line_changes_nothing() -> None:
    clip = Clip()
    clip.performer.feel(*HAPPY)
    await clip.go(1)
    clip.performer.feel(*SAD)
    await clip.go(1.5)
    clip.performer.feel(*HAPPY)
    await clip.go(5)
    assert clip.starts(Q3) == []
    assert clip.performer.counts.replaced == 2


async def test_a_feeling_that_moves_a_little_is_heard_in_every_bar_and_composed_once_more_for_it() -> None:
    clip = Clip()
    clip.performer.feel(0.5, 0.5)
    await clip.go(1)
    clip.performer.feel(0.5, 0.6)
    await clip.go(HEADROOM_S + BAR_S - REFRESH_S - 0.01)
    assert clip.performer.counts.replaced == 0
    await clip.go(HEADROOM_S + BAR_S - REFRESH_S + 0.01)
    assert clip.performer.counts.replaced == 1
    await clip.go(4)
    loud = [message.velocity for _, message in clip.of("note_on")]
    assert loud[3:5] == [velocity_for(0.5), velocity_for(0.6)]


async def test_the_programs_of_a_bar_that_was_taken_back_are_told_with_the_one_in_its_place() -> None:
    clip = Clip(config=Midi(programs=Programs(Q1=Band(melody=1), Q3=Band(melody=3), Q4=Band(melody=4))))
    clip.performer.feel(*HAPPY)
    await clip.go(1)
    for mood in (SAD, CALM, SAD):
        clip.performer.feel(*mood)
        await clip.go(clip.clock.now() + 0.1)
    await clip.go(3)
    assert [message.program for _, message in clip.of("program_change")] == [1, 3]


async def test_the_tempo_glides() -> None:
    clip = Clip(rule_composer(3))
    clip.performer.feel(*HAPPY)
    await clip.go(4)
    clip.performer.feel(*SAD)
    await clip.go(12)
    tempos = [playing.tempo_bpm for playing in clip.bars]
    assert tempos[-1] < tempos[0]
    assert all(later >= earlier / 1.26 for earlier, later in pairwise(tempos))


async def test_every_change_is_heard_within_a_bar_and_50_ms_whenever_it_comes() -> None:
    roll = random.Random(4)
    clip = Clip(rule_composer(1))
    clip.performer.feel(*HAPPY)
    for _ in range(150):
        await clip.go(clip.clock.now() + roll.uniform(0.01, 3), step_s=0.5)
        clip.performer.feel(roll.uniform(-1, 1), roll.uniform(-1, 1))
    assert clip.performer.changes.times.count > 80
    assert clip.performer.changes.times.over_a_bar_s <= 0.05
    assert clip.performer.timeline.gaps == 0
    clip.performer.mute()
    await clip.go(clip.clock.now() + 0.1)
    assert clip.sounding == set()


async def test_with_nobody_to_answer_the_music_ends_at_the_bar_line_and_begins_again() -> None:
    clip = Clip()
    clip.performer.feel(*HAPPY)
    await clip.go(1)
    clip.performer.rest()
    await clip.go(8)
    assert clip.starts() == pytest.approx([HEADROOM_S + t for t in (0, 0.5, 1, 1.5, 2)])
    assert clip.of("note_on")[-1][1].note == ENDING
    ended_s, playing = clip.playing[-1]
    assert playing is None
    assert ended_s == pytest.approx(HEADROOM_S + 4, abs=0.1)
    assert clip.sounding == set()
    clip.performer.feel(*HAPPY)
    await clip.go(9)
    assert clip.starts(Q1, after_s=8)[0] == pytest.approx(8 + HEADROOM_S)
    assert clip.bars[-1].bar == 8


async def test_somebody_who_comes_back_before_the_ending_finds_the_music_going_on() -> None:
    clip = Clip()
    clip.performer.feel(*HAPPY)
    await clip.go(1)
    clip.performer.rest()
    await clip.go(1.8)
    clip.performer.feel(*HAPPY)
    await clip.go(5)
    assert clip.starts(ENDING) == []
    assert [playing.bar for playing in clip.bars] == [0, 1, 2]


async def test_somebody_who_comes_back_during_the_ending_hears_a_new_beginning_after_it() -> None:
    clip = Clip()
    clip.performer.feel(*HAPPY)
    await clip.go(1)
    clip.performer.rest()
    await clip.go(3)
    clip.performer.feel(*HAPPY)
    await clip.go(5)
    assert clip.starts(Q1, after_s=2)[0] == pytest.approx(4 + HEADROOM_S)
    assert None not in [playing for _, playing in clip.playing]


async def test_mute_is_silence_at_once_and_unmute_goes_on() -> None:
    clip = Clip()
    clip.performer.feel(*HAPPY)
    await clip.go(4.2)
    clip.performer.mute()
    assert clip.performer.muted
    clip.performer.feel(*SAD)
    await clip.go(8)
    assert clip.sounding == set()
    assert clip.starts(after_s=4.2) == []
    assert clip.playing[-1][1] is None
    clip.performer.unmute()
    await clip.go(10)
    assert clip.starts(Q3)[0] == pytest.approx(8 + HEADROOM_S)


async def test_panic_silences_and_begins_anew() -> None:
    clip = Clip()
    clip.performer.feel(*HAPPY)
    await clip.go(4.2)
    clip.performer.panic()
    await clip.go(6)
    silenced = [t for t, message in clip.sent if message.is_cc(123)]
    assert silenced == pytest.approx([4.2], abs=0.11)
    assert clip.starts(after_s=4.2)[0] == pytest.approx(4.2 + HEADROOM_S)
    assert [playing.bar for playing in clip.bars][-2:] == [2, 8]


async def test_a_clip_at_full_speed_is_recorded_the_same_every_time(tmp_path: Path) -> None:
    takes = []
    for name in ("one.mid", "two.mid"):
        clock = MediaClock()
        config = Midi(record=tmp_path / name)
        async with open_midi(config, clock) as out:
            assert out.port is None
            performer = Performer(rule_composer(1), out.scheduler, config, out.clock)
            for tick in range(120):
                clock.advance(tick * 0.5)
                performer.feel(*(HAPPY if tick < 60 else SAD))
                await performer.catch_up()
        takes.append((tmp_path / name).read_bytes())
        messages = heard(tmp_path / name)
        assert messages[-1][0] == pytest.approx(59.5, abs=0.1)
        kinds = [message.type for _, message in messages]
        assert kinds.count("note_on") == kinds.count("note_off") > 200
    assert takes[0] == takes[1]


class GatedComposer(PlainComposer):
    """Has to be let through for each bar but the first."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = threading.Semaphore(1)

    def bar(self, valence: float, arousal: float, index: int, quadrant: Quadrant | None = None) -> Bar:
        self.gate.acquire(timeout=30)
        return super().bar(valence, arousal, index, quadrant)


class SlowClip(Clip):
    """A clip whose time goes on while something is composed."""

    composer: GatedComposer

    def __init__(self) -> None:
        super().__init__(GatedComposer())

    async def composed(self) -> None:
        """Wait until what was ordered is there, and have it placed."""
        await self.performer._desk.finished()
        self.performer._step(self.clock.now())

    async def go(self, until_s: float, step_s: float = 0.05) -> None:
        while self.clock.now() < until_s:
            self.clock.advance(min(self.clock.now() + step_s, until_s))
            self.scheduler.run_until(self.clock.now())
            self.performer._step(self.clock.now())


async def slow_music() -> SlowClip:
    """Return music in its first bar while the second is composed."""
    clip = SlowClip()
    clip.performer.feel(*HAPPY)
    clip.performer._step(0)
    await clip.composed()
    await clip.go(0.1)
    return clip


async def test_if_composing_falls_behind_the_last_bar_varies_rather_than_stops() -> None:
    clip = await slow_music()
    await clip.go(HEADROOM_S + 3 * BAR_S + 0.1)
    starts = clip.starts()
    assert max(later - earlier for earlier, later in pairwise(starts)) <= 0.5 + 1e-9
    played = [
        [round(t - begun_s, 3) for t in starts if begun_s <= t < begun_s + BAR_S - 1e-9]
        for begun_s in (HEADROOM_S + bar * BAR_S for bar in range(3))
    ]
    assert played[0] != played[1] != played[2]
    assert [playing.bar for playing in clip.bars] == [0, 0, 0, 0]
    assert (clip.performer.counts.late, clip.performer.timeline.gaps) == (3, 0)
    clip.composer.gate.release()
    await clip.composed()
    await clip.go(HEADROOM_S + 4 * BAR_S + 0.1)
    assert [playing.bar for playing in clip.bars][-1] == 1
    clip.composer.gate.release(1000)


async def test_a_bar_that_comes_after_its_variation_was_placed_is_played_all_the_same() -> None:
    clip = await slow_music()
    await clip.go(HEADROOM_S + BAR_S - 0.1)
    clip.composer.gate.release()
    await clip.composed()
    await clip.go(HEADROOM_S + BAR_S + 0.1)
    assert [playing.bar for playing in clip.bars] == [0, 1]
    assert clip.performer.counts.late == 0
    clip.composer.gate.release(1000)


async def test_when_even_the_variation_comes_late_the_music_goes_on() -> None:
    clip = await slow_music()
    stalled_s = HEADROOM_S + BAR_S + 0.3
    clip.clock.advance(stalled_s)
    clip.scheduler.run_until(stalled_s)
    clip.performer._step(stalled_s)
    await clip.go(5)
    assert clip.starts(after_s=stalled_s)[0] == pytest.approx(stalled_s + HEADROOM_S)
    assert clip.performer.timeline.gaps == 1
    clip.composer.gate.release(1000)


class Stage:
    """A performer in real time; it tells when bars begin."""

    def __init__(self, composer: PlainComposer) -> None:
        self.sink = Sink()
        self.bars: list[Playing | None] = []
        self.scheduler = Scheduler(self.sink)
        self.performer = Performer(composer, self.scheduler, Midi(), RealClock(), on_bar=self._begins)
        self._new = asyncio.Event()

    def _begins(self, playing: Playing | None) -> None:
        self.bars.append(playing)
        self._new.set()

    async def until(self, count: int) -> None:
        """Wait until so many bars have begun."""
        while len(self.bars) < count:
            self._new.clear()
            await asyncio.wait_for(self._new.wait(), 10)


async def test_a_change_that_comes_while_a_bar_is_composed_overtakes_that_bar() -> None:
    clip = await slow_music()
    clip.performer.feel(*SAD)
    clip.composer.gate.release(1000)
    await clip.composed()
    await clip.composed()
    await clip.go(HEADROOM_S + BAR_S + 0.1)
    assert [playing.quadrant for playing in clip.bars] == [Quadrant.Q1, Quadrant.Q3]
    assert clip.composer.asked[:3] == [(0, Quadrant.Q1), (1, Quadrant.Q1), (1, Quadrant.Q3)]


async def test_what_was_being_composed_when_a_panic_came_is_not_played() -> None:
    clip = await slow_music()
    clip.performer.panic()
    assert clip.playing[-1][1] is None
    clip.composer.gate.release(1000)
    await clip.composed()
    await clip.composed()
    await clip.go(1)
    assert [playing.bar for playing in clip.bars] == [0, 8]


class BrokenComposer(PlainComposer):
    def bar(self, valence: float, arousal: float, index: int, quadrant: Quadrant | None = None) -> Bar:
        if index == 1:
            raise ValueError("no ideas")
        return super().bar(valence, arousal, index, quadrant)


async def test_a_composer_that_fails_is_told_and_leaves_silence() -> None:
    stage = Stage(BrokenComposer())
    with stage.scheduler:
        stage.performer.feel(*HAPPY)
        with pytest.raises(ValueError, match="no ideas"):
            await stage.performer.run()
    assert stage.sink.sounding == set()


async def test_running_in_real_time_begins_stops_and_can_be_cancelled_anywhere() -> None:
    sink = Sink()
    begun = asyncio.Event()
    with Scheduler(sink) as scheduler:
        for _ in range(3):
            begun.clear()
            performer = Performer(rule_composer(2), scheduler, Midi(), RealClock(), on_bar=lambda _: begun.set())
            playing = asyncio.create_task(performer.run())
            await asyncio.sleep(0)
            performer.feel(0.8, 1.0)
            await asyncio.wait_for(begun.wait(), 10)
            playing.cancel()
            with pytest.raises(asyncio.CancelledError):
                await playing
    assert "note_on" in dict(sink.notes)
    assert sink.sounding == set()
