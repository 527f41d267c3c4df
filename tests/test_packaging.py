"""What travels in the wheel, and that it is enough to work far from the checkout."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parent.parent
LIMIT_BYTES = 25_000_000


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder), str(ROOT))
    return next(folder.glob("robotd-*.whl"))


@pytest.fixture(scope="module")
def names(wheel: Path) -> set[str]:
    return {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}


def pip(*arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pip", "--quiet", *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_the_default_configuration_travels(wheel: Path) -> None:
    assert zipfile.ZipFile(wheel).read("robotd/config.yaml") == (ROOT / "config.yaml").read_bytes()


def test_every_model_of_the_manifest_travels_or_can_be_fetched(names: set[str]) -> None:
    models = yaml.safe_load((ROOT / "models_onnx/manifest.yaml").read_text())["models"]

    assert "robotd/models_onnx/manifest.yaml" in names
    for entry in models.values():
        travels = f"robotd/models_onnx/{entry['file']}" in names
        assert travels == ("fetch" not in entry), entry["file"]


@pytest.mark.parametrize("package", ["robotd", "export"])
def test_the_packages_travel_whole(names: set[str], package: str) -> None:
    installed = {"robotd": "robotd", "export": "robotd_export"}[package]
    here = {
        f"{installed}/{path.relative_to(ROOT / package)}"
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }

    assert here - names == set()


def test_the_scene_and_the_album_travel(names: set[str]) -> None:
    assert "robotd/scene/scene.mp4" in names
    assert any(name.startswith("robotd/music/album/") and name.endswith(".mid") for name in names)


def test_nothing_else_travels(wheel: Path, names: set[str]) -> None:
    assert {name.split("/")[0] for name in names} == {"robotd", "robotd_export"}
    assert not [name for name in names if "__pycache__" in name or "/test" in name]
    assert wheel.stat().st_size < LIMIT_BYTES


def test_installed_elsewhere_it_finds_all_that_it_needs(wheel: Path, tmp_path: Path) -> None:
    venv = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True)
    pip("--python", str(venv / "bin/python"), "install", "--no-deps", "--no-index", str(wheel))
    # Its libraries are ours; a .pth file lends them without the checkout, which ours are linked to.
    site = sysconfig.get_path("purelib", vars={"base": str(venv)})
    (Path(site) / "libraries.pth").write_text(sysconfig.get_path("purelib"))
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    shutil.copy(ROOT / "config.yaml", tmp_path)  # found first, whatever this machine has in /etc

    def robotd(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [str(venv / "bin/robotd"), *arguments]
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)

    where = subprocess.run(
        [venv / "bin/python", "-c", "import robotd; print(robotd.__file__)"],
        cwd=tmp_path, env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert Path(where.stdout).is_relative_to(venv)
    assert robotd("--version").stdout.startswith("robotd ")
    checked = robotd("check")
    assert checked.returncode == 0, checked.stderr
    ran = robotd("run", "--for", "1", "-s", "input=scene", "-s", "mqtt.enabled=false", "-s", "midi.enabled=false")
    assert ran.returncode == 0, ran.stderr
    assert "feelings" in ran.stderr
