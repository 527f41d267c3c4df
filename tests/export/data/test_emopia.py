from __future__ import annotations

import tarfile
from pathlib import Path

import pytest
from mido import Message, MidiFile, MidiTrack

from export.data.emopia import read_emopia
from tests.export.test_check import write_emopia

LABELS = """\
id,song,clip,quadrant,split
Q1_a_0,a,0,Q1,train
Q4_a_1,a,1,Q4,train
Q2_b_0,b,0,Q2,val
"""


def written(tmp_path: Path, *clips: str) -> Path:
    """Write a training split in our layout, with one note a clip."""
    folder = tmp_path / "music" / "midi" / "emopia"
    folder.mkdir(parents=True)
    (folder / "labels.csv").write_text(LABELS)
    midi = MidiFile()
    midi.tracks.append(MidiTrack([Message("note_on", note=60, velocity=90), Message("note_off", note=60, time=480)]))
    midi.save(tmp_path / "clip.mid")
    with tarfile.open(folder / "emopia_train.tar", "w") as tar:
        for clip in clips:
            tar.add(tmp_path / "clip.mid", f"{clip}.mid")
    return tmp_path


def test_reads_the_clips_of_a_split_with_song_and_quadrant(tmp_path: Path) -> None:
    clips = read_emopia(written(tmp_path, "Q4_a_1", "Q1_a_0"), "train")
    assert [(clip.song, clip.quadrant) for clip in clips] == [("a", 0), ("a", 3)]
    assert [clip.notes.pitch.tolist() for clip in clips] == [[60], [60]]


def test_a_missing_clip_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"emopia_train\.tar has no Q4_a_1\.mid"):
        read_emopia(written(tmp_path, "Q1_a_0"), "train")


def test_reads_the_clips_as_published(tmp_path: Path) -> None:
    write_emopia(tmp_path)
    train, val = (read_emopia(tmp_path, split) for split in ("train", "val"))
    assert [(clip.song, clip.quadrant) for clip in train] == [("abc-d_e1", 0), ("abc-d_e2", 1)]
    assert [(clip.song, clip.quadrant) for clip in val] == [("abc-d_e3", 2)]
    assert all(clip.notes.pitch.tolist() == [60, 64] for clip in train + val)
