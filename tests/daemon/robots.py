"""Real robots for the tests: `robotd` as a process of its own, with a state of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

SCENE = Path(__file__).parents[2] / "robotd" / "scene" / "scene.mp4"
#: Nothing that a machine happens to have may change what a test sees.
QUIET = ("midi.enabled=false", "mqtt.enabled=false", "input=scene")


@dataclass(frozen=True)
class Finished:
    """A robot that has ended."""

    code: int
    said: list[dict[str, Any]]
    log: str

    def of(self, kind: str) -> list[dict[str, Any]]:
        """Return what it said of a kind."""
        return [message for message in self.said if message["type"] == kind]


def bare(folder: Path) -> Path:
    """Put an empty configuration into a folder, so that none of the machine's own is found there."""
    (folder / "config.yaml").touch()
    return folder


def command(*arguments: str, settings: tuple[str, ...] = ()) -> list[str]:
    """Return a command line of robotd."""
    overrides = [part for setting in settings for part in ("--set", setting)]
    return [sys.executable, "-m", "robotd", *arguments, *overrides]


def environment(state: Path, **more: str) -> dict[str, str]:
    """Return an environment in which robotd keeps its state in a folder."""
    return os.environ | {"STATE_DIRECTORY": str(state), "COLUMNS": "200"} | more


def finish(state: Path, *arguments: str, settings: tuple[str, ...] = QUIET, timeout_s: float = 60) -> Finished:
    """Run robotd to its end."""
    done = subprocess.run(
        command(*arguments, settings=settings),
        env=environment(state),
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
        cwd=bare(state),
    )
    said = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return Finished(done.returncode, said, done.stderr)


class RunningRobot:
    """`robotd run` in the background, for the length of a `with` block.

    Args:
        state: where it keeps its state.
        settings: as for `--set`.
        config: a configuration file.
        env: more environment.
    """

    def __init__(
        self, state: Path, *settings: str, config: Path | None = None, env: dict[str, str] | None = None
    ) -> None:
        arguments = ["run", "--json", *(["--config", str(config)] if config else [])]
        self._command = command(*arguments, settings=settings)
        self._env = environment(state, **(env or {}))
        self._state = state
        self.log_file = state / "robot.log"
        self.said_file = state / "robot.jsonl"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        with self.log_file.open("ab") as log, self.said_file.open("ab") as said:
            self._process = subprocess.Popen(
                self._command, env=self._env, stdout=said, stderr=log, cwd=bare(self._state)
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def log(self) -> str:
        return self.log_file.read_text()

    def said(self, kind: str) -> list[dict[str, Any]]:
        """Return what it said so far of a kind."""
        lines = self.said_file.read_text().splitlines(keepends=True)
        messages = [json.loads(line) for line in lines if line.endswith("\n")]
        return [message for message in messages if message["type"] == kind]

    def send(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    def stop(self, number: signal.Signals = signal.SIGTERM, within_s: float = 5.0) -> int:
        """Ask it to stop and return its exit code; fails if it takes longer than it may."""
        assert self._process is not None
        self.send(number)
        return self._process.wait(timeout=within_s)
