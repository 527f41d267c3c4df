from __future__ import annotations

import json
import subprocess
from pathlib import Path

import cv2
import numpy as np
import pytest
import soundfile
from mido import Message, MidiFile, MidiTrack

from robotd.emotion import EMOTIONS
from robotd.sense.media import decode, look_into
from robotd.sense.sample import Frame
from tests.daemon.robots import SCENE, bare, command, environment

DATA = Path(__file__).parents[3] / "shared" / "data"
has_data = pytest.mark.skipif(not DATA.is_dir(), reason="the labelled data (../shared/data) is not on this machine")


@pytest.fixture(scope="module")
def portrait(tmp_path_factory: pytest.TempPathFactory) -> Path:
    frame = next(sample for sample in decode(SCENE, look_into(SCENE), 10.0) if isinstance(sample, Frame))
    path = tmp_path_factory.mktemp("pictures") / "portrait.png"
    cv2.imwrite(str(path), frame.image)
    return path


@pytest.fixture(scope="module")
def speech(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sounds") / "speech.wav"
    subprocess.run(["espeak-ng", "-w", str(path), "Somebody is speaking here, and not for the first time."], check=True)
    return path


def perceive(state: Path, *arguments: str, stdin: str = "") -> tuple[int, list[dict[str, object]], str]:
    done = subprocess.run(
        command("perceive", "--json", *arguments),
        env=environment(state),
        cwd=bare(state),
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()], done.stderr


def test_each_file_gives_one_reading(tmp_path: Path, portrait: Path, speech: Path) -> None:
    code, readings, _ = perceive(tmp_path, str(portrait), str(speech))
    assert code == 0
    assert [(reading["file"], reading["kind"]) for reading in readings] == [
        (str(portrait), "face"),
        (str(speech), "voice"),
    ]
    face, voice = readings
    assert face["label"] == "happy"
    for reading in readings:
        probabilities = reading["probabilities"]
        assert isinstance(probabilities, dict)
        assert list(probabilities) == [emotion.value for emotion in EMOTIONS]
        assert sum(probabilities.values()) == pytest.approx(1.0, abs=1e-5)
    assert voice["four_class"].keys() == {"anger", "happiness", "neutral", "sadness"}  # type: ignore[attr-defined]
    assert face["box"]


def test_a_list_can_come_on_standard_input(tmp_path: Path, speech: Path) -> None:
    code, readings, _ = perceive(tmp_path, "--as", "voice", "-", stdin=f"{speech}\n{speech}\n")
    assert code == 0
    assert len(readings) == 2
    assert readings[0] == readings[1]


def test_a_bad_file_is_told_and_the_others_are_read(tmp_path: Path, portrait: Path) -> None:
    blank = tmp_path / "blank.png"
    cv2.imwrite(str(blank), np.full((200, 200, 3), 120, np.uint8))
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"\x89PNG no more")
    missing = tmp_path / "missing.png"
    code, readings, log = perceive(tmp_path, str(blank), str(broken), str(missing), str(portrait))
    assert code == 1
    assert "shows no face" in str(readings[0]["error"])
    assert "can't be read as a picture" in str(readings[1]["error"])
    assert "no such file" in str(readings[2]["error"])
    assert readings[3]["label"] == "happy"
    assert "Traceback" not in log


def test_sound_without_speech_is_read_as_a_whole(tmp_path: Path) -> None:
    hum = tmp_path / "hum.wav"
    soundfile.write(hum, 0.1 * np.sin(np.arange(48_000) * 0.05), 16_000)
    code, (reading,), _ = perceive(tmp_path, str(hum))
    assert code == 0
    assert reading["speech_s"] == 0.0


def test_an_unknown_model_is_told(tmp_path: Path, speech: Path) -> None:
    code, _, log = perceive(tmp_path, "--as", "voice", "--model", "voice_mal", str(speech))
    assert code == 1
    assert "did you mean voice_mel?" in log


@has_data
def test_voices_of_ravdess_are_read_far_better_than_by_chance(tmp_path: Path) -> None:
    names = ("neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised")
    clips = sorted((DATA / "speech" / "ravdess" / "Actor_20").glob("*.opus"))
    code, readings, _ = perceive(tmp_path, "--as", "voice", *map(str, clips))
    assert code == 0
    right = [
        names[int(clip.name.split("-")[2]) - 1] == reading["label"]
        for clip, reading in zip(clips, readings, strict=True)
    ]
    assert len(right) == 60
    assert np.mean(right) > 0.35


def test_a_midi_file_is_read_as_a_score(tmp_path: Path) -> None:
    tune = MidiTrack()
    for pitch in [60, 64, 67, 72] * 20:
        tune += [Message("note_on", note=pitch, velocity=80), Message("note_off", note=pitch, time=240)]
    midi = MidiFile(ticks_per_beat=480)
    midi.tracks.append(tune)
    midi.save(tmp_path / "tune.mid")
    empty = tmp_path / "empty.midi"
    MidiFile().save(empty)
    code, (reading, refused), _ = perceive(tmp_path, str(tmp_path / "tune.mid"), str(empty))
    assert code == 1
    assert (reading["kind"], reading["model"]) == ("score", "judge_notes")
    probabilities, features = reading["probabilities"], reading["features"]
    assert isinstance(probabilities, dict)
    assert isinstance(features, dict)
    assert list(probabilities) == ["Q1", "Q2", "Q3", "Q4"]
    assert reading["label"] == max(probabilities, key=lambda quadrant: probabilities[quadrant])
    assert reading["valence"] == pytest.approx(
        probabilities["Q1"] + probabilities["Q4"] - probabilities["Q2"] - probabilities["Q3"], abs=1e-3
    )
    assert features["note_density_mean"] == pytest.approx(4.0)
    assert len(features) == 14
    assert "has no notes" in str(refused["error"])


def test_a_score_model_can_be_chosen(tmp_path: Path) -> None:
    code, _, log = perceive(tmp_path, "--as", "score", "--model", "voice_mel", "any.mid")
    assert code == 1
    assert "voice_mel is a voice model, not a score model" in log
