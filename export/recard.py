"""Writes the card of a model that is there already."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from robotd.perceive.manifest import load_manifest

from .add import card_of
from .card import CAPTIONS, MANIFEST, Files, write_card
from .errors import AskedError, ExportError
from .recipes import NAMES, recipe_named
from .whole import whole

if TYPE_CHECKING:
    from pathlib import Path

    from robotd.perceive.manifest import ModelEntry

_FIGURES = "## Figures"
#: How the paragraph over the figures begins, which is written anew.
_KEY = "`before` is"
#: How the paragraph under the figures of a recipe's card begins.
_CAPTIONS = tuple(caption.split(",")[0] for caption in CAPTIONS.values())
#: The first part of a card that a person fills in.
_OWN = "## Architecture"


def rewrite(name: str, folder: Path) -> Path:
    """Write the card of a model of a manifest anew and return where it is.

    Raises:
        AskedError: the manifest has no such model.
        ExportError: there is no manifest, or the figures of a recipe's model are not there, which only its card holds
            in full.
    """
    if not (folder / MANIFEST).is_file():
        raise ExportError(f"{folder}: has no {MANIFEST}; --models names the folder with the models")
    models = load_manifest(folder).models
    if name not in models:
        near = difflib.get_close_matches(name, models, n=1)
        hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(models)}"
        raise AskedError(f"{folder} has no model {name!r}; {hint}")
    entry = models[name]
    if name in NAMES:
        _rewrite_recipes(name, entry, folder)
        return folder / f"{name}.md"
    path = folder / (entry.card or f"{name}.md")
    text = card_of(name, entry)
    if path.is_file():
        # What its maker has written stays.
        own = path.read_text(encoding="utf-8").partition(_OWN)
        if own[1]:
            text = text.partition(_OWN)[0] + own[1] + own[2]
    with whole(path) as part:
        part.write_text(text, encoding="utf-8")
    return path


def _rewrite_recipes(name: str, entry: ModelEntry, folder: Path) -> None:
    path = folder / f"{name}.md"
    paragraphs = path.read_text(encoding="utf-8").split("\n\n") if path.is_file() else []
    ends = [n for n, paragraph in enumerate(paragraphs) if paragraph.startswith(_CAPTIONS)]
    if _FIGURES not in paragraphs or not ends:
        raise ExportError(f"{path}: has no figures; `build {name}` measures them and writes the card")
    told = paragraphs[paragraphs.index(_FIGURES) + 1 : ends[0]]
    tables = [paragraph for paragraph in told if not paragraph.startswith(_KEY)]
    files = Files(
        folder / entry.file,
        {output.name: list(output.shape) for output in entry.outputs},
        folder / entry.vocabulary.file if entry.vocabulary else None,
    )
    with whole(path) as part:
        write_card(part.parent, recipe_named(name), files, tables, entry.measured)
