from __future__ import annotations

from pathlib import Path

import pytest

from robotd.daemon.switches import Switches, load_switches, save_switches


@pytest.fixture(autouse=True)
def _state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path))


def test_untouched_switches_mute_nothing_and_leave_the_mode_to_the_configuration() -> None:
    assert load_switches() == Switches(mode=None, microphone_muted=False, camera_muted=False, music_muted=False)


def test_switches_survive_a_restart() -> None:
    switches = Switches(mode="compose", microphone_muted=True)
    save_switches(switches)
    assert load_switches() == switches


@pytest.mark.parametrize("text", ["", "[]", '{"mode": 3', '{"loud": true}', '{"mode": "loud"}', '{"camera_muted": 3}'])
def test_a_damaged_file_is_told_and_the_defaults_hold(
    tmp_path: Path, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "switches.json").write_text(text)
    assert load_switches() == Switches()
    assert "switches.json" in caplog.text
