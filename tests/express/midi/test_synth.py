"""Real FluidSynth on a real JACK."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import stat
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile
from mido import Message

from robotd.config import Midi
from robotd.errors import DeviceError
from robotd.express.midi import open_midi
from robotd.express.midi.fluidsynth import Run, choose_audio, find_program, find_soundfont, order_for
from robotd.express.midi.port import open_port
from robotd.express.midi.synth import Synth, describe_synth
from tests.servers.jack import SOUNDFONT, JackServer, jack_server, until
from tests.servers.sound import PulseAudio

if TYPE_CHECKING:
    from collections.abc import Iterator

SYNTH = Midi(synth="fluidsynth")


@pytest.fixture
def jack() -> Iterator[JackServer]:
    with jack_server() as server:
        yield server


@pytest.fixture
def no_audio(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("JACK_DEFAULT_SERVER", "robotd-nobody")
    monkeypatch.setenv("PULSE_SERVER", f"unix:{tmp_path}/nobody")
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))


def on(note: int) -> Message:
    return Message("note_on", note=note, velocity=100)


def pid_of(synth: Synth) -> int:
    assert synth._run is not None
    return synth._run._process.pid


def lost(synth: Synth) -> None:
    until(lambda: synth.name is None)


def back(synth: Synth) -> None:
    until(lambda: synth.name is not None)


def loudness(path: Path) -> float:
    sound, _ = soundfile.read(path)
    return float(np.sqrt(np.mean(sound**2)))


def program(folder: Path, text: str) -> None:
    """Put a program called fluidsynth into a folder."""
    path = folder / "fluidsynth"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


@pytest.mark.parametrize(
    ("message", "order"),
    [
        (Message("note_on", channel=9, note=37, velocity=100), b"noteon 9 37 100\n"),
        (Message("note_on", note=37, velocity=0), b"noteoff 0 37\n"),
        (Message("note_off", channel=15, note=127), b"noteoff 15 127\n"),
        (Message("control_change", channel=2, control=64, value=127), b"cc 2 64 127\n"),
        (Message("program_change", channel=1, program=48), b"prog 1 48\n"),
        (Message("pitchwheel", pitch=-8192), b"pitch_bend 0 0\n"),
        (Message("pitchwheel", pitch=0), b"pitch_bend 0 8192\n"),
        (Message("clock"), None),
        (Message("aftertouch", value=3), None),
    ],
)
def test_midi_in_fluidsynths_words(message: Message, order: bytes | None) -> None:
    assert order_for(message) == order


def test_music_sounds_and_falls_silent(jack: JackServer, tmp_path: Path) -> None:
    during, after = tmp_path / "during.wav", tmp_path / "after.wav"
    with open_port(SYNTH) as synth:
        assert synth.name == "fluidsynth (jack)"
        assert {"robotd:left", "robotd:right"} <= set(jack.ports())
        recording = jack.record(during, 2, "robotd:left", "robotd:right")
        for _ in range(20):
            synth.send(on(60))
            synth.send(on(67))
            if recording.poll() is None:
                threading.Event().wait(0.1)
        recording.wait(20)
        for control in (123, 120):
            synth.send(Message("control_change", control=control))
        jack.record(tmp_path / "ringing.wav", 3, "robotd:left").wait(20)
        jack.record(after, 1, "robotd:left", "robotd:right").wait(20)
    assert loudness(during) > 0.01
    assert loudness(after) < 0.001
    until(lambda: "robotd:left" not in jack.ports())


@pytest.mark.usefixtures("jack")
async def test_a_configuration_is_enough() -> None:
    async with open_midi(SYNTH) as out:
        assert out.port is not None
        assert out.port.name == "fluidsynth (jack)"
        out.scheduler.play(0, on(60))
        await asyncio.to_thread(until, lambda: out.scheduler.notes_played == 1)


@pytest.mark.usefixtures("jack")
def test_a_synthesizer_that_is_killed_comes_back(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    returned = threading.Event()
    with Synth(SYNTH, watch_s=0.05, retry_s=0.05) as synth:
        synth.on_return = returned.set
        for _ in range(3):
            returned.clear()
            os.kill(pid_of(synth), signal.SIGKILL)
            lost(synth)
            synth.send(on(60))
            back(synth)
            assert returned.wait(10)
            synth.send(on(60))
    # However often: until it has been well for a while it is the same trouble.
    texts = [record.message for record in caplog.records]
    assert sum("the synthesizer is lost: it ended" in text for text in texts) == 1
    assert sum("sounds again, through fluidsynth (jack)" in text for text in texts) == 1


def test_it_plays_again_when_the_sound_server_is_back(jack: JackServer, caplog: pytest.LogCaptureFixture) -> None:
    with Synth(SYNTH, watch_s=0.05, retry_s=0.05) as synth:
        jack.kill()
        lost(synth)
        synth.send(on(60))
        jack.start()
        back(synth)
        assert "robotd:left" in jack.ports()
    assert sum("the synthesizer is lost" in record.message for record in caplog.records) == 1


@pytest.mark.usefixtures("jack")
def test_one_that_hangs_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("robotd.express.midi.fluidsynth.ANSWER_S", 0.2)
    with Synth(SYNTH, watch_s=0.05, retry_s=0.05) as synth:
        first = pid_of(synth)
        os.kill(first, signal.SIGSTOP)
        # It takes in nothing, and yet nobody waits.
        for _ in range(20_000):
            synth.send(on(60))
        lost(synth)
        back(synth)
        assert pid_of(synth) != first
        assert not Path(f"/proc/{first}").exists()


@pytest.mark.usefixtures("jack")
def test_it_does_not_outlive_us() -> None:
    code = (
        "import time; from robotd.config import Midi; from robotd.express.midi.synth import Synth\n"
        "with Synth(Midi(synth='fluidsynth')) as synth:\n"
        "    print(synth._run._process.pid, flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        synth = Path("/proc") / owner.stdout.readline().strip()
        assert (synth / "comm").read_text() == "fluidsynth\n"
        owner.kill()
    until(lambda: not synth.exists() or " Z " in (synth / "stat").read_text())


def test_sound_goes_to_pulseaudio_where_that_is_what_runs(
    tmp_path: Path, no_audio: None, caplog: pytest.LogCaptureFixture
) -> None:
    del no_audio
    with PulseAudio(tmp_path) as pulse, Synth(SYNTH, watch_s=0.05, retry_s=0.05) as synth:
        assert synth.name == "fluidsynth (pulseaudio)"
        synth.send(on(60))
        pulse.kill()
        lost(synth)
        pulse.start()
        back(synth)
    assert sum("is lost" in record.message for record in caplog.records) == 1


@pytest.mark.usefixtures("no_audio")
def test_without_a_way_for_sound_there_is_one_warning_and_no_music(caplog: pytest.LogCaptureFixture) -> None:
    with Synth(SYNTH, watch_s=0.01, retry_s=0.01) as synth:
        assert synth.name is None
        synth.send(on(60))
        threading.Event().wait(0.3)
    (warning,) = [record.message for record in caplog.records]
    assert "neither JACK nor PipeWire, PulseAudio or a sound card for this user" in warning
    with pytest.raises(DeviceError, match=r"there is no jack for this user \(midi.audio: jack\)"):
        describe_synth(Midi(audio="jack"))


def test_what_is_missing_is_told_with_its_remedy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(DeviceError, match=r"midi.soundfont: .*no\.sf2 can't be read"):
        find_soundfont(tmp_path / "no.sf2")
    with pytest.raises(DeviceError, match=r"this fluidsynth has no driver for pipewhistle; it has: .*jack"):
        choose_audio("pipewhistle", find_program())
    monkeypatch.setattr("robotd.express.midi.fluidsynth.SOUNDFONT_FOLDERS", (tmp_path,))
    with pytest.raises(DeviceError, match=r"no soundfont on this machine: apt install fluidsynth timgm6mb-soundfont"):
        find_soundfont()
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DeviceError, match=r"no fluidsynth on this machine: apt install fluidsynth timgm6mb-soundfont"):
        describe_synth(SYNTH)


def test_a_soundfont_that_is_called_the_default_goes_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("aaa.sf2", "default-GM.sf3", "readme.txt"):
        (tmp_path / name).touch()
    (tmp_path / "default-A.sf2").symlink_to(tmp_path / "gone.sf2")
    monkeypatch.setattr("robotd.express.midi.fluidsynth.SOUNDFONT_FOLDERS", (tmp_path / "no folder", tmp_path))
    assert find_soundfont() == tmp_path / "default-GM.sf3"
    assert find_soundfont(Path(SOUNDFONT)) == Path(SOUNDFONT)


@pytest.mark.usefixtures("jack")
def test_why_fluidsynth_gives_up_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = find_program()
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    asked = f'[ "$2" = help ] && exec {real} "$@"'
    program(tmp_path, f"{asked}\necho 'fluidsynth: error: the moon is full'; exit 1")
    with pytest.raises(DeviceError, match=r"^fluidsynth can't play through jack: the moon is full$"):
        Run(SYNTH)
    program(tmp_path, f"{asked}\nexit 1")
    with pytest.raises(DeviceError, match=r"^fluidsynth can't play through jack: it ended$"):
        Run(SYNTH)
    monkeypatch.setattr("robotd.express.midi.fluidsynth.READY_S", 0.5)
    program(tmp_path, f"{asked}\nexec sleep 60")
    with pytest.raises(DeviceError, match=r"^fluidsynth can't play through jack: not ready within 0.5 s$"):
        Run(SYNTH)


@pytest.mark.usefixtures("jack")
@pytest.mark.parametrize("kept", [0, 5, 100_000])
def test_a_damaged_soundfont_is_no_silent_trouble(tmp_path: Path, kept: int) -> None:
    damaged = tmp_path / "damaged.sf2"
    damaged.write_bytes(Path(SOUNDFONT).read_bytes()[:kept])
    with pytest.raises(DeviceError, match=r"it can't read the soundfont .*damaged\.sf2$"):
        Run(Midi(soundfont=damaged))


@pytest.mark.usefixtures("jack")
def test_what_it_would_play_with_is_told() -> None:
    told = describe_synth(SYNTH)
    assert told.startswith(find_program())
    assert told.endswith("through jack")
