from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import mido
import pytest
import soundfile

from robotd.config import Config
from robotd.emotion import Emotion
from robotd.errors import MediaError
from robotd.film.score import Scored, Wanted, score
from robotd.music.compose.opening import rule_composer
from tests.film.films import SCENE, TONE, asked, film_of, make


@dataclass
class Listener:
    """Remembers what is told."""

    stages: list[str] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def begin(self, stage: str, length_s: float) -> None:
        assert length_s > 0
        self.stages.append(stage)

    def progress(self, time_s: float) -> None:
        self.times.append(time_s)

    def note(self, text: str) -> None:
        self.notes.append(text)


def scored(path: Path, folder: Path, config: Config | None = None, **wanted: Any) -> Scored:
    return score(path, config or Config(), Wanted(folder, **wanted), rule_composer, Listener())


def timeline(folder: Path) -> dict[str, Any]:
    payload = json.loads((folder / "timeline.json").read_text())
    assert isinstance(payload, dict)
    return payload


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Scored, Listener]:
    """All that is made of the built-in scene."""
    folder = tmp_path_factory.mktemp("scene") / "new" / "folder"
    listener = Listener()
    return folder, score(SCENE, Config(), Wanted(folder, mux=True), rule_composer, listener), listener


def test_everything_is_made_and_nothing_else(scene: tuple[Path, Scored, Listener]) -> None:
    folder, made, _ = scene
    wanted = {"score.mid", "timeline.json", "score.wav", "scored.mp4"}
    assert {path.name for path in folder.iterdir()} - {"timeline.png"} == wanted
    assert {path.name for path in made.files} == {path.name for path in folder.iterdir()}
    assert made.failed.keys() <= {"timeline.png"}  # where matplotlib is missing


def test_music_is_exactly_as_long_as_the_film(scene: tuple[Path, Scored, Listener]) -> None:
    folder, made, _ = scene
    length_s = made.film.length_s
    assert length_s == pytest.approx(float(asked(SCENE, "format=duration")[0]), abs=0.001)
    assert mido.MidiFile(folder / "score.mid").length == pytest.approx(length_s, abs=1e-4)
    assert soundfile.info(folder / "score.wav").frames == round(length_s * 48_000)
    assert float(asked(folder / "scored.mp4", "format=duration")[0]) == pytest.approx(length_s, abs=0.03)


def test_the_timeline_tells_the_feeling_every_half_second(scene: tuple[Path, Scored, Listener]) -> None:
    folder, made, _ = scene
    told = timeline(folder)
    feelings = told["feelings"]
    assert [feeling["time_s"] for feeling in feelings] == [n / 2 for n in range(49)]
    for feeling in feelings:
        assert feeling["probabilities"].keys() == {emotion.value for emotion in Emotion}
        assert sum(feeling["probabilities"].values()) == pytest.approx(1)
    seen = [feeling["face"]["label"] for feeling in feelings if feeling["face"]]
    assert seen.count("happy") > len(seen) / 2
    assert any(feeling["voice"] and feeling["voice"]["away_s"] == 0 for feeling in feelings)
    assert told["film"]["name"] == "scene.mp4"
    assert str(SCENE.parent) not in json.dumps(told)
    segments = told["segments"]
    assert (segments[0]["start_s"], segments[-1]["end_s"]) == (0, pytest.approx(made.film.length_s, abs=0.001))
    assert segments[0]["music"]["bars"] >= 1
    assert made.payload()["segments"] == segments


def test_progress_goes_through_the_film_at_every_stage(scene: tuple[Path, Scored, Listener]) -> None:
    _, made, listener = scene
    assert listener.stages == ["watching", "composing", "playing", "mixing"]
    assert max(listener.times) == pytest.approx(made.film.length_s, abs=1.5)
    rounds = sum(later < earlier for earlier, later in zip(listener.times, listener.times[1:], strict=False))
    assert rounds >= 3


def test_the_same_film_gives_the_same_files(scene: tuple[Path, Scored, Listener], tmp_path: Path) -> None:
    folder, _, _ = scene
    scored(SCENE, tmp_path)
    for name in ("timeline.json", "score.mid", "score.wav"):
        assert (tmp_path / name).read_bytes() == (folder / name).read_bytes()


def test_only_own_files_are_written_over(tmp_path: Path) -> None:
    film = film_of(tmp_path / "film.mp4", 1)
    before = film.read_bytes()
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "score.mid").write_text("old")
    scored(film, tmp_path, mux=True)
    assert (tmp_path / "notes.txt").read_text() == "mine"
    assert (tmp_path / "score.mid").read_bytes().startswith(b"MThd")
    assert film.read_bytes() == before


@pytest.mark.parametrize("name", ["scored.mp4", "score.wav"])
def test_a_film_is_not_written_over_by_its_own_score(tmp_path: Path, name: str) -> None:
    film = (
        film_of(tmp_path / name, 1)
        if name.endswith("mp4")
        else make(tmp_path / name, "-f", "lavfi", "-i", TONE, "-t", "1")
    )
    with pytest.raises(MediaError, match="written over by its own score"):
        scored(film, tmp_path, mux=True)


@pytest.mark.parametrize("length_s", [0.2, 1.0, 3.0])
def test_a_short_film_without_anybody_gets_neutral_music(tmp_path: Path, length_s: float) -> None:
    made = scored(film_of(tmp_path / "short.mp4", length_s), tmp_path / "out")
    assert [segment.label for segment in made.segments] == [Emotion.NEUTRAL]
    assert mido.MidiFile(tmp_path / "out" / "score.mid").length == pytest.approx(made.film.length_s, abs=1e-5)
    assert soundfile.info(tmp_path / "out" / "score.wav").frames == round(made.film.length_s * 48_000)
    assert made.notes[-3:] == [
        "no face was seen",
        "nobody was heard speaking",
        "no feeling was read anywhere in it: its music is neutral",
    ]
    assert all(feeling["label"] == "unknown" for feeling in timeline(tmp_path / "out")["feelings"])


def test_sound_alone_is_scored_by_the_voice(tmp_path: Path) -> None:
    voice = make(tmp_path / "voice.ogg", "-i", str(SCENE), "-vn", "-t", "8")
    made = scored(voice, tmp_path / "out", sound=False)
    told = timeline(tmp_path / "out")
    assert all(feeling["face"] is None for feeling in told["feelings"])
    assert any(feeling["voice"] for feeling in told["feelings"])
    assert "the file holds no pictures: the feeling is the voice's alone" in made.notes
    assert not (tmp_path / "out" / "score.wav").exists()


def test_pictures_alone_are_scored_by_the_face(tmp_path: Path) -> None:
    silent = make(tmp_path / "silent.mp4", "-i", str(SCENE), "-an", "-t", "4", "-c", "copy")
    made = scored(silent, tmp_path / "out", sound=False)
    assert made.segments[0].label is Emotion.HAPPY
    assert "the file holds no sound: the feeling is the face's alone" in made.notes


def test_a_film_that_was_cut_short_is_scored_as_far_as_it_goes(tmp_path: Path) -> None:
    whole = make(tmp_path / "whole.mkv", "-i", str(SCENE), "-c", "copy").read_bytes()
    cut = tmp_path / "cut.mkv"
    cut.write_bytes(whole[: len(whole) // 2])
    made = scored(cut, tmp_path / "out", mux=True)
    assert 8 < made.film.length_s < 16
    assert any("says that it lasts 24.0" in note for note in timeline(tmp_path / "out")["notes"])
    assert mido.MidiFile(tmp_path / "out" / "score.mid").length == pytest.approx(made.film.length_s, abs=1e-5)
    assert float(asked(tmp_path / "out" / "scored.mkv", "format=duration")[0]) == pytest.approx(
        made.film.length_s, abs=0.1
    )


def test_damage_in_the_middle_is_told_and_the_rest_is_scored(tmp_path: Path) -> None:
    film = make(tmp_path / "film.mkv", "-i", str(SCENE), "-c", "copy")
    content = bytearray(film.read_bytes())
    middle = len(content) // 3
    content[middle : middle + 9000] = bytes(n * 97 % 256 for n in range(9000))
    film.write_bytes(content)
    made = scored(film, tmp_path / "out", mux=True)
    assert any("damaged" in note for note in made.notes)
    assert made.film.length_s > 20
    assert {"score.mid", "score.wav", "scored.mkv"} <= {path.name for path in made.files}


def test_what_is_missing_does_not_keep_the_rest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    film = film_of(tmp_path / "film.mp4", 1)
    monkeypatch.setenv("PATH", "")
    made = scored(film, tmp_path / "out", mux=True)
    assert {"score.mid", "timeline.json"} <= {path.name for path in made.files}
    assert "apt install fluidsynth" in made.failed["score.wav"]
    assert "without score.wav" in made.failed["scored"]


def test_an_old_sound_is_not_put_to_another_film(tmp_path: Path) -> None:
    film = film_of(tmp_path / "film.mp4", 1)
    folder = tmp_path / "out"
    scored(film, folder)
    config = Config.model_validate({"midi": {"soundfont": str(tmp_path / "away.sf2")}})
    made = scored(film, folder, config, mux=True)
    assert "away.sf2" in made.failed["score.wav"]
    assert "without score.wav" in made.failed["scored"]
    assert not (folder / "scored.mp4").exists()


def test_a_model_that_can_not_be_used_is_told(tmp_path: Path) -> None:
    config = Config.model_validate({"voice": {"model": "voice_mal"}})
    film = make(tmp_path / "film.mp4", "-i", str(SCENE), "-c", "copy", "-t", "3")
    made = scored(film, tmp_path / "out", config, sound=False)
    assert any("did you mean voice_mel?" in note for note in made.notes)
    assert made.segments[0].label is Emotion.HAPPY


@pytest.mark.parametrize("content", [b"", b"no film at all\n" * 50])
def test_what_is_no_media_is_refused_and_leaves_nothing(tmp_path: Path, content: bytes) -> None:
    rubbish = tmp_path / "rubbish.mp4"
    rubbish.write_bytes(content)
    with pytest.raises(MediaError, match=r"rubbish\.mp4"):
        scored(rubbish, tmp_path / "out")
    assert not list((tmp_path / "out").iterdir())


def test_a_folder_that_can_not_be_made_is_refused_first(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file", tmp_path / "file" / "below", Path("/proc/score")):
        with pytest.raises(MediaError, match="can't be"):
            scored(tmp_path / "away.mp4", folder)


def test_a_folder_in_the_place_of_a_file_is_refused_first(tmp_path: Path) -> None:
    (tmp_path / "score.mid").mkdir()
    with pytest.raises(MediaError, match=r"score\.mid: is a folder"):
        scored(tmp_path / "away.mp4", tmp_path)
