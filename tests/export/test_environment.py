"""Environments of their own for heavy converters: made once, and their errors told in one line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from export.convert import environment as module
from export.convert.environment import Environment, naming, run_worker
from export.errors import ExportError

EMPTY = Environment("empty", (), "30 MB")


@pytest.fixture(scope="module", autouse=True)
def caches(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """All tests share a folder, for making an environment takes seconds."""
    folder = tmp_path_factory.mktemp("caches")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder))
        yield folder


def test_it_is_made_once(caches: Path, capfd: pytest.CaptureFixture[str]) -> None:
    there_before = EMPTY.exists
    EMPTY.prepare()
    assert not there_before
    assert EMPTY.exists
    assert EMPTY.python.is_file()
    assert EMPTY.folder.parent == caches / "robotd-export"
    assert "making the environment empty (30 MB)" in capfd.readouterr().err
    EMPTY.prepare()
    assert not capfd.readouterr().err


def test_other_requirements_have_another_folder() -> None:
    assert EMPTY.folder != Environment("empty", ("numpy==2.0.0",), "30 MB").folder
    assert EMPTY.folder != Environment("empty", (), "30 MB", alone=("numpy==2.0.0",)).folder


def test_what_cannot_be_installed_is_told_and_nothing_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    wanted = Environment("unreachable", ("numpy==1.0.0.0",), "1 MB")
    with pytest.raises(
        ExportError, match=r"can't make the environment unreachable \(ERROR: .*numpy.*is the network up"
    ) as told:
        wanted.prepare()
    assert "\n" not in str(told.value)
    assert not wanted.folder.exists()


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "caches").write_text("not a folder")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))
    with pytest.raises(ExportError, match="can't make the environment empty"):
        EMPTY.prepare()


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("import sys; sys.exit('noise\\ncannot: read such a thing\\nmore noise')", "read such a thing"),
        ("raise ValueError('it crashed')", "ValueError: it crashed"),
        ("import os; os.abort()", "worker ended with exit code -6"),
    ],
)
def test_a_worker_that_fails_says_why(script: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_WORKERS", tmp_path)
    (tmp_path / "worker.py").write_text(script)
    with pytest.raises(ExportError) as failure:
        run_worker(EMPTY, "worker")
    assert told in str(failure.value)


def test_a_worker_gets_its_arguments_as_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_WORKERS", tmp_path)
    (tmp_path / "worker.py").write_text("import sys, pathlib; pathlib.Path(sys.argv[1]).write_text(sys.argv[2])")
    run_worker(EMPTY, "worker", tmp_path / "with space", "$(echo no shell)")
    assert (tmp_path / "with space").read_text() == "$(echo no shell)"


def test_errors_name_the_file_once(tmp_path: Path) -> None:
    file = tmp_path / "model.onnx"
    with pytest.raises(ExportError, match=r"^.*model\.onnx: is broken$"), naming(file):
        raise ExportError("is broken")
    with pytest.raises(ExportError) as told, naming(file):
        raise ExportError(f"{file}: is broken")
    assert str(told.value) == f"{file}: is broken"
