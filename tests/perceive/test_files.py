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
        timeout=110,
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


def test_a_crop_that_the_mesh_sees_no_face_in_is_named(tmp_path: Path) -> None:
    blank = tmp_path / "blank.png"
    cv2.imwrite(str(blank), np.full((48, 48), 120, np.uint8))
    code, (refused,), _ = perceive(tmp_path, "--as", "face", "--model", "face_landmarks", "--crop", str(blank))
    assert code == 1
    assert refused["error"] == f"{blank}: the face mesh sees no face in the crop"


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
    assert len(features) == 240
    assert "has no notes" in str(refused["error"])


def test_a_score_model_can_be_chosen(tmp_path: Path) -> None:
    code, _, log = perceive(tmp_path, "--as", "score", "--model", "voice_mel", "any.mid")
    assert code == 1
    assert "voice_mel is a voice model, not a score model" in log


def test_a_model_says_by_itself_what_it_reads(tmp_path: Path) -> None:
    code, (reading,), _ = perceive(tmp_path, "--model", "voice_prosody", str(tone(tmp_path / "tone.wav")))
    assert code == 0
    assert (reading["kind"], reading["model"]) == ("voice", "voice_prosody")


def test_a_model_that_reads_no_files_is_refused(tmp_path: Path) -> None:
    code, _, log = perceive(tmp_path, "--model", "face_mesh", "any.png")
    assert code == 2
    assert "face_mesh reads no files" in " ".join(log.split())


def test_a_text_gives_a_reading_for_each_of_its_lines(tmp_path: Path) -> None:
    said = tmp_path / "said.txt"
    said.write_text("I am so happy and proud of you!\n\nмне грустно\nI feel terribly sad and lonely today.\n")
    code, (glad, strange, sad), log = perceive(tmp_path, str(said))
    assert code == 1
    assert [reading["line"] for reading in (glad, strange, sad)] == [1, 3, 4]
    assert (glad["kind"], glad["label"], sad["label"]) == ("words", "happy", "sad")
    assert "English is wanted" in str(strange["error"])
    assert "line 3" in log


def test_a_model_of_other_classes_tells_its_own_and_ours(tmp_path: Path) -> None:
    said = tmp_path / "said.txt"
    said.write_text("i feel so tender and loving towards you\n")
    code, (reading,), _ = perceive(tmp_path, "--model", "words_emotion6", str(said))
    own, eight = reading["probabilities"], reading["eight"]
    assert code == 0
    assert isinstance(own, dict)
    assert isinstance(eight, dict)
    assert set(own) == {"sadness", "joy", "love", "anger", "fear", "surprise"}
    assert reading["label"] == "love"
    assert eight["happy"] == pytest.approx(own["joy"] + own["love"], abs=1e-5)


def test_a_song_is_read_for_valence_and_arousal(tmp_path: Path) -> None:
    code, (reading,), _ = perceive(tmp_path, "--as", "song", str(tone(tmp_path / "tone.ogg")))
    ratings = reading["ratings"]
    assert code == 0
    assert isinstance(ratings, dict)
    assert reading["label"] in {"Q1", "Q2", "Q3", "Q4"}
    assert reading["valence"] == pytest.approx((ratings["valence"] - 5.0) / 5.0, abs=1e-3)
    assert reading["curve"]


def test_silence_is_no_song(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "silence.wav", np.zeros(32_000), 16_000)
    code, (refused,), log = perceive(tmp_path, "--as", "song", str(tmp_path / "silence.wav"))
    assert code == 1
    assert "silent" in str(refused["error"])
    assert "silence.wav" in log


def tone(path: Path) -> Path:
    time_s = np.arange(4 * 16_000) / 16_000
    soundfile.write(path, 0.1 * np.sign(np.sin(2.0 * np.pi * 220.0 * time_s)), 16_000)
    return path
