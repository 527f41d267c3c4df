from __future__ import annotations

import asyncio
import time
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from mido import Message

from robotd.config import Band, Channels, Midi, Programs
from robotd.emotion import Quadrant
from robotd.express.midi import MediaClock, Performer, Playing, RealClock, Scheduler, open_midi
from robotd.music.bar import Bar, Note
from robotd.music.compose.pattern import PatternComposer
from tests.express.midi.test_recorder import heard
from tests.express.midi.test_scheduler import Sink

if TYPE_CHECKING:
    from pathlib import Path

HAPPY, SAD = (0.7, 0.6), (-0.6, -0.4)
CONFIG = Midi(
    channels=Channels(melody=5, harmony=5, bass=5),
    programs=Programs(Q1=Band(melody=11, harmony=11, bass=11), Q3=Band()),
)


class Clip:
    """A performer on a clock of the test's own."""

    def __init__(self) -> None:
        self.clock = MediaClock()
        self.sent: list[tuple[float, Message]] = []
        self.playing: list[tuple[float, Playing | None]] = []
        self.scheduler = Scheduler(lambda _: None, record=self._record, channels=[4], now=self.clock.now)
        self.performer = Performer(PatternComposer(3), self.scheduler, CONFIG, self.clock, on_bar=self._begins)

    def _record(self, time_s: float, message: Message) -> None:
        if not message.is_meta:
            self.sent.append((time_s, message))

    def _begins(self, playing: Playing | None) -> None:
        self.playing.append((self.clock.now(), playing))

    async def go(self, until_s: float, step_s: float = 0.1) -> None:
        while self.clock.now() < until_s:
            self.clock.advance(min(self.clock.now() + step_s, until_s))
            await self.performer.catch_up()

    def starts(self, after_s: float = 0.0, before_s: float = 1e9) -> list[float]:
        return [t for t, m in self.sent if m.type == "note_on" and after_s <= t < before_s]

    def bars(self) -> list[int]:
        return [playing.bar for _, playing in self.playing if playing is not None]

    @property
    def sounding(self) -> set[int]:
        sounding: set[int] = set()
        for _, message in self.sent:
            if message.type == "note_on":
                sounding.add(message.note)
            elif message.type == "note_off":
                sounding.discard(message.note)
        return sounding


async def test_nothing_is_played_before_there_is_a_feeling() -> None:
    clip = Clip()
    await clip.go(5)
    assert clip.sent == []
    assert clip.playing == []


async def test_music_begins_with_the_feeling_on_the_channel_and_program_of_the_config() -> None:
    clip = Clip()
    await clip.go(2)
    clip.performer.feel(*HAPPY)
    await clip.go(6)
    assert clip.starts()[0] == pytest.approx(2.0, abs=0.11)
    assert all(message.channel == 4 for _, message in clip.sent)
    assert clip.sent[0][1] == Message("program_change", program=11, channel=4)
    first = clip.playing[0][1]
    assert first is not None
    assert (first.quadrant, first.bar, first.judged) == (Quadrant.Q1, 0, False)


async def test_a_changed_feeling_is_heard_from_the_next_bar_that_is_asked_for() -> None:
    clip = Clip()
    clip.performer.feel(*HAPPY)
    await clip.go(4)
    clip.performer.feel(*SAD)
    await clip.go(12)
    first_sad = next(t for t, playing in clip.playing if playing is not None and playing.quadrant is Quadrant.Q3)
    assert 4 <= first_sad < 4 + 2 * 2.0 + 0.4
    programs = [(t, m.program) for t, m in clip.sent if m.type == "program_change"]
    assert next(t for t, program in programs if program == 0) == pytest.approx(first_sad, abs=0.11)
    tempos = [playing.tempo_bpm for _, playing in clip.playing if playing is not None]
    assert all(later >= earlier / 1.26 for earlier, later in pairwise(tempos))


async def test_bars_follow_each_other_without_a_gap() -> None:
    clip = Clip()
    clip.performer.feel(*HAPPY)
    await clip.go(20, step_s=0.5)
    starts = clip.starts()
    assert max(later - earlier for earlier, later in pairwise(starts)) < 0.6


async def test_with_nobody_to_answer_the_music_ends_softly_and_begins_again() -> None:
    clip = Clip()
    clip.performer.feel(*HAPPY)
    await clip.go(4)
    clip.performer.rest()
    await clip.go(15)
    assert clip.playing[-1][1] is None
    ended_s = clip.playing[-1][0]
    assert clip.starts(ended_s) == []
    assert clip.sounding == set()
    clip.performer.feel(*HAPPY)
    await clip.go(18)
    assert clip.starts(15)
    assert clip.bars()[-1] >= 8


async def test_mute_is_silence_at_once_and_unmute_goes_on() -> None:
    clip = Clip()
    clip.performer.feel(*HAPPY)
    await clip.go(4)
    clip.performer.mute()
    clip.performer.feel(*SAD)
    await clip.go(8)
    assert clip.sounding == set()
    assert clip.starts(4.01, 8) == []
    assert clip.playing[-1][1] is None
    clip.performer.unmute()
    await clip.go(10)
    assert clip.starts(8)[0] == pytest.approx(8.0, abs=0.11)


async def test_panic_silences_and_begins_anew() -> None:
    clip = Clip()
    clip.performer.feel(*HAPPY)
    await clip.go(4)
    clip.performer.panic()
    await clip.go(4.1, step_s=0.01)
    assert clip.starts(4.0)
    await clip.go(6)


async def test_a_clip_at_full_speed_is_recorded_the_same_every_time(tmp_path: Path) -> None:
    takes = []
    for name in ("one.mid", "two.mid"):
        clock = MediaClock()
        config = CONFIG.model_copy(update={"record": tmp_path / name})
        async with open_midi(config, clock) as out:
            assert out.port is None
            performer = Performer(PatternComposer(1), out.scheduler, config, out.clock)
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


class SlowComposer:
    """Takes its time."""

    def bar(self, valence: float, arousal: float, index: int, quadrant: Quadrant | None = None) -> Bar:
        del valence, arousal
        time.sleep(0.15)
        return Bar(index, (Note(0, 0.5, 60 + index, 64),), 240, 0, "major", quadrant or Quadrant.Q1, beats=0.25)

    ending = bar


async def test_a_composer_that_is_too_slow_delays_the_music_but_nothing_else() -> None:
    sink = Sink()
    bars: list[Playing | None] = []
    third = asyncio.Event()

    def begins(playing: Playing | None) -> None:
        bars.append(playing)
        if len(bars) == 3:
            third.set()

    with Scheduler(sink) as scheduler:
        performer = Performer(SlowComposer(), scheduler, CONFIG, RealClock(), on_bar=begins)
        performer.feel(*HAPPY)
        playing = asyncio.create_task(performer.run())
        await asyncio.wait_for(third.wait(), 10)
        playing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await playing
    assert [note for kind, note in sink.notes if kind == "note_on"][:3] == [60, 61, 62]
    assert sink.sounding == set()


async def test_running_in_real_time_begins_stops_and_can_be_cancelled_anywhere() -> None:
    sink = Sink()
    begun = asyncio.Event()
    with Scheduler(sink) as scheduler:
        for _ in range(3):
            begun.clear()
            performer = Performer(PatternComposer(2), scheduler, CONFIG, RealClock(), on_bar=lambda _: begun.set())
            playing = asyncio.create_task(performer.run())
            await asyncio.sleep(0)
            performer.feel(0.8, 1.0)
            await asyncio.wait_for(begun.wait(), 10)
            playing.cancel()
            with pytest.raises(asyncio.CancelledError):
                await playing
    assert "note_on" in dict(sink.notes)
    assert sink.sounding == set()
