from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile

from export.data.cremad import read_cremad
from export.data.ravdess import read_ravdess
from robotd.emotion import EMOTIONS
from tests.export.test_check import table

if TYPE_CHECKING:
    from pathlib import Path


def write_tone(file: Path, rate_hz: int, channels: int = 1) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    tone = 0.1 * np.sin(2 * np.pi * 440 * np.arange(rate_hz) / rate_hz)
    soundfile.write(file, np.stack([tone] * channels, axis=1), rate_hz)


def test_ravdess_names_carry_emotion_and_actor(tmp_path: Path) -> None:
    for actor in (1, 2):
        folder = tmp_path / "speech" / "ravdess" / f"Actor_{actor:02d}"
        write_tone(folder / f"03-01-06-02-01-01-{actor:02d}.wav", 48000, channels=2)
        write_tone(folder / f"03-01-01-01-01-01-{actor:02d}.wav", 16000)
    clips = read_ravdess(tmp_path, range(1, 3))
    assert [clip.speaker for clip in clips] == ["ravdess-01", "ravdess-01", "ravdess-02", "ravdess-02"]
    assert [EMOTIONS[clip.target.argmax()].value for clip in clips[:2]] == ["neutral", "fearful"]
    assert all(clip.samples.shape == (16000,) and clip.samples.dtype == np.float32 for clip in clips)
    with pytest.raises(FileNotFoundError, match="Actor_03"):
        read_ravdess(tmp_path, range(3, 4))


def test_cremad_targets_are_what_listeners_heard(tmp_path: Path) -> None:
    folder = tmp_path / "speech" / "cremad"
    write_tone(folder / "1001_DFA_HAP_XX.wav", 16000)
    write_tone(folder / "1002_DFA_SAD_XX.wav", 16000)
    with gzip.open(folder / "tabulatedVotes.csv.gz", "wt") as file:
        file.write(",A,D,F,H,N,S,fileName\n")
        file.write("100001,0,0,0,2,6,0,1001_DFA_HAP_XX\n")
        file.write("200001,0,0,0,9,0,0,1001_DFA_HAP_XX\n")
        file.write("200002,0,0,0,0,0,9,1002_DFA_SAD_XX\n")
    (clip,) = read_cremad(tmp_path)
    assert clip.speaker == "cremad-1001"
    heard = {emotion.value: float(share) for emotion, share in zip(EMOTIONS, clip.target, strict=True) if share}
    assert heard == {"neutral": 0.75, "happy": 0.25}


def test_ravdess_reads_from_wherever_its_archive_was_unpacked(tmp_path: Path) -> None:
    folder = tmp_path / "RAVDESS" / "Audio_Speech_Actors_01-24"
    for actor in (1, 2):
        write_tone(folder / f"Actor_{actor:02d}" / f"03-01-05-01-02-01-{actor:02d}.wav", 48000)
    clips = read_ravdess(tmp_path, range(1, 3))
    assert [clip.speaker for clip in clips] == ["ravdess-01", "ravdess-02"]
    assert {EMOTIONS[clip.target.argmax()].value for clip in clips} == {"angry"}


def test_cremad_reads_as_published(tmp_path: Path) -> None:
    folder = tmp_path / "CREMA-D"
    write_tone(folder / "AudioWAV" / "1003_IEO_ANG_HI.wav", 16000)
    heard = {"": "100001", "A": 3, "D": 1, "F": 0, "H": 0, "N": 0, "S": 0, "fileName": "1003_IEO_ANG_HI"}
    table(folder / "processedResults" / "tabulatedVotes.csv", [heard])
    (clip,) = read_cremad(tmp_path)
    assert clip.speaker == "cremad-1003"
    assert clip.samples.shape == (16000,)
    shares = {emotion.value: float(share) for emotion, share in zip(EMOTIONS, clip.target, strict=True) if share}
    assert shares == {"angry": 0.75, "disgust": 0.25}


def test_cremad_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"tabulatedVotes\.csv\.gz"):
        read_cremad(tmp_path)
