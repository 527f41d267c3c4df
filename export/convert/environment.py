"""Python environments of their own for converters that are too heavy, or too choosy, for the one of robotd."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import ExportError

if TYPE_CHECKING:
    from collections.abc import Iterator

_WORKERS = Path(__file__).with_name("workers")
#: Workers end their errors with a line that begins so; anything else is a crash.
_REASON = "cannot: "


@dataclass(frozen=True, slots=True)
class Environment:
    """A virtual environment that is made when it is first needed.

    Attributes:
        name: of its folder.
        requirements: for pip, pinned: what was tried together.
        alone: what pip shall install without its dependencies, which are there already under another name.
        size: of its download and of it, for people.
    """

    name: str
    requirements: tuple[str, ...]
    size: str
    alone: tuple[str, ...] = ()

    @property
    def folder(self) -> Path:
        """Where it lies: another one for each Python and each set of requirements."""
        wanted = "\n".join([sys.version, sys.base_prefix, *self.requirements, *self.alone])
        digest = hashlib.sha256(wanted.encode()).hexdigest()[:12]
        caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        return caches / "robotd-export" / f"{self.name}-{digest}"

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.folder / "bin" / "python"

    @property
    def exists(self) -> bool:
        """Whether it has been made."""
        return self._stamp.is_file()

    @property
    def _stamp(self) -> Path:
        return self.folder / "made"

    def prepare(self) -> None:
        """Make it unless that has been done; only one process does so at a time.

        Raises:
            ExportError: it can't be made: no room, no network, no wheels for this machine.
        """
        try:
            self.folder.parent.mkdir(parents=True, exist_ok=True)
            with _locked(self.folder.with_suffix(".lock")):
                if not self.exists:
                    self._make()
        except OSError as error:
            raise ExportError(f"can't make the environment {self.name} in {self.folder}: {error}") from error

    def _make(self) -> None:
        sys.stderr.write(f"making the environment {self.name} ({self.size}) in {self.folder}, once ...\n")
        shutil.rmtree(self.folder, ignore_errors=True)
        try:
            self._step([sys.executable, "-m", "venv", str(self.folder)], "install the package python3-venv")
            for options, wanted in (([], self.requirements), (["--no-deps"], self.alone)):
                if wanted:
                    install = [str(self.python), "-m", "pip", "install", *options, *wanted]
                    remedy = f"is the network up? To try it by hand: {' '.join(install)}"
                    self._step([*install, "--quiet", "--no-input", "--no-cache-dir"], remedy)
        except BaseException:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise
        self._stamp.touch()

    def _step(self, command: list[str], remedy: str) -> None:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", check=False
        )
        if done.returncode:
            told = [line for line in (done.stderr + done.stdout).splitlines() if line.strip()]
            errors = [line for line in told if line.startswith("ERROR")] or told or [f"exit code {done.returncode}"]
            raise ExportError(f"can't make the environment {self.name} ({errors[-1].strip()}); {remedy}")


#: PyTorch to TFLite, and TFLite to int8.
LITERT = Environment(
    "litert",
    ("litert-torch==0.10.0", "ai-edge-quantizer==0.10.0", "torch==2.13.0"),
    "2.1 GB; with torch for CUDA, where PIP_EXTRA_INDEX_URL doesn't name its CPU wheels, several more",
)
#: Keras to ONNX and to TFLite, and TFLite to int8.
TENSORFLOW = Environment(
    "tensorflow",
    ("tensorflow-cpu==2.21.0", "tf2onnx==1.17.0", "onnx==1.23.2", "ai-edge-quantizer==0.10.0"),
    "1.9 GB",
    # Reads what Keras 2 wrote; it asks for the package `tensorflow`, the same with support for GPUs.
    alone=("tf_keras==2.21.0",),
)


def run_worker(environment: Environment, worker: str, *arguments: str | Path) -> None:
    """Run a script of `workers/` in an environment, which is made first where it is missing.

    Raises:
        ExportError: the environment can't be made, or the worker can't do it: its reason.
    """
    environment.prepare()
    command = [str(environment.python), "-I", str(_WORKERS / f"{worker}.py"), *map(str, arguments)]
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1", "TF_ENABLE_ONEDNN_OPTS": "0"}
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        env=os.environ | quiet,
    )
    if done.returncode:
        told = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        reasons = [line.removeprefix(_REASON) for line in told if line.startswith(_REASON)]
        raise ExportError((reasons or told or [f"{worker} ended with exit code {done.returncode}"])[-1])


@contextmanager
def naming(source: Path) -> Iterator[None]:
    """Begin errors with the file that they are about, unless they do already."""
    try:
        yield
    except ExportError as error:
        if str(error).startswith(str(source)):
            raise
        raise ExportError(f"{source}: {error}") from error


@contextmanager
def _locked(file: Path) -> Iterator[None]:
    with file.open("w", encoding="utf-8") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield
