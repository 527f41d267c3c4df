from __future__ import annotations

from pathlib import Path

import mido
import numpy as np
import pytest
import soundfile

from robotd.errors import CommandError, DeviceError
from robotd.film.sound import render


@pytest.fixture
def midi(tmp_path: Path) -> Path:
    """A chord of four seconds."""
    track = mido.MidiTrack([mido.Message("note_on", note=note, velocity=100) for note in (48, 55, 60, 64, 67)])
    track += [mido.Message("note_off", note=note, time=480 * 8 * (note == 48)) for note in (48, 55, 60, 64, 67)]
    path = tmp_path / "chord.mid"
    mido.MidiFile(tracks=[track], ticks_per_beat=480).save(path)
    return path


def rendered(midi: Path, length_s: float, gain: float = 0.6) -> tuple[np.ndarray, float]:
    path = midi.with_suffix(".wav")
    level_db = render(midi, path, length_s, soundfont=None, gain=gain, progress=lambda _: None)
    samples, rate_hz = soundfile.read(path, always_2d=True)
    assert rate_hz == 48_000
    return samples, level_db


@pytest.mark.parametrize("length_s", [0.05, 1.0, 4.0001, 9.9999])
def test_sound_has_the_wanted_length_to_the_sample(midi: Path, length_s: float) -> None:
    samples, _ = rendered(midi, length_s)
    assert samples.shape == (round(length_s * 48_000), 2)
    assert np.abs(samples).max() > 0.01


def test_the_end_fades(midi: Path) -> None:
    samples, _ = rendered(midi, 3.0)
    levels = [float(np.abs(samples[-n - 2400 : -n]).max()) for n in (24_000, 12_000, 1)]
    assert levels[0] > levels[1] > levels[2]
    assert abs(samples[-1]).max() < 0.001


def test_nothing_is_clipped_however_loud_it_is_to_be(midi: Path) -> None:
    samples, loud_db = rendered(midi, 4.0, gain=5)
    assert 0.9 < np.abs(samples).max() < 1.0
    assert loud_db == pytest.approx(10 * np.log10(np.square(samples).mean()), abs=0.1)
    _, soft_db = rendered(midi, 4.0, gain=0.1)
    assert soft_db < loud_db - 6


def test_the_same_notes_sound_the_same(midi: Path) -> None:
    assert np.array_equal(rendered(midi, 2.0)[0], rendered(midi, 2.0)[0])


def test_progress_is_told_in_seconds(midi: Path) -> None:
    times: list[float] = []
    render(midi, midi.with_suffix(".wav"), 4.0, soundfont=None, gain=0.5, progress=times.append)
    assert times == sorted(times)
    assert times[-1] == pytest.approx(4.0, abs=0.5)


def test_without_fluidsynth_it_says_what_to_install(midi: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(DeviceError, match="apt install fluidsynth"):
        rendered(midi, 1.0)


def test_a_soundfont_must_be_there(midi: Path, tmp_path: Path) -> None:
    with pytest.raises(DeviceError, match=r"away\.sf2"):
        render(midi, tmp_path / "out.wav", 1.0, soundfont=tmp_path / "away.sf2", gain=0.5, progress=lambda _: None)


def test_what_is_no_soundfont_is_told_and_leaves_nothing(midi: Path, tmp_path: Path) -> None:
    bad, out = tmp_path / "bad.sf2", tmp_path / "out.wav"
    bad.write_bytes(b"no soundfont" * 100)
    with pytest.raises(CommandError, match=r"fluidsynth failed with .*bad\.sf2"):
        render(midi, out, 1.0, soundfont=bad, gain=0.5, progress=lambda _: None)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bad.sf2", "chord.mid"]
