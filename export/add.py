"""Puts somebody's own model into the manifest, once the daemon's runtime has run it."""

from __future__ import annotations

import contextlib
import difflib
import hashlib
import re
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import ValidationError

from robotd.config import Runtime
from robotd.emotion import EMOTIONS, SYNONYMS, Quadrant, emotion_named
from robotd.errors import ModelError
from robotd.perceive.manifest import Manifest, ModelEntry, Tensor, load_manifest
from robotd.perceive.runtime import Model

from .card import MANIFEST, write_entry
from .compare import latency_ms
from .describe import describe, made_up, opened
from .errors import AskedError, ExportError, first_line
from .samples import labelled_from
from .verify import figures
from .whole import whole

if TYPE_CHECKING:
    from collections.abc import Sequence

    from robotd.perceive.manifest import Task

TASKS: tuple[Task, ...] = ("face", "voice", "words", "song", "score")
#: Tasks whose classes are emotions.
_EMOTIONS = frozenset({"face", "voice"})
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_LOGITS, _RATINGS = "divide by the temperature, then softmax", "a rating for each label"
_UNSAID = "not stated"


def add(
    name: str,
    file: Path,
    task: Task,
    labels: Sequence[str],
    folder: Path,
    *,
    licence: str = _UNSAID,
    data: str = _UNSAID,
    temperature: float = 1.0,
    vocabulary: Path | None = None,
    examples: Path | None = None,
    replace: bool = False,
) -> ModelEntry:
    """Copy a model into a folder of models and enter it in the manifest there; nothing is left of it if that fails.

    Args:
        name: by which the daemon is to know it.
        file: .onnx or .tflite.
        task: what it is for.
        labels: its classes or ratings, in the order of its first output.
        folder: the models and their manifest.
        licence: terms of the data that it learnt from.
        data: which data that is.
        temperature: that its logits are divided by.
        vocabulary: pieces of text, one a line, that its tokens stand for.
        examples: .npz with `inputs` and `labels`, to measure its accuracy.
        replace: another model of that name may be overwritten.

    Raises:
        ExportError: it doesn't fit the task.
        ModelError: the daemon's runtime can't run it.
    """
    _check_name(name, folder, replace=replace)
    tensors = describe(file)
    _check_labels(task, labels, tensors.outputs[0])
    meaning = _meaning_of_input(task, tensors.input)
    first = tensors.outputs[0].model_copy(update={"meaning": _RATINGS if task == "song" else _LOGITS})
    entered: dict[str, Any] = {
        "task": task,
        "format": tensors.format,
        "file": f"{name}{file.suffix.lower()}",
        "sha256": _sha256(file),
        "input": tensors.input.model_copy(update={"meaning": meaning}),
        "outputs": (first, *tensors.outputs[1:]),
        "labels": tuple(labels),
        "temperature": temperature,
        "licence": licence,
        "data": data,
        "card": f"{name}.md",
    }
    if vocabulary is not None:
        if not vocabulary.is_file():
            raise ExportError(f"{vocabulary}: there is no such file")
        entered["vocabulary"] = {"file": f"{name}_vocab.txt", "sha256": _sha256(vocabulary)}
    try:
        entry = ModelEntry.model_validate(entered)
    except ValidationError as error:
        raise ExportError(f"{name}: can't be entered ({first_line(error)})") from error
    _prove(name, task, entry, file, vocabulary)
    measured = {"latency_ms": round(latency_ms(file), 3), "size_kb": round(file.stat().st_size / 1000)}
    if examples is not None:
        measured = _accuracy(name, task, entry, file, examples) | measured
    entry = entry.model_copy(update={"measured": measured})
    _write(name, entry, file, vocabulary, folder)
    return entry


def card_of(name: str, entry: ModelEntry) -> str:
    """Return the card of a model of which no recipe tells: what was measured, and what its maker has to say."""
    table = [
        "| | |",
        "|---|---|",
        f"| task | {entry.task} |",
        f"| input | `{entry.input.name}` {list(entry.input.shape)} {entry.input.dtype}: {entry.input.meaning} |",
        *(f"| output | `{o.name}` {list(o.shape)} {o.dtype}: {o.meaning or _UNSAID} |" for o in entry.outputs),
        f"| labels | {', '.join(entry.labels)} |",
        f"| temperature | {entry.temperature:g} |",
        f"| data | {entry.data or _UNSAID} |",
        f"| licence of the data | {entry.licence} |",
        f"| format | {'ONNX' if entry.format == 'onnx' else 'TFLite'} |",
        f"| sha256 | `{entry.sha256}` |",
    ]
    measured = [f"- {figure}: {value}" for figure, value in entry.measured.items()] or ["Nothing was measured."]
    asked = {
        "Architecture": "What is inside, and whose idea it was.",
        "Split": "Which people, songs or pictures it was measured on, and that it had never seen them.",
        "Limits": "Where it fails.",
        "Intended use": "What it is for, and what it must not be used for.",
    }
    return (
        "\n\n".join(
            [
                f"# {name}",
                f"A {entry.task} model that was added by hand.",
                "\n".join(table),
                "## Figures",
                "\n".join(measured),
                *(f"## {heading}\n\n{_UNSAID.capitalize()}. ({text})" for heading, text in asked.items()),
            ]
        )
        + "\n"
    )


def _check_name(name: str, folder: Path, *, replace: bool) -> None:
    if not _NAME.fullmatch(name):
        raise AskedError(f"{name!r} can't be a model's name: small letters, digits and _ only, a letter first")
    if (folder / MANIFEST).exists() and name in load_manifest(folder).models and not replace:
        raise AskedError(f"there is a model {name} in {folder} already; --replace overwrites it")


def _check_labels(task: Task, labels: Sequence[str], output: Tensor) -> None:
    if len(labels) != output.shape[-1]:
        raise ExportError(
            f"{len(labels)} labels, but the model's first output, {output.name}, is {list(output.shape)}: "
            f"it needs {output.shape[-1]}"
        )
    if task == "score" and tuple(labels) != tuple(quadrant.value for quadrant in Quadrant):
        raise ExportError("a score model must have the labels Q1,Q2,Q3,Q4, in this order")
    if task not in _EMOTIONS:
        return
    known = [*(emotion.value for emotion in EMOTIONS), *SYNONYMS]
    for label in labels:
        try:
            emotion_named(label)
        except ValueError as error:
            near = difflib.get_close_matches(label, known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"a {task} model's labels are of {', '.join(known)}"
            raise ExportError(f"no emotion is called {label!r}; {hint}") from error


def _meaning_of_input(task: Task, tensor: Tensor) -> str:
    """Return what the task's reader gives to a model, in the words of a shipped one of that shape."""
    for entry in load_manifest().models.values():
        if entry.task == task and entry.input.shape == tensor.shape:
            return entry.input.meaning
    return f"what robotd gives to a {task} model of this shape"


def _prove(name: str, task: Task, entry: ModelEntry, file: Path, vocabulary: Path | None) -> None:
    """Open the daemon's own reader of the task with the model, which tells what it takes, and run it once."""
    shipped_ones = load_manifest()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / entry.file).symlink_to(file.resolve())
        if vocabulary is not None and entry.vocabulary is not None:
            (folder / entry.vocabulary.file).symlink_to(vocabulary.resolve())
        manifest = Manifest((folder, *shipped_ones.folders), {**shipped_ones.models, name: entry})
        _open_reader(name, task, manifest)
        model = Model(name, task, manifest, Runtime())
        model.run(made_up(entry.input, 1))


def _open_reader(name: str, task: Task, manifest: Manifest) -> None:
    """Open what reads faces, voices ... with a model.

    Raises:
        ModelError: it doesn't take the model.
    """
    if task == "face":
        from robotd.config import Face
        from robotd.perceive.face import FaceReader

        FaceReader(Face(model=name), manifest, Runtime())
        return
    from robotd.perceive.score import ScoreReader
    from robotd.perceive.song import SongReader
    from robotd.perceive.voice import VoiceReader
    from robotd.perceive.words import WordsReader

    readers = {"voice": VoiceReader, "words": WordsReader, "song": SongReader, "score": ScoreReader}
    readers[task](name, manifest, Runtime())


def _accuracy(name: str, task: Task, entry: ModelEntry, file: Path, examples: Path) -> dict[str, Any]:
    labelled = labelled_from(examples, entry.input)
    if labelled.truth.ndim != 1 or labelled.truth.min() < 0 or labelled.truth.max() >= len(entry.labels):
        raise ExportError(f"{examples}: labels must be numbers of the {len(entry.labels)} labels, from 0")
    model = opened(name, task, entry.model_copy(update={"file": file.name}), file.parent)
    given = np.stack([model.run(one[None])[0].reshape(-1) for one in labelled.inputs])
    found = figures(given, labelled.truth, labelled.groups)
    return {
        "examples": found.examples,
        "accuracy": round(found.accuracy, 4),
        "accuracy_low": round(found.low, 4),
        "accuracy_high": round(found.high, 4),
        "recall": round(found.recall, 4),
    }


def _write(name: str, entry: ModelEntry, file: Path, vocabulary: Path | None, folder: Path) -> None:
    """Put the files into their places and then the entry into the manifest; new files go again if that fails."""
    copies = [(file, folder / entry.file)]
    if vocabulary is not None and entry.vocabulary is not None:
        copies.append((vocabulary, folder / entry.vocabulary.file))
    card = folder / f"{name}.md"
    new = [target for target in (*(target for _, target in copies), card) if not target.exists()]
    try:
        for source, target in copies:
            if source.resolve() != target.resolve():
                with whole(target) as part:
                    shutil.copyfile(source, part)
        with whole(card) as part:
            part.write_text(card_of(name, entry), encoding="utf-8")
        write_entry(folder, name, entry.model_dump(mode="json", exclude_none=True))
        load_manifest(folder)
    except Exception as error:
        for target in new:
            with contextlib.suppress(OSError):
                target.unlink(missing_ok=True)
        if isinstance(error, (OSError, ModelError)):
            raise ExportError(f"{folder}: the model can't be entered ({first_line(error)})") from error
        raise


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
