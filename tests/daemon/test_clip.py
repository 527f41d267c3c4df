from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.daemon.robots import QUIET, SCENE, Finished, finish

WALL_CLOCK = ("time", "id")


def timeless(said: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{key: value for key, value in message.items() if key not in WALL_CLOCK} for message in said]


def excerpt(folder: Path, seconds: float, *options: str) -> Path:
    path = folder / "excerpt.mkv"
    cut = ["ffmpeg", "-loglevel", "error", "-i", str(SCENE), "-t", str(seconds), *options, str(path)]
    subprocess.run(cut, check=True)
    return path


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    return finish(tmp_path_factory.mktemp("state"), "run", "--clip", str(SCENE), "--fast", "--json")


def test_a_clip_gives_feelings_whose_probabilities_sum_to_one(scene: Finished) -> None:
    assert scene.code == 0
    feelings = scene.of("feeling")
    assert len(feelings) >= 40
    for feeling in feelings:
        assert len(feeling["probabilities"]) == 8
        assert sum(feeling["probabilities"].values()) == pytest.approx(1.0, abs=1e-6)


def test_the_smiling_face_of_the_scene_is_happy(scene: Finished) -> None:
    seen = [feeling["face"]["label"] for feeling in scene.of("feeling") if feeling["face"]]
    assert seen.count("happy") > len(seen) / 2


def test_faces_that_come_and_go_and_utterances_are_events(scene: Finished) -> None:
    events = [event["event_type"] for event in scene.of("event")]
    assert events.count("face_seen") >= 1
    assert events.count("utterance") >= 3
    assert events.count("face_lost") in {events.count("face_seen") - 1, events.count("face_seen")}


def test_a_recommendation_can_be_played_and_says_why(scene: Finished) -> None:
    recommendation = scene.of("recommendation")[0]
    track = recommendation["tracks"][0]
    assert Path(track["uri"].removeprefix("file://")).is_file()
    assert "mood" in track["why"]


def test_the_summary_counts(scene: Finished) -> None:
    summary = dict(line.rsplit("  ", 1) for line in scene.log.splitlines() if line.startswith("  "))
    counts = {name.strip(): value.strip() for name, value in summary.items()}
    assert int(counts["feelings"]) == len(scene.of("feeling"))
    assert int(counts["frames"]) > 200
    assert int(counts["utterances"]) >= 3
    assert int(counts["notes played"]) > 50
    assert int(counts["recommendations"]) == len(scene.of("recommendation"))


def test_fast_and_real_speed_give_the_same(tmp_path: Path) -> None:
    clip = str(excerpt(tmp_path, 5))
    fast = finish(tmp_path, "run", "--clip", clip, "--fast", "--json")
    real = finish(tmp_path, "run", "--clip", clip, "--json")
    for kind in ("feeling", "event"):
        assert fast.of(kind)
        assert timeless(fast.of(kind)) == timeless(real.of(kind))


@pytest.mark.parametrize(("option", "silent"), [("-an", "voice"), ("-vn", "face")])
def test_a_clip_may_lack_sound_or_pictures(tmp_path: Path, option: str, silent: str) -> None:
    done = finish(tmp_path, "run", "--clip", str(excerpt(tmp_path, 8, option)), "--fast", "--json")
    assert done.code == 0
    assert all(feeling[silent] is None for feeling in done.of("feeling"))
    assert any(feeling["label"] != "unknown" for feeling in done.of("feeling"))


def test_what_was_played_can_be_recorded(tmp_path: Path) -> None:
    record = tmp_path / "played.mid"
    done = finish(tmp_path, "run", "--clip", str(excerpt(tmp_path, 8)), "--fast", "--record", str(record))
    assert done.code == 0
    assert record.read_bytes().startswith(b"MThd")


def test_an_unreadable_clip_is_told_in_one_line(tmp_path: Path) -> None:
    rubbish = tmp_path / "rubbish.mp4"
    rubbish.write_bytes(b"this is no film" * 100)
    done = finish(tmp_path, "run", "--clip", str(rubbish), "--fast")
    assert done.code == 1
    assert "rubbish.mp4" in done.log
    assert "Traceback" not in done.log


def test_a_missing_model_leaves_the_other_modality(tmp_path: Path) -> None:
    settings = (*QUIET, "voice.model=voice_mal")
    done = finish(tmp_path, "run", "--clip", str(excerpt(tmp_path, 3)), "--fast", "--json", settings=settings)
    assert done.code == 0
    assert "did you mean voice_mel?" in done.log
    assert all(feeling["voice"] is None for feeling in done.of("feeling"))
    assert any(feeling["face"] for feeling in done.of("feeling"))
