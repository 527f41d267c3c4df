"""tools/setup.sh and `make run` on boxes of all sorts. The box is made of a few programs that say what they did."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

#: A Python 3.11 that makes environments holding itself and a robotd.
PYTHON = """\
#!/bin/sh
case "$*" in
    *sys.exit*) exit ${UNFIT:-0} ;;
    *platform*) echo "3.13.0 64bit" ;;
    *print*) echo 3.11 ;;
    *"-m venv"*)
        mkdir -p .venv/bin
        cp "$0" .venv/bin/python
        cp ../box/robotd .venv/bin/robotd
        echo "venv" >>"$LOG" ;;
    *"pip install"*) echo "pip $*" | sed 's/-m pip //' >>"$LOG" ;;
esac
"""
ROBOTD = """\
#!/bin/sh
echo "robotd $*" >>"$LOG"
exit ${ROBOTD_EXIT:-0}
"""
DPKG_QUERY = """\
#!/bin/sh
for package in ${INSTALLED:-}; do echo "installed $package"; done
"""
APT_GET = """\
#!/bin/sh
echo "apt-get $*" | sed 's/ -[^ ]*//g; s/ DPkg[^ ]*//g' >>"$LOG"
"""
ROOT_ID = "#!/bin/sh\necho ${USER_ID:-0}\n"
NO_SUDO = "#!/bin/sh\nexit 1\n"


class Box:
    """A machine with a checkout that has never been set up."""

    def __init__(self, folder: Path) -> None:
        self.checkout = folder / "robotd"
        self.log = folder / "log"
        self.programs = folder / "box"
        self.programs.mkdir()
        for name, text in {
            "python3": PYTHON, "python3.10": PYTHON, "python3.11": PYTHON, "python3.12": PYTHON, "robotd": ROBOTD,
            "dpkg-query": DPKG_QUERY, "apt-get": APT_GET, "id": ROOT_ID, "sudo": NO_SUDO,
        }.items():  # fmt: skip
            (self.programs / name).write_text(text)
            (self.programs / name).chmod(0o755)
        for name in ("tools/setup.sh", "Makefile", "pyproject.toml", "models_onnx/manifest.yaml"):
            (self.checkout / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, self.checkout / name)

    def environment(self, **changes: str) -> dict[str, str]:
        path = f"{self.programs}:{os.environ['PATH']}"
        return {"PATH": path, "LOG": str(self.log), "INSTALLED": "libportaudio2", **changes}

    def run(self, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
        self.log.write_text("")
        return subprocess.run(
            command, cwd=self.checkout, env=self.environment(**environment), stdin=subprocess.DEVNULL,
            capture_output=True, text=True, check=False,
        )  # fmt: skip

    def did(self) -> list[str]:
        """What was done in the last run."""
        return self.log.read_text().splitlines()


@pytest.fixture
def box(tmp_path: Path) -> Box:
    return Box(tmp_path)


def test_the_first_set_up_does_it_all_and_the_second_nothing(box: Box) -> None:
    assert box.run("make", "setup").returncode == 0
    assert box.did() == ["venv", "pip install --quiet --disable-pip-version-check -e .[score]", "robotd models --fetch"]

    again = box.run("make", "setup")
    assert (again.returncode, again.stdout + again.stderr) == (0, "")
    assert box.did() == []


def test_a_changed_project_file_is_installed_again(box: Box) -> None:
    box.run("make", "setup")
    with (box.checkout / "pyproject.toml").open("a") as project:
        project.write("\n# another library\n")

    box.run("make", "setup")

    assert box.did() == ["pip install --quiet --disable-pip-version-check -e .[score]"]


def test_the_development_set_up_includes_the_other(box: Box) -> None:
    box.run("make", "setup-dev")
    assert "pip install --quiet --disable-pip-version-check -e .[score,dev]" in box.did()
    assert [line for line in box.did() if line.startswith("apt-get install") and "mosquitto" in line]

    box.run("make", "setup")
    assert box.did() == []


def test_missing_packages_are_named_and_installed(box: Box) -> None:
    done = box.run("make", "setup", INSTALLED="")

    assert "installing system packages: libportaudio2" in done.stderr
    assert box.did()[:2] == ["apt-get update", "apt-get install libportaudio2"]


def test_without_root_it_names_the_command_and_goes_on(box: Box) -> None:
    done = box.run("make", "setup", INSTALLED="", USER_ID="1000")

    assert done.returncode == 0
    assert "MISSING libportaudio2: going on without; to install: sudo apt-get install libportaudio2" in done.stderr
    assert box.did()[0] == "venv"


def test_without_models_it_goes_on_and_tries_again_the_next_time(box: Box) -> None:
    done = box.run("make", "setup", ROBOTD_EXIT="1")
    assert done.returncode == 0
    assert "some models are MISSING" in done.stderr

    box.run("make", "setup")
    assert box.did() == ["robotd models --fetch"]


def test_a_box_without_a_fitting_python_is_told_what_it_needs(box: Box) -> None:
    done = box.run("make", "setup", UNFIT="1")

    assert done.returncode != 0
    assert "robotd needs Python 3.10, 3.11 or 3.12 of 64 bits; python3 is 3.13.0 64bit" in done.stderr
    assert box.did() == []


def test_run_hands_its_arguments_on(box: Box) -> None:
    assert box.run("make", "run", 'ARGS=--for 20 --set "robot_id=my robot"').returncode == 0
    assert box.did()[-1] == "robotd run --for 20 --set robot_id=my robot"


def test_run_fails_when_robotd_does(box: Box) -> None:
    box.run("make", "setup")

    done = box.run("make", "run", ROBOTD_EXIT="78")

    assert done.returncode != 0
    assert "Error 78" in done.stderr


def test_a_signal_to_make_reaches_robotd(box: Box) -> None:
    box.run("make", "setup")
    (box.checkout / ".venv/bin/robotd").write_text(
        "#!/bin/bash\ntrap 'echo stopped >>\"$LOG\"; exit 0' TERM\necho started\nsleep 60 & wait\n"
    )
    with subprocess.Popen(
        ["make", "run"], cwd=box.checkout, env=box.environment(), stdout=subprocess.PIPE, start_new_session=True
    ) as make:
        try:
            assert make.stdout
            assert make.stdout.readline() == b"started\n"
            make.send_signal(signal.SIGTERM)
            make.wait(timeout=10)
        finally:
            os.killpg(make.pid, signal.SIGKILL)

    assert box.did()[-1] == "stopped"


def test_help_lists_every_target(box: Box) -> None:
    targets = [line.split(":")[0] for line in (ROOT / "Makefile").read_text().splitlines() if " ## " in line]

    shown = box.run("make").stdout

    assert len(targets) >= 8
    assert all(f"make {target} " in shown for target in targets)
