"""`data check`: public data sets in the layouts of their makers, whole, with gaps, and damaged."""

from __future__ import annotations

import csv
import gzip
import io
import json
import tarfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import mido
import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner, Result

from export.__main__ import app
from export.data import sets_faces, sets_music, sets_speech, sets_text
from export.data.check import Found, Watch
from export.data.sets import NEEDS, SETS
from export.recipes import NAMES

if TYPE_CHECKING:
    from collections.abc import Sequence

CLASSES = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["data", "check", *map(str, arguments)], catch_exceptions=False)


def look(name: str, root: Path) -> Found:
    found = SETS[name].look(root, Watch())
    assert found is not None
    return found


def sound(ending: str = "wav") -> bytes:
    """A tenth of a second of a tone."""
    file = io.BytesIO()
    tone = 0.1 * np.sin(np.arange(1600) / 10)
    soundfile.write(file, tone, 16000, format={"wav": "WAV", "mp3": "MP3", "ogg": "OGG"}[ending])
    return file.getvalue()


def notes() -> bytes:
    """A MIDI file of two notes."""
    track = mido.MidiTrack()
    for pitch in (60, 64):
        track += [mido.Message("note_on", note=pitch, velocity=80), mido.Message("note_off", note=pitch, time=480)]
    file = io.BytesIO()
    mido.MidiFile(tracks=[track]).save(file=file)
    return file.getvalue()


def put(file: Path, content: bytes | str) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return file


def table(file: Path, rows: Sequence[dict[str, Any]]) -> Path:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    content = text.getvalue().encode()
    return put(file, gzip.compress(content) if file.suffix == ".gz" else content)


def write_ravdess(root: Path) -> None:
    tone = sound()
    for actor in range(1, 25):
        for take in sets_speech.takes(actor):
            put(root / f"Actor_{actor:02d}" / f"{take}.wav", tone)


def write_cremad(root: Path) -> None:
    names = ["1001_DFA_ANG_XX", "1001_IEO_HAP_HI", "1002_DFA_SAD_XX"]
    for name in names:
        put(root / "AudioWAV" / f"{name}.wav", sound())
    votes = [
        {"": f"10{n}", "A": 1, "D": 0, "F": 0, "H": 2, "N": 0, "S": 0, "fileName": name} for n, name in enumerate(names)
    ]
    table(root / "processedResults" / "tabulatedVotes.csv", votes)


def write_fer(root: Path, name: str = "fer2013.csv") -> None:
    usages = ["Training"] * 7 + ["PublicTest"] * 7 + ["PrivateTest"] * 7
    space = " " if name.startswith("icml") else ""
    picture = " ".join(["7"] * 48 * 48)
    table(
        root / name,
        [{"emotion": n % 7, f"{space}Usage": use, f"{space}pixels": picture} for n, use in enumerate(usages)],
    )
    votes = dict.fromkeys(
        ["neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt", "unknown", "NF"], 1
    )
    table(
        root / "fer2013new.csv",
        [{"Usage": use, "Image name": f"fer{n:07}.png", **votes} for n, use in enumerate(usages)],
    )


@pytest.fixture
def few_images(monkeypatch: pytest.MonkeyPatch) -> None:
    """FER-2013 has 35,887 images; seven of each usage do here."""
    monkeypatch.setattr(sets_faces, "_IMAGES", dict.fromkeys(("Training", "PublicTest", "PrivateTest"), 7))


def write_fer_folders(root: Path) -> None:
    picture = cv2.imencode(".jpg", np.full((48, 48), 90, np.uint8))[1].tobytes()
    for number, name in enumerate(CLASSES):
        put(root / "train" / name / f"Training_{number}.jpg", picture)
        put(root / "test" / name / f"PublicTest_{number}.jpg", picture)
        put(root / "test" / name / f"PrivateTest_{number}.jpg", picture)


def write_emopia(root: Path) -> None:
    ids = [f"Q{n}_abc-d_e{n}_0" for n in range(1, 5)]
    table(root / "EMOPIA_1.0" / "label.csv", [{"ID": name, "4Q": name[1], "annotator": "A"} for name in ids])
    for name in ids:
        put(root / "EMOPIA_1.0" / "midis" / f"{name}.mid", notes())
    for split, songs in (("train", ids[:2]), ("val", ids[2:3]), ("test", ids[3:])):
        rows = [{"": n, "songID": name.split("_", 1)[1].rsplit("_", 1)[0]} for n, name in enumerate(songs)]
        table(root / "EMOPIA_1.0" / "split" / f"{split}_SL.csv", rows)


def write_vgmidi(root: Path) -> None:
    rows = []
    for n, (valence, arousal) in enumerate([(1, 1), (-1, 1), (-1, -1), (1, -1)]):
        rows.append({"id": n, "piece": n, "midi": f"labelled/midi/{n}.mid", "valence": valence, "arousal": arousal})
        put(root / "vgmidi" / "labelled" / "midi" / f"{n}.mid", notes())
    table(root / "vgmidi" / "vgmidi_labelled.csv", rows)
    put(root / "vgmidi" / "labelled" / "annotations" / "vgmidi_raw_1.json", json.dumps({}))


def write_deam(root: Path) -> None:
    level = root / "DEAM_Annotations" / "annotations" / "annotations averaged per song"
    for name, songs in (("1_2000", (2, 3)), ("2000_2058", (2001,))):
        rows = [{"song_id": song, " valence_mean": 5.0, " arousal_mean": 4.0} for song in songs]
        table(level / "song_level" / f"static_annotations_averaged_songs_{name}.csv", rows)
    for name in ("arousal", "valence"):
        table(level / "dynamic (per second annotations)" / f"{name}.csv", [{"song_id": 2, "sample_15000ms": 0.1}])
    for song in (2, 3, 2001):
        put(root / "DEAM_audio" / "MEMD_audio" / f"{song}.mp3", sound("mp3"))


def write_soundtracks(root: Path) -> None:
    clip = sound("mp3")
    for number in range(1, 361):
        put(root / "Set1" / f"{number:03d}.mp3", clip)
    table(root / "mean_ratings_set1.csv", [{"Number": n, "valence": 5, "TARGET": "HAPPY"} for n in range(1, 361)])


WRITERS = {
    "RAVDESS": write_ravdess,
    "CREMA-D": write_cremad,
    "FER-2013": write_fer,
    "FER+": write_fer,
    "EMOPIA": write_emopia,
    "VGMIDI": write_vgmidi,
    "DEAM": write_deam,
    "Soundtracks": write_soundtracks,
}


@pytest.mark.usefixtures("few_images")
@pytest.mark.parametrize("name", WRITERS)
def test_a_published_layout_is_whole(name: str, tmp_path: Path) -> None:
    WRITERS[name](tmp_path / "downloads" / name)
    found = look(name, tmp_path)
    assert found.layout == "published"
    assert not found.problems
    assert found.counts
    assert run(tmp_path, "--set", name.lower()).exit_code == 0


@pytest.mark.usefixtures("few_images")
def test_fer_in_its_other_layouts(tmp_path: Path) -> None:
    write_fer(tmp_path / "csv", "icml_face_data.csv")
    write_fer_folders(tmp_path / "folders")
    for root in ("csv", "folders"):
        found = look("FER-2013", tmp_path / root)
        assert not found.problems
        assert found.counts["class"] == dict.fromkeys(sorted(CLASSES), 3)
        assert found.counts["usage"] == {"PrivateTest": 7, "PublicTest": 7, "Training": 7}


def test_counts_by_class_and_speaker(tmp_path: Path) -> None:
    write_ravdess(tmp_path)
    found = look("RAVDESS", tmp_path)
    assert found.counts["emotion"]["neutral"] == 24 * 4
    assert found.counts["emotion"]["angry"] == 24 * 8
    assert set(found.counts["actor"].values()) == {60}
    assert "1440 by emotion" in run(tmp_path, "--set", "RAVDESS").output


def test_an_empty_folder_lacks_everything(tmp_path: Path) -> None:
    result = run(tmp_path)
    assert result.exit_code == 1
    assert "face_image can't be trained: FER-2013: isn't there" in result.output
    assert "can be trained:" not in result.output


def test_what_a_recipe_needs(tmp_path: Path) -> None:
    write_emopia(tmp_path)
    write_vgmidi(tmp_path)
    result = run(tmp_path, "--recipe", "judge")
    assert result.exit_code == 0, result.output
    assert "These recipes can be trained: judge" in result.output
    assert run(tmp_path).exit_code == 1


def test_every_recipe_says_what_it_needs() -> None:
    assert set(NAMES) <= set(NEEDS)
    assert {name for needed in NEEDS.values() for name in needed} <= set(SETS)


# --- gaps and damage


_POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n"
#: For each data set: a file, what its content becomes (None: it goes), and what must be told then.
SPOILED: dict[str, tuple[str, bytes | tuple[str, str] | None, str]] = {
    "RAVDESS": ("Actor_03/03-01-05-01-01-01-03.wav", None, "Actor_03/03-01-05-01-01-01-03: missing"),
    "CREMA-D": ("AudioWAV/1001_DFA_ANG_XX.wav", _POINTER, "1001_DFA_ANG_XX.wav: only a pointer of Git LFS"),
    "FER-2013": ("fer2013.csv", ("7 7", "7 seven"), "fer2013.csv: row 0 is damaged"),
    "FER+": ("fer2013new.csv", ("contempt", "pride"), "fer2013new.csv: has no column contempt"),
    "EMOPIA": ("EMOPIA_1.0/midis/Q2_abc-d_e2_0.mid", b"", "Q2_abc-d_e2_0.mid: empty"),
    "VGMIDI": ("vgmidi/labelled/midi/3.mid", b"MThd nonsense", "3.mid: damaged"),
    "DEAM": ("DEAM_audio/MEMD_audio/2001.mp3", None, "2001.mp3: missing"),
    "Soundtracks": ("Set1/007.mp3", b"no sound", "007.mp3: damaged"),
}


def spoil(root: Path, name: str) -> str:
    """Spoil one file of a whole data set; return what must be told of it."""
    path, content, told = SPOILED[name]
    if content is None:
        (root / path).unlink()
    elif isinstance(content, tuple):
        put(root / path, (root / path).read_text().replace(*content, 1))
    else:
        put(root / path, content)
    return told


@pytest.mark.usefixtures("few_images")
@pytest.mark.parametrize("name", WRITERS)
def test_a_gap_is_told(name: str, tmp_path: Path) -> None:
    WRITERS[name](tmp_path)
    told = spoil(tmp_path, name)
    (problem,) = look(name, tmp_path).problems
    assert problem.startswith(told)
    result = run(tmp_path, "--set", name)
    assert result.exit_code == 1
    assert f"{name}: {told}" in result.output


def test_a_cut_off_sound_is_damaged(tmp_path: Path) -> None:
    write_cremad(tmp_path)
    file = tmp_path / "AudioWAV" / "1001_DFA_ANG_XX.wav"
    file.write_bytes(file.read_bytes()[:40])
    (problem,) = look("CREMA-D", tmp_path).problems
    assert problem.startswith("1001_DFA_ANG_XX.wav: damaged")


def test_a_missing_actor_is_one_gap_and_not_sixty(tmp_path: Path) -> None:
    write_ravdess(tmp_path)
    for file in (tmp_path / "Actor_24").iterdir():
        file.unlink()
    (tmp_path / "Actor_24").rmdir()
    assert look("RAVDESS", tmp_path).problems == ("Actor_24: missing",)


def test_an_archive_that_is_still_packed(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "Audio_Speech_Actors_01-24.zip", "w") as archive:
        archive.writestr("Actor_01/03-01-01-01-01-01-01.wav", sound())
    (problem,) = look("RAVDESS", tmp_path).problems
    assert "unzip it" in problem


def test_counts_that_are_too_low(tmp_path: Path) -> None:
    write_fer(tmp_path)
    problems = look("FER-2013", tmp_path).problems
    assert "fer2013.csv: 7 images of Training instead of 28709" in problems


@pytest.mark.parametrize("name", ["fer2013.csv", "fer2013new.csv", "label.csv", "vgmidi_labelled.csv"])
@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00nonsense"])
def test_damaged_tables(name: str, content: bytes, tmp_path: Path) -> None:
    put(tmp_path / name, content)
    (tmp_path / "midis").mkdir()
    result = run(tmp_path)
    assert result.exit_code == 1
    assert f"{name}: " in result.output


# --- our own layout


def test_tars_of_our_own_layout(tmp_path: Path) -> None:
    folder = tmp_path / "music" / "midi" / "emopia"
    rows = [{"id": f"Q1_x_{n}", "quadrant": "Q1", "split": "train"} for n in range(3)]
    table(folder / "labels.csv", rows)
    for name, ids in (("emopia_train", ["Q1_x_0", "Q1_x_1"]), ("emopia_val", [])):
        with tarfile.open(folder / f"{name}.tar", "w") as tar:
            for one in ids:
                content = notes() if one.endswith("0") else b"broken"
                member = tarfile.TarInfo(f"{one}.mid")
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
    found = look("EMOPIA", tmp_path)
    assert found.layout == "shared"
    assert found.problems[0].startswith("emopia_train.tar: Q1_x_1.mid: damaged")
    assert found.problems[1] == "Q1_x_2: missing"
    put(folder / "emopia_val.tar", b"nonsense")
    assert any(problem.startswith("emopia_val.tar: damaged") for problem in look("EMOPIA", tmp_path).problems)


def test_excel_ratings_are_known_by_their_first_bytes(tmp_path: Path) -> None:
    write_soundtracks(tmp_path)
    (tmp_path / "mean_ratings_set1.csv").unlink()
    put(tmp_path / "mean_ratings_set1.xls", sets_music._OLE + b"...")
    assert not look("Soundtracks", tmp_path).problems
    put(tmp_path / "mean_ratings_set1.xls", b"<html>")
    assert look("Soundtracks", tmp_path).problems == ("mean_ratings_set1.xls: damaged (it is no Excel file)",)


def test_texts_and_lexicon_of_our_own_layout(tmp_path: Path) -> None:
    for name in sets_text._TABLES:
        table(tmp_path / "text" / f"{name}.csv.gz", [{"id": 1, "text": "so", "label": "joy", "ekman": "joy"}])
    for name in sets_text._LEXICON:
        table(tmp_path / "music" / "lexicon" / name, [{"word": "joy"}])
    assert look("texts", tmp_path).counts["emotion6_train"] == {"joy": 1}
    assert set(look("lexicon", tmp_path).counts["table"].values()) == {1}
    assert run(tmp_path, "--set", "texts", "--set", "lexicon").exit_code == 0
    put(tmp_path / "text" / "isear_dev.csv.gz", b"not gzip")
    (tmp_path / "music" / "lexicon" / "tags957_emotions8.csv").unlink()
    assert look("texts", tmp_path).problems[0].startswith("isear_dev.csv.gz: damaged")
    assert look("lexicon", tmp_path).problems == ("tags957_emotions8.csv: missing",)


# --- what is asked


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--set", "RAVDES"], "did you mean RAVDESS?"),
        (["--recipe", "judg"], "did you mean judge?"),
        (["--recipe", "xyz"], "there is no recipe 'xyz'"),
    ],
)
def test_what_is_not_known(arguments: list[str], told: str, tmp_path: Path) -> None:
    result = run(tmp_path, *arguments)
    assert result.exit_code == 2
    assert told in result.stderr


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    result = run(tmp_path / "nowhere")
    assert result.exit_code == 1
    assert "there is no such folder" in result.stderr
