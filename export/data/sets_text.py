"""Looks for the texts of our own layout."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import places
from .check import DataSet, Found, Watch, counted, fault_of

if TYPE_CHECKING:
    from pathlib import Path

#: File, and the column of its classes (None: ratings).
_TABLES: dict[str, str | None] = {
    **{f"{name}_{part}": "label" for name in ("emotion6", "meld", "isear") for part in ("train", "dev")},
    "goemotions_train": "ekman",
    "goemotions_dev": "ekman",
    "shortmsg5_train": "label",
    "emobank_train": None,
    "emobank_dev": None,
}
#: Keywords of lyrics, listeners' tags, and rated words.
_LEXICON = ("lyrics1160_gems_keywords.csv.gz", "tags957_emotions8.csv", "warriner2013.csv.gz")


def _look_for_texts(root: Path, watch: Watch) -> Found | None:
    del watch
    first = places.named(root, *(f"text/{name}.csv.gz" for name in _TABLES))
    if first is None:
        return None
    problems, counts = [], {}
    for name, column in _TABLES.items():
        file = first.parent / f"{name}.csv.gz"
        fault = fault_of(file, places.open_table)
        if fault is not None:
            problems.append(fault)
        elif column is not None:
            counts[name] = counted(row[column] for row in places.open_table(file))
        else:
            counts[name] = {"rated": len(places.open_table(file))}
    return Found(first.parent, "shared", counts, tuple(problems))


def _look_for_lexicon(root: Path, watch: Watch) -> Found | None:
    del watch
    first = places.named(root, *(f"music/lexicon/{name}" for name in _LEXICON))
    if first is None:
        return None
    problems, rows = [], {}
    for name in _LEXICON:
        fault = fault_of(first.parent / name, places.open_table)
        if fault is None:
            rows[name.partition(".")[0]] = len(places.open_table(first.parent / name))
        else:
            problems.append(fault)
    return Found(first.parent, "shared", {"table": rows}, tuple(problems))


SETS = (
    DataSet("texts", "in our own layout only: text/emotion6_train.csv.gz and its like", _look_for_texts),
    DataSet("lexicon", "in our own layout only: music/lexicon with keywords, tags and rated words", _look_for_lexicon),
)
