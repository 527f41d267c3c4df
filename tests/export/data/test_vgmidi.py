from __future__ import annotations

import tarfile
from pathlib import Path

import pytest
from mido import Message, MidiFile, MidiTrack

from export.data.vgmidi import read_vgmidi

LABELS = """\
id,file,game,quadrant
1,Game A_Song. 1_0.mid,Game A,Q1
2,Game B_Song_0.mid,Game B,Q3
"""


def published(tmp_path: Path, *phrases: str) -> Path:
    """Write phrases in the published layout, with one note each."""
    folder = tmp_path / "music" / "midi" / "vgmidi"
    folder.mkdir(parents=True)
    (folder / "labels.csv").write_text(LABELS)
    midi = MidiFile()
    midi.tracks.append(MidiTrack([Message("note_on", note=62, velocity=90), Message("note_off", note=62, time=480)]))
    midi.save(tmp_path / "phrase.mid")
    with tarfile.open(folder / "phrases.tar", "w") as tar:
        for phrase in phrases:
            tar.add(tmp_path / "phrase.mid", phrase)
    return tmp_path


def test_reads_phrases_with_game_and_quadrant(tmp_path: Path) -> None:
    clips = read_vgmidi(published(tmp_path, "Game B_Song_0.mid", "Game A_Song. 1_0.mid"))
    assert [(clip.song, clip.quadrant) for clip in clips] == [("Game A", 0), ("Game B", 2)]
    assert [clip.notes.pitch.tolist() for clip in clips] == [[62], [62]]


def test_a_missing_phrase_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"phrases\.tar has no Game A_Song\. 1_0\.mid"):
        read_vgmidi(published(tmp_path, "Game B_Song_0.mid"))
