from __future__ import annotations

from pathlib import Path

import pytest

from robotd.daemon.switches import Switches, load_switches, save_switches


@pytest.fixture(autouse=True)
def _state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path))


def test_untouched_switches_stand_as_configured() -> None:
    assert load_switches("recommend") == Switches(mode="recommend")


def test_switches_survive_a_restart() -> None:
    switches = Switches(mode="compose", microphone_muted=True)
    save_switches(switches)
    assert load_switches("both") == switches


@pytest.mark.parametrize("text", ["", "[]", '{"mode": 3', '{"loud": true}', '{"mode": "loud"}', '{"camera_muted": 3}'])
def test_a_damaged_file_is_told_and_the_defaults_hold(
    tmp_path: Path, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "switches.json").write_text(text)
    assert load_switches("both") == Switches()
    assert "switches.json" in caplog.text
