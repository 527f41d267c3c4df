"""A robot that is killed, and what becomes of its reader process."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import psutil


class Parent:
    """A Python script that opens a sense and prints the number of its reader process.

    Args:
        script: what it runs.
        arguments: what it is given.
    """

    def __init__(self, script: str, *arguments: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", script, *arguments],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        )
        assert self._process.stdout is not None
        self.reader = psutil.Process(int(self._process.stdout.readline()))

    def kill(self) -> None:
        """Kill the parent alone."""
        self._process.kill()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()

    def reader_ends(self, within_s: float = 30.0) -> bool:
        """Return whether the reader ends; where nobody reaps orphans it stays behind as a zombie."""
        end_s = time.monotonic() + within_s
        while time.monotonic() < end_s:
            try:
                if self.reader.status() == psutil.STATUS_ZOMBIE:
                    return True
            except psutil.NoSuchProcess:
                return True
            time.sleep(0.05)
        return False
