"""The commands as a whole: what they offer, and how they tell of what went wrong."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from export.__main__ import app
from export.data.sets import NEEDS
from export.recipes import NAMES

COMMANDS = (
    *("train", "build", "measure", "convert", "quantise", "verify", "card", "add"),
    *("heard", "keywords", "taste", "situnes", "data check"),
)


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, list(map(str, arguments)), catch_exceptions=False)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_examples(command: str) -> None:
    result = run(*command.split(), "--help")
    assert result.exit_code == 0
    assert "Examples:" in result.output


def test_the_workshop_starts_without_torch() -> None:
    code = "import sys; import export.__main__; sys.exit('torch' in sys.modules or 'onnx' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_train_lists_its_recipes() -> None:
    pytest.importorskip("torch", reason="torch is not installed (pip install robotd[export])")
    for arguments in (["train", "--list"], ["recipes"]):
        result = run(*arguments)
        assert result.exit_code == 0
        for name in NAMES:
            assert name in result.output
            assert NEEDS[name][0] in result.output


@pytest.mark.parametrize("command", ["train", "build", "measure"])
@pytest.mark.parametrize(("name", "told"), [("judg", "did you mean judge?"), ("xyz", "there are: face_image")])
def test_an_unknown_recipe(command: str, name: str, told: str) -> None:
    result = run(command, name)
    assert result.exit_code == 2
    assert told in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_no_recipe_at_all() -> None:
    result = run("train")
    assert result.exit_code == 2
    assert "say which recipe" in result.stderr


def test_missing_data_is_told_by_what_is_looked_for(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="torch is not installed (pip install robotd[export])")
    out = tmp_path / "models"
    result = run("train", "judge", "--data", tmp_path / "nowhere", "--out", out)
    assert result.exit_code == 1
    assert "there is no such folder" in result.stderr
    (tmp_path / "data").mkdir()
    result = run("train", "judge", "--data", tmp_path / "data", "--out", out)
    assert result.exit_code == 1
    assert "EMOPIA isn't below" in result.stderr
    assert "midis/*.mid" in result.stderr
    assert "`data check" in result.stderr
    assert not out.exists()


def test_a_folder_for_models_that_cannot_be_written_is_told_before_the_training(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="torch is not installed (pip install robotd[export])")
    (tmp_path / "file").write_text("in the way")
    result = run("train", "judge", "--quick", "--out", tmp_path / "file" / "models", "--checkpoints", tmp_path)
    assert result.exit_code == 1
    assert "can't be made" in result.stderr
    assert not list(tmp_path.glob("*.pt"))


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")
def test_train_build_and_measure_follow_each_other(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="torch is not installed (pip install robotd[export])")
    pytest.importorskip("onnxscript", reason="onnxscript is not installed (pip install robotd[export])")
    places: list[str | Path] = ["--out", tmp_path / "models", "--checkpoints", tmp_path / "state"]
    assert "there is no such checkpoint" in run("build", "judge", "--quick", *places).stderr
    assert "there is no such file" in run("measure", "judge", "--quick", "--out", tmp_path / "models").stderr
    trained = run("train", "judge", "--quick", *places)
    assert trained.exit_code == 0, trained.output
    built = run("build", "judge", "--quick", *places)
    assert built.exit_code == 0, built.output
    figures = [[line for line in result.output.splitlines() if "_accuracy" in line] for result in (trained, built)]
    assert figures[0]
    assert figures[0] == figures[1]
    measured = run("measure", "judge", "--quick", "--out", tmp_path / "models")
    assert measured.exit_code == 0, measured.output
    assert "generated: accuracy" in measured.output


def test_a_missing_package_is_told_with_the_remedy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "skops.io", None)
    (tmp_path / "net.skops").write_bytes(b"something")
    result = run("convert", tmp_path / "net.skops")
    assert result.exit_code == 1
    assert result.stderr == "export: skops is not installed: pip install 'robotd[export]'\n"


def test_a_full_disk_is_told_in_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device", "new.onnx")

    (tmp_path / "net.onnx").write_bytes(b"something")
    monkeypatch.setattr("export.convert.sources._to_onnx", full)
    result = run("convert", tmp_path / "net.onnx", "-o", tmp_path / "new.onnx")
    assert result.exit_code == 1
    assert result.stderr == "export: new.onnx: No space left on device\n"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["net.onnx"]
