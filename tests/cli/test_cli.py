from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from robotd import __version__
from tests.daemon.robots import bare, command, environment

COMMANDS = (
    *("run", "perceive", "recommend", "compose", "score", "midi-listen", "check", "devices", "models", "bench"),
    *("library scan", "library import", "library list", "library show", "library remove", "library export"),
    *("taste show", "taste reset", "taste export"),
)


def robotd(state: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*arguments),
        env=environment(state),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        cwd=bare(state),
    )


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_helps(tmp_path: Path, name: str) -> None:
    done = robotd(tmp_path, *name.split(), "--help")
    assert done.returncode == 0
    assert "Usage" in done.stdout


def test_the_version_is_told(tmp_path: Path) -> None:
    assert robotd(tmp_path, "--version").stdout.strip() == f"robotd {__version__}"


def test_a_wrong_configuration_ends_with_78_before_anything_is_opened(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("robot_id: x\nmqqt: {}\ncamera: {rate_hz: 0}\n")
    for arguments in (("run",), ("check",), ("run", "--config", str(config))):
        done = robotd(tmp_path, *arguments)
        assert done.returncode == 78
        assert "line 2: there is no key mqqt; did you mean mqtt?" in done.stderr
        assert "line 3: camera.rate_hz" in done.stderr
        assert "Traceback" not in done.stderr


def test_check_shows_the_settings_without_their_secrets(tmp_path: Path) -> None:
    done = robotd(tmp_path, "check", "--show", "--set", "mqtt.password=hunter2")
    assert done.returncode == 0, done.stderr
    assert "robot_id: robot" in done.stdout
    assert "hunter2" not in done.stdout
    assert "voice model: voice_prosody+voice_features+voice_mel: ok" in done.stdout


def test_check_fails_on_models_that_can_not_be_used(tmp_path: Path) -> None:
    wrong = [
        f"{key}=face_imago" for key in ("face.model", "words.model", "words.keywords", "song.model", "score.model")
    ]
    done = robotd(tmp_path, "check", *(part for one in wrong for part in ("--set", one)), "--set", "fusion.kind=mid")
    assert done.returncode == 1
    assert "face model: no face model is called 'face_imago'; did you mean face_image?" in done.stderr
    for what in ("words", "keywords", "song", "score"):
        assert f"{what} model: no {what} model is called 'face_imago'" in done.stderr
    assert "fusion model: fusion_mid: ok" in done.stdout


def test_devices_are_listed_by_kind(tmp_path: Path) -> None:
    done = robotd(tmp_path, "devices")
    assert done.returncode == 0
    assert [line for line in done.stdout.splitlines() if line.endswith(":")] == [
        "microphones (microphone.device):",
        "cameras (camera.source):",
        "MIDI outputs (midi.port):",
        "MIDI inputs (midi.input):",
        "synthesizer of this machine (midi.synth):",
    ]


def test_models_are_told_as_json(tmp_path: Path) -> None:
    models = {model["name"]: model for model in json.loads(robotd(tmp_path, "models", "--json").stdout)}
    assert models["voice_mel"]["state"] == "ok"
    assert models["voice_mel"]["measured"]


def test_songs_are_imported_and_recommended_with_a_reason(tmp_path: Path) -> None:
    songs = tmp_path / "songs.csv"
    songs.write_text(
        "Title,Artist,URI,Valence,Arousal\n"
        "Still Water,Ann,file:///a.ogg,0.61,-0.52\n"
        "Broken,Ann,file:///b.ogg,much,0\n"
        "Storm,Bob,file:///c.ogg,-0.7,0.8\n"
    )
    done = robotd(tmp_path, "library", "import", str(songs), "--yes")
    assert done.returncode == 0
    assert "line 3" in done.stderr
    assert "2 added, 0 updated, 1 rejected" in done.stdout
    assert "2 updated" in robotd(tmp_path, "library", "import", str(songs), "--yes").stdout
    listed = [json.loads(line)["title"] for line in robotd(tmp_path, "library", "list", "--json").stdout.splitlines()]
    assert {"Still Water", "Storm"} <= set(listed)
    asked = ("recommend", "--valence", "0.6", "--arousal", "-0.5", "--json")
    recommendation = json.loads(robotd(tmp_path, *asked).stdout)
    assert recommendation["tracks"][0]["title"] == "Still Water"
    assert recommendation["tracks"][0]["why"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("run", "--fast"), "--clip"),
        (("run", "--for", "soon"), "--for"),
        (("run", "--clip", "none.mp4", "--fast"), "none.mp4"),
        (("library", "import", "none.csv"), "none.csv"),
        (("recommend", "--valence", "3", "--arousal", "0"), "--valence"),
        (("perceive", "--model", "x", "y.png"), "--as"),
        (("run", "--set", "mqtt.prot=1"), "did you mean mqtt.port?"),
        (("run", "--config", "none.yaml"), "none.yaml"),
    ],
)
def test_mistakes_are_told_without_a_traceback(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    done = robotd(tmp_path, *arguments)
    assert done.returncode != 0
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_damaged_library_is_told_and_left_as_it_is(tmp_path: Path) -> None:
    damaged = tmp_path / "library.sqlite3"
    damaged.write_bytes(b"no database " * 1000)
    done = robotd(tmp_path, "recommend", "--valence", "0", "--arousal", "0")
    assert done.returncode == 1
    assert "library.sqlite3" in done.stderr
    assert damaged.read_bytes() == b"no database " * 1000
