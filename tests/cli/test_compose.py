from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import mido
import pytest

from tests.daemon.robots import bare, command, environment

if TYPE_CHECKING:
    from pathlib import Path


def compose(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command("compose", *arguments),
        env=environment(folder),
        cwd=bare(folder),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_it_writes_a_piece_and_tells_what_the_judge_heard(tmp_path: Path) -> None:
    done = compose(tmp_path, "--quadrant", "Q1", "--bars", "8", "--seed", "4", "-o", "happy.mid")
    assert done.returncode == 0, done.stderr
    assert "happy.mid: 8 bars in" in done.stdout
    assert "judge_notes hears Q" in done.stdout
    assert mido.MidiFile(tmp_path / "happy.mid").length > 8


def test_as_json_for_a_point_and_for_a_melody_alone(tmp_path: Path) -> None:
    point = ("--valence", "-0.6", "--arousal", "-0.4")
    done = compose(tmp_path, *point, "--parts", "melody", "--bars", "6", "-o", "sad.mid", "--no-judge", "--json")
    told = json.loads(done.stdout)
    assert (told["quadrant"], told["bars"], told["heard"], told["problems"]) == ("Q3", 6, None, [])
    channels = {m.channel for m in mido.MidiFile(tmp_path / "sad.mid") if m.type == "note_on"}
    assert channels == {0}


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("-o", "x.mid"), "say what to compose for"),
        (("--valence", "0.5", "-o", "x.mid"), "--valence and --arousal"),
        (("--quadrant", "Q5", "-o", "x.mid"), "Q5"),
        (("--quadrant", "Q1", "-o", "nowhere/x.mid"), "there is no folder nowhere"),
        (("--quadrant", "Q1", "--parts", "melody,kazoo", "-o", "x.mid"), "kazoo"),
        (("--quadrant", "Q1", "-s", "compose.judge=judje", "-o", "x.mid"), "did you mean judge"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, arguments: tuple[str, ...], complaint: str) -> None:
    done = compose(tmp_path, *arguments)
    assert complaint in " ".join((done.stdout + done.stderr).replace("│", " ").split())
    assert "Traceback" not in done.stderr
