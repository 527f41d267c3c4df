from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mido import Message, MetaMessage, MidiFile, MidiTrack

from robotd.errors import MediaError
from robotd.perceive.features.score import NAMES, WINDOW_S, Notes, read_notes, score_features, windows


def piece(*rows: tuple[float, float, int, int]) -> Notes:
    """Notes of (onset s, length s, pitch, velocity)."""
    onset_s, length_s, pitch, velocity = np.array(sorted(rows)).T
    return Notes(onset_s, length_s, pitch.astype(int), velocity.astype(int))


def features(notes: Notes) -> dict[str, float]:
    return dict(zip(NAMES, score_features(notes).tolist(), strict=True))


def save(path: Path, *tracks: list[Message | MetaMessage]) -> Path:
    midi = MidiFile(ticks_per_beat=480)
    midi.tracks.extend(MidiTrack(track) for track in tracks)
    midi.save(path)
    return path


pieces = st.lists(
    st.tuples(st.floats(0, 40), st.floats(0.1, 3), st.integers(30, 90), st.integers(1, 127)), min_size=1, max_size=60
).map(lambda rows: piece(*rows))


def test_a_c_major_scale_in_quarter_notes() -> None:
    scale = [60, 62, 64, 65, 67, 69, 71, 72]
    found = features(piece(*((0.5 * i, 0.5, pitch, 80) for i, pitch in enumerate(scale))))
    assert found["note_density_mean"] == pytest.approx(2.0)
    assert found["note_density_sd"] == 0.0
    assert (found["note_length_mean"], found["note_length_sd"]) == (0.5, 0.0)
    assert (found["velocity_mean"], found["velocity_sd"]) == (80.0, 0.0)
    assert found["pitch_mean"] == 66.25
    assert found["scale"] == 1.0
    assert found["polyphony"] == pytest.approx(1.0)
    # Six classes once and C twice, of eight notes.
    assert found["pitch_entropy"] == pytest.approx(6 / 8 * 3 + 2 / 8 * 2)
    assert found["groove_consistency"] == 1.0


def test_the_third_tells_major_from_minor() -> None:
    major = piece(*((i, 1.0, pitch, 64) for i, pitch in enumerate([60, 64, 67, 72])))
    minor = piece(*((i, 1.0, pitch, 64) for i, pitch in enumerate([60, 63, 67, 72])))
    assert features(major)["major"] > 0 > features(minor)["major"]


def test_polyphony_counts_only_the_time_that_sounds() -> None:
    chords = piece(*((time, 1.0, pitch, 64) for time in (0.0, 5.0) for pitch in (60, 64, 67)))
    assert features(chords)["polyphony"] == pytest.approx(3.0)


def test_range_leaves_out_the_outermost_tenths() -> None:
    notes = piece(*((i, 1.0, 60 + i, 64) for i in range(11)))
    assert features(notes)["pitch_range_80"] == pytest.approx(8.0)


def test_groove_compares_bars_of_two_seconds() -> None:
    # One step in the first bar and two in the second: they differ in one of 16.
    notes = piece((0.0, 0.1, 60, 64), (2.0, 0.1, 60, 64), (3.0, 1.0, 60, 64))
    assert features(notes)["groove_consistency"] == pytest.approx(15 / 16)


@given(notes=pieces, up=st.integers(-20, 20))
def test_transposition_moves_nothing_but_the_mean_pitch(notes: Notes, up: int) -> None:
    before = features(notes)
    after = features(Notes(notes.onset_s, notes.length_s, notes.pitch + up, notes.velocity))
    assert after.pop("pitch_mean") == pytest.approx(before.pop("pitch_mean") + up, abs=1e-3)
    assert after == pytest.approx(before, abs=1e-4)


@given(notes=pieces, factor=st.floats(0.5, 2))
def test_stretching_divides_density_and_multiplies_length(notes: Notes, factor: float) -> None:
    before = features(notes)
    after = features(Notes(notes.onset_s * factor, notes.length_s * factor, notes.pitch, notes.velocity))
    assert after["note_density_mean"] == pytest.approx(before["note_density_mean"] / factor, rel=1e-4)
    assert after["note_length_mean"] == pytest.approx(before["note_length_mean"] * factor, rel=1e-4)
    for unchanged in ("velocity_mean", "pitch_sd", "scale", "major", "pitch_entropy"):
        assert after[unchanged] == pytest.approx(before[unchanged], abs=1e-4)
    assert after["polyphony"] == pytest.approx(before["polyphony"], rel=1e-2)


@given(notes=pieces)
def test_every_piece_has_finite_features_in_their_ranges(notes: Notes) -> None:
    found = features(notes)
    assert all(math.isfinite(value) for value in found.values())
    assert found["polyphony"] >= 0.99
    assert 0 <= found["pitch_entropy"] <= math.log2(12) + 1e-5
    assert 0 <= found["groove_consistency"] <= 1
    assert 7 / 12 - 1e-5 <= found["scale"] <= 1
    assert -2 <= found["major"] <= 2


def test_long_pieces_are_cut_and_no_note_is_lost() -> None:
    notes = piece(*((float(i), 1.0, 60, 64) for i in range(300)))
    cut = windows(notes)
    assert [len(window) for window in cut] == [100, 100, 100]
    assert all(window.duration_s <= WINDOW_S for window in cut)
    assert len(windows(notes.only(notes.onset_s < 119))) == 1


def test_a_file_is_read_by_its_tempo_without_its_drums(tmp_path: Path) -> None:
    tempo = [MetaMessage("set_tempo", tempo=1_000_000)]
    notes = [
        Message("note_on", note=60, velocity=70),
        Message("note_on", note=36, velocity=99, channel=9),
        Message("note_on", note=60, velocity=0, time=480),
        Message("note_on", note=64, velocity=50, time=240),
        Message("note_on", note=64, velocity=55, time=240),
        Message("note_off", note=64, time=960),
        Message("note_on", note=67, velocity=60),
    ]
    read = read_notes(save(tmp_path / "notes.mid", [*tempo], [*notes, MetaMessage("end_of_track", time=480)]))
    assert read.pitch.tolist() == [60, 64, 64, 67]
    assert read.onset_s.tolist() == pytest.approx([0.0, 1.5, 2.0, 4.0])
    assert read.length_s.tolist() == pytest.approx([1.0, 0.5, 2.0, 1.0])
    assert read.velocity.tolist() == [70, 50, 55, 60]
    assert read.duration_s == pytest.approx(5.0)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "there is no such file"),
        (b"", "can't be read as MIDI"),
        (b"no MIDI at all", "can't be read as MIDI"),
        (b"MThd\x00\x00\x00\x06\x00\x01\x00\x01\x01\xe0MTrk\x00\x00\x00\x40\x00\x90", "can't be read as MIDI"),
    ],
)
def test_what_is_no_midi_is_told(tmp_path: Path, content: bytes | None, said: str) -> None:
    path = tmp_path / "bad.mid"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(MediaError, match=rf"bad\.mid: {said}"):
        read_notes(path)


def test_midi_without_notes_is_told(tmp_path: Path) -> None:
    drums = [Message("note_on", note=36, velocity=90, channel=9), Message("note_off", note=36, channel=9, time=100)]
    with pytest.raises(MediaError, match=r"drums\.mid: has no notes"):
        read_notes(save(tmp_path / "drums.mid", [*drums]))
