from __future__ import annotations

from typing import TYPE_CHECKING

import mido
import pytest
from mido import Message

from robotd.errors import MediaError
from robotd.express.midi.recorder import Recorder
from robotd.music.smf import set_tempo

if TYPE_CHECKING:
    from pathlib import Path


def heard(path: Path) -> list[tuple[float, Message]]:
    """Return (time in s, message) of a MIDI file as a player would play it."""
    time_s, messages = 0.0, []
    for message in mido.MidiFile(path):
        time_s += message.time
        if not message.is_meta:
            messages.append((time_s, message.copy(time=0)))
    return messages


def test_what_was_played_is_heard_again_at_its_time(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "take.mid", start_s=100)
    played = [
        (100.5, Message("program_change", program=48, channel=3)),
        (100.5, Message("note_on", note=60, velocity=77, channel=3)),
        (101.25, Message("note_off", note=60, velocity=0, channel=3)),
        (103.0, Message("note_on", note=61, velocity=1, channel=3)),
        (103.1, Message("note_off", note=61, velocity=0, channel=3)),
    ]
    recorder.write(100.5, set_tempo(90))
    for time_s, message in played[:3]:
        recorder.write(time_s, message)
    recorder.write(102.0, set_tempo(140))
    for time_s, message in played[3:]:
        recorder.write(time_s, message)
    recorder.save()
    for (time_s, message), (wanted_s, wanted) in zip(heard(tmp_path / "take.mid"), played, strict=True):
        assert message == wanted
        assert time_s == pytest.approx(wanted_s - 100, abs=0.002)


def test_a_beat_is_a_beat_in_an_editor(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "take.mid")
    recorder.write(0, set_tempo(90))
    recorder.write(60 / 90 * 3, Message("note_on", note=60))
    recorder.save()
    file = mido.MidiFile(tmp_path / "take.mid")
    ticks = 0
    for message in file.tracks[0]:
        ticks += message.time
        if message.type == "note_on":
            break
    assert ticks == pytest.approx(3 * file.ticks_per_beat, abs=1)


def test_a_recording_of_nothing_is_a_valid_file(tmp_path: Path) -> None:
    Recorder(tmp_path / "empty.mid").save()
    assert heard(tmp_path / "empty.mid") == []


def test_a_file_that_can_t_be_written_is_told_and_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match=r"can't write .*nowhere/take\.mid: No such file"):
        Recorder(tmp_path / "nowhere" / "take.mid").save()
    (tmp_path / "folder.mid").mkdir()
    with pytest.raises(MediaError, match="can't write"):
        Recorder(tmp_path / "folder.mid").save()
    assert [path.name for path in tmp_path.iterdir()] == ["folder.mid"]
