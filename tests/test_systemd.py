"""The units of systemd/, as systemd itself judges them, and robotd as they start it."""

from __future__ import annotations

import configparser
import re
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from robotd.errors import ConfigError

ROOT = Path(__file__).parent.parent

needs_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed (package systemd)"
)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A checkout of nothing but the units and what checks them."""
    shutil.copytree(ROOT / "systemd", tmp_path / "systemd")
    (tmp_path / "tools").mkdir()
    shutil.copy(ROOT / "tools/check-units.sh", tmp_path / "tools")
    return tmp_path


def check_units(checkout: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([checkout / "tools/check-units.sh"], capture_output=True, text=True, check=False)


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


@needs_systemd
def test_the_units_are_sound_and_the_exposure_is_low(copy: Path) -> None:
    done = check_units(copy)

    assert done.returncode == 0, done.stderr
    exposure = re.search(r"exposure level for robotd.service: ([\d.]+)", done.stdout)
    assert exposure
    assert float(exposure[1]) <= 2.0


@needs_systemd
@pytest.mark.parametrize("unit", ["robotd.service", "robotd-user.service"])
def test_a_key_that_systemd_does_not_know_is_found(copy: Path, unit: str) -> None:
    replace(copy / "systemd" / unit, "UMask=", "UMasque=")

    done = check_units(copy)

    assert done.returncode != 0
    assert "Unknown key 'UMasque'" in done.stderr


@needs_systemd
def test_a_door_left_open_is_found(copy: Path) -> None:
    for lock in ("ProtectSystem=strict", "PrivateTmp=yes", "NoNewPrivileges=yes", "CapabilityBoundingSet="):
        replace(copy / "systemd/robotd.service", f"{lock}\n", "")

    assert check_units(copy).returncode != 0


@pytest.mark.parametrize("unit", ["robotd.service", "robotd-user.service"])
def test_a_wrong_configuration_is_not_started_again(unit: str) -> None:
    service = read(unit)

    assert service["Restart"] == "on-failure"
    assert service["RestartPreventExitStatus"] == str(ConfigError.exit_code)


def test_what_the_unit_starts_tells_systemd_how_it_is(tmp_path: Path) -> None:
    service = read("robotd.service")
    program, *arguments = service["ExecStart"].split()
    assert Path(program).name == "robotd"
    state = tmp_path / "state"
    shutil.copy(ROOT / "config.yaml", tmp_path)  # found first, whatever this machine has in /etc
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(30)
        # Nothing but what systemd sets, so that nothing of this session can be relied on.
        environment = {
            "HOME": str(state),
            "STATE_DIRECTORY": str(state),
            "NOTIFY_SOCKET": str(tmp_path / "notify"),
            "WATCHDOG_USEC": "400000",
            "PATH": "/usr/bin:/bin",
        }
        quiet = ["--set", "input=scene", "--set", "mqtt.enabled=false", "--set", "midi.enabled=false"]
        robotd = subprocess.Popen([sys.executable, "-m", "robotd", *arguments, *quiet], cwd=tmp_path, env=environment)
        try:
            hear(manager, "READY=1")
            hear(manager, "STATUS=")
            hear(manager, "WATCHDOG=1")
            robotd.send_signal(signal.SIGTERM)
            hear(manager, "STOPPING=1")
            assert robotd.wait(timeout=10) == 0
        finally:
            robotd.kill()
            robotd.wait()


def read(unit: str) -> configparser.SectionProxy:
    """Return the [Service] section; of keys that stand there twice, the last one."""
    parser = configparser.RawConfigParser(strict=False, delimiters=["="], comment_prefixes=["#"])
    parser.optionxform = str  # type: ignore[assignment, method-assign] # keys keep their capitals
    parser.read(ROOT / "systemd" / unit)
    return parser["Service"]


def hear(manager: socket.socket, wanted: str) -> None:
    """Wait until the daemon has said it."""
    while not any(line.startswith(wanted) for line in manager.recv(4096).decode().splitlines()):
        pass
