from __future__ import annotations

import json
from pathlib import Path

import mido
import pytest
import soundfile
import typer
from typer.testing import CliRunner, Result

from robotd.cli.score import PARTLY, score_command
from robotd.errors import ConfigError, MediaError
from tests.film.films import SCENE, film_of, make

app = typer.Typer()
app.command("score")(score_command)

#: Rules alone: which nets are there does not matter here.
PLAIN = ("--set", "compose.composer=rules", "--set", "compose.judge=null")


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep a configuration of the machine out of it."""
    (tmp_path / "config.yaml").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")


def robotd(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def have_matplotlib(monkeypatch: pytest.MonkeyPatch, *, there: bool) -> None:
    """Whether it is installed is not what is tested here."""
    monkeypatch.setattr("robotd.film.picture.available", lambda: there)
    if there:
        monkeypatch.setattr("robotd.film.picture.draw", lambda path, *_: path.write_bytes(b"\x89PNG"))


def test_help_has_examples() -> None:
    done = robotd("--help")
    assert done.exit_code == 0
    assert "robotd score talk.mp4 -o talk-score --mux" in done.output


def test_a_film_gets_its_files_and_a_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    have_matplotlib(monkeypatch, there=True)
    film = make(tmp_path / "film.mp4", "-i", str(SCENE), "-c", "copy", "-t", "6")
    done = robotd(film, "-o", tmp_path / "out", "--mux", "--seed", 3, "--gain", 0.3, *PLAIN)
    assert done.exit_code == 0, done.output
    names = ["score.mid", "score.wav", "scored.mp4", "timeline.json", "timeline.png"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == names
    (row,) = [line for line in done.stdout.splitlines() if line.strip().startswith("0:00.0")]
    assert "happy" in row
    assert "Q1" in row
    assert str(tmp_path / "out" / "score.mid") in done.stdout


def test_json_is_one_object(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    have_matplotlib(monkeypatch, there=True)
    done = robotd(film_of(tmp_path / "film.mp4", 2), "-o", tmp_path / "out", "--no-wav", "--json", *PLAIN)
    assert done.exit_code == 0
    told = json.loads(done.stdout)
    assert told["length_s"] == pytest.approx(2, abs=0.05)
    assert [Path(name).name for name in told["files"]] == ["score.mid", "timeline.json", "timeline.png"]
    assert told["segments"][0]["quadrant"] == "Q4"
    assert "no face was seen" in done.stderr


def test_what_can_not_be_made_shows_in_the_exit_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    have_matplotlib(monkeypatch, there=False)
    done = robotd(film_of(tmp_path / "film.mp4", 1), "-o", tmp_path / "out", *PLAIN)
    assert done.exit_code == PARTLY
    assert "pip install 'robotd[score]'" in done.stderr
    assert soundfile.info(tmp_path / "out" / "score.wav").duration == pytest.approx(1, abs=0.05)


def test_options_reach_the_music(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    have_matplotlib(monkeypatch, there=True)
    film = film_of(tmp_path / "film.mp4", 9)

    def music(*options: object) -> bytes:
        assert robotd(film, "-o", tmp_path / "out", "--no-wav", *options, *PLAIN).exit_code == 0
        return (tmp_path / "out" / "score.mid").read_bytes()

    first = music("--seed", 1)
    assert music("--seed", 1) == first
    assert music("--seed", 2) != first
    music("--style", "piano")
    programs = {m.program for m in mido.MidiFile(tmp_path / "out" / "score.mid") if m.type == "program_change"}
    assert programs == {0}


def test_mux_wants_the_sound(tmp_path: Path) -> None:
    done = robotd("film.mp4", "-o", tmp_path, "--mux", "--no-wav")
    assert done.exit_code == 2
    assert "--no-wav" in done.output


def test_a_soundfont_that_is_not_there_leaves_the_rest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    have_matplotlib(monkeypatch, there=True)
    film = film_of(tmp_path / "film.mp4", 1)
    done = robotd(film, "-o", tmp_path / "out", "--soundfont", "my 'best' [one].sf2", *PLAIN)
    assert done.exit_code == PARTLY
    assert "my 'best' [one].sf2" in done.stderr
    assert (tmp_path / "out" / "score.mid").exists()


def test_mistakes_are_told_by_errors_of_ours(tmp_path: Path) -> None:
    assert isinstance(robotd("away.mp4", "-o", tmp_path / "out").exception, MediaError)
    assert isinstance(robotd("away.mp4", "-o", tmp_path, "--set", "midi.gian=1").exception, ConfigError)
