from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import mido
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from robotd.config import Config
from robotd.emotion import Emotion, valence_arousal
from robotd.film.compose import Passage, compose
from robotd.film.midifile import write_score
from robotd.film.segments import Segment
from robotd.music.compose.opening import rule_composer
from tests.film.films import probabilities

MIDI = Config().midi


def parts(*lengths: tuple[float, Emotion]) -> list[Segment]:
    """Return segments of these lengths and feelings."""
    found: list[Segment] = []
    for seconds, emotion in lengths:
        start_s = found[-1].end_s if found else 0.0
        shares = probabilities(emotion)
        found.append(Segment(start_s, start_s + seconds, emotion, shares, *valence_arousal(shares), known=1.0))
    return found


def composed(segments: list[Segment], seed: int = 0) -> list[Passage]:
    return compose(segments, segments[-1].end_s, rule_composer(seed), lambda _: None)


THREE = parts((20.3, Emotion.HAPPY), (13.1, Emotion.ANGRY), (31.237, Emotion.SAD))


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(st.floats(6, 40), st.sampled_from(list(Emotion))), min_size=1, max_size=5), st.integers(0, 99)
)
def test_music_is_as_long_as_the_film(lengths: list[tuple[float, Emotion]], seed: int) -> None:
    segments = parts(*lengths)
    passages = composed(segments, seed)
    assert [passage.segment for passage in passages] == segments
    bars = [placed for passage in passages for placed in passage.bars]
    assert bars[0].start_us == 0
    assert all(one.end_us == other.start_us for one, other in pairwise(bars))
    assert bars[-1].end_us == pytest.approx(segments[-1].end_s * 1e6, abs=3)
    assert [placed.bar.index for placed in bars] == list(range(len(bars)))


@pytest.mark.parametrize("length_s", [0.06, 0.7, 1.9, 3.2])
def test_a_moment_gets_music_of_a_moment(length_s: float) -> None:
    (passage,) = composed(parts((length_s, Emotion.CALM)))
    assert passage.end_s == pytest.approx(length_s, abs=1e-5)


def test_each_segment_is_composed_for_its_feeling() -> None:
    happy, angry, sad = composed(THREE)
    assert [passage.bars[0].bar.quadrant.value for passage in (happy, angry, sad)] == ["Q1", "Q2", "Q3"]
    assert happy.bars[0].bar.mode == "major"
    assert sad.bars[0].bar.mode == "minor"
    assert sad.tempo_bpm < angry.tempo_bpm


def test_the_same_seed_is_the_same_music() -> None:
    assert composed(THREE, 3) == composed(THREE, 3)
    assert composed(THREE, 3) != composed(THREE, 4)


def test_the_file_lasts_as_long_as_the_film(tmp_path: Path) -> None:
    path = tmp_path / "score.mid"
    write_score(path, composed(THREE), MIDI)
    file = mido.MidiFile(path)
    assert file.length == pytest.approx(20.3 + 13.1 + 31.237, abs=1e-5)
    # Every track ends there, at the same tick.
    assert len({sum(message.time for message in track) for track in file.tracks}) == 1
    assert all(track[-1].type == "end_of_track" for track in file.tracks)


def test_joints_are_marked_and_instruments_change_there(tmp_path: Path) -> None:
    path = tmp_path / "score.mid"
    passages = composed(THREE)
    write_score(path, passages, MIDI)
    now_s, markers, programs = 0.0, [], []
    for message in mido.MidiFile(path):
        now_s += message.time
        if message.type == "marker":
            markers.append((round(now_s, 3), message.text))
        if message.type == "program_change" and message.channel == MIDI.channels.melody - 1:
            programs.append((round(now_s, 3), message.program))
    starts = [round(passage.start_s, 3) for passage in passages]
    assert markers == list(zip(starts, ["Q1 happy", "Q2 angry", "Q3 sad"], strict=True))
    melody = [MIDI.programs.Q1.melody, MIDI.programs.Q2.melody, MIDI.programs.Q3.melody]
    assert programs == list(zip(starts, melody, strict=True))


def test_every_note_ends_and_none_is_struck_while_it_sounds(tmp_path: Path) -> None:
    path = tmp_path / "score.mid"
    write_score(path, composed(THREE), MIDI)
    sounding: set[tuple[int, int]] = set()
    struck = 0
    for message in mido.MidiFile(path):
        if message.type == "note_on":
            assert (message.channel, message.note) not in sounding
            sounding.add((message.channel, message.note))
            struck += 1
        elif message.type == "note_off":
            sounding.remove((message.channel, message.note))
    assert not sounding
    assert struck > 200


def test_a_piano_alone(tmp_path: Path) -> None:
    path = tmp_path / "score.mid"
    write_score(path, composed(THREE), MIDI, piano=True)
    assert {message.program for message in mido.MidiFile(path) if message.type == "program_change"} == {0}
