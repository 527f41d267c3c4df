from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from mido import Message

from robotd.config import Midi
from robotd.configfile import load
from robotd.express.midi import beat_clock
from robotd.express.midi.own_time import HEADROOM_S, OwnTime
from robotd.music.compose.opening import rule_composer
from tests.express.midi.players import CALM, HAPPY, SAD, Clip

OUT = Midi(clock="out")
TRANSPORT = ("start", "stop", "continue", "songpos")


def told(clip: Clip) -> list[tuple[str, float]]:
    return [(message.type, round(t, 3)) for t, message in clip.of(*TRANSPORT)]


async def test_no_clock_is_sent_unless_it_is_wanted() -> None:
    clip = Clip()
    clip.performer.feel(*HAPPY)
    await clip.go(3)
    assert clip.of("clock", *TRANSPORT) == []


async def test_24_clocks_a_quarter_note_from_the_first_beat_on() -> None:
    clip = Clip(config=OUT)
    clip.performer.feel(*HAPPY)
    await clip.go(9)
    clocks = [t for t, _ in clip.of("clock")]
    assert clocks[::24][: len(clip.starts())] == pytest.approx(clip.starts())
    assert [later - earlier for earlier, later in pairwise(clocks)] == pytest.approx([0.5 / 24] * (len(clocks) - 1))
    assert told(clip) == [("start", round(HEADROOM_S - beat_clock.START_LEAD_S, 3))]


async def test_the_clock_follows_the_tempo_as_it_glides() -> None:
    clip = Clip(rule_composer(3), OUT)
    clip.performer.feel(*HAPPY)
    await clip.go(5)
    clip.performer.feel(*SAD)
    await clip.go(30)
    clocks = [t for t, _ in clip.of("clock")]
    gaps = [later - earlier for earlier, later in pairwise(clocks)]
    assert gaps[0] == pytest.approx(60 / clip.bars[0].tempo_bpm / 24, rel=0.01)
    assert gaps[-1] == pytest.approx(60 / clip.bars[-1].tempo_bpm / 24, rel=0.01)
    assert gaps[-1] > 1.5 * gaps[0]
    # Smoothly, also where a bar was composed once more.
    assert all(later == pytest.approx(earlier, rel=0.02) for earlier, later in pairwise(gaps))


async def test_an_ending_stops_the_others_and_music_that_begins_anew_tells_where() -> None:
    clip = Clip(config=OUT)
    clip.performer.feel(*HAPPY)
    await clip.go(1)
    clip.performer.rest()
    await clip.go(6)
    clip.performer.feel(*CALM)
    await clip.go(7)
    assert [kind for kind, _ in told(clip)] == ["start", "stop", "songpos", "continue"]
    assert told(clip)[1][1] == pytest.approx(HEADROOM_S + 4, abs=0.011)
    (_, position), (t, _) = clip.of("songpos")[0], clip.of("continue")[0]
    assert position.pos == 8 * 16
    assert t == pytest.approx(6 + HEADROOM_S - beat_clock.START_LEAD_S)


async def test_music_that_begins_right_after_an_ending_is_begun_after_that_has_stopped() -> None:
    clip = Clip(config=OUT)
    clip.performer.feel(*HAPPY)
    await clip.go(1)
    clip.performer.rest()
    await clip.go(3)
    clip.performer.feel(*CALM)
    await clip.go(5)
    assert [kind for kind, _ in told(clip)] == ["start", "stop", "songpos", "continue"]


async def test_mute_stops_the_others() -> None:
    clip = Clip(config=OUT)
    clip.performer.feel(*HAPPY)
    await clip.go(1.1)
    clip.performer.mute()
    await clip.go(3)
    kind, stopped_s = told(clip)[-1]
    assert kind == "stop"
    assert stopped_s == pytest.approx(1.1, abs=0.11)
    assert [t for t, _ in clip.of("clock") if t > 1.1] == []


async def test_a_bar_that_was_replaced_sends_its_clocks_once() -> None:
    clip = Clip(config=OUT)
    clip.performer.feel(*HAPPY)
    for mood in (SAD, CALM, SAD, HAPPY, CALM):
        await clip.go(clip.clock.now() + 0.3)
        clip.performer.feel(*mood)
    await clip.go(4)
    clocks = [t for t, _ in clip.of("clock")]
    assert [later - earlier for earlier, later in pairwise(clocks)] == pytest.approx([0.5 / 24] * (len(clocks) - 1))


async def test_an_instrument_that_was_connected_later_is_told_where_the_music_is() -> None:
    clip = Clip(config=OUT)
    clip.performer.feel(*HAPPY)
    await clip.go(1)
    assert isinstance(clip.performer.timeline, OwnTime)
    clip.performer.timeline.tell_again()
    await clip.go(5)
    ((t, position),) = clip.of("songpos")
    assert position == Message("songpos", pos=2 * 16)
    assert t == pytest.approx(HEADROOM_S + 4 - beat_clock.START_LEAD_S)


def test_positions_beyond_what_can_be_told_begin_again() -> None:
    assert beat_clock.beginning(4.0 * 1025)[0] == Message("songpos", pos=16)


@pytest.mark.parametrize(("written", "meant"), [("off", "off"), ("in", "in"), ("'out'", "out")])
def test_the_configuration_may_say_off_without_quotes(tmp_path: Path, written: str, meant: str) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(f"midi: {{clock: {written}}}")
    assert load(path).midi.clock == meant
