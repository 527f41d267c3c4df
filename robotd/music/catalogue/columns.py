"""Which column of a catalogue holds what, and in which scale: stated, or found by the names that people use."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

from robotd.errors import LibraryError
from robotd.music.catalogue.plutchik import WEIGHTS
from robotd.music.catalogue.scale import OURS, STANDARD, Scale, likely_scale, scale_named
from robotd.music.catalogue.text import Rejected, column_name, open_rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from robotd.music.catalogue.text import Rows

#: What a column can hold, and what it is called elsewhere, the surest name first. All in small letters; blanks and
#: hyphens count as underscores.
NAMES: dict[str, tuple[str, ...]] = {
    "title": ("title", "song", "track", "name", "track_name", "song_title", "track_title", "song_name"),
    "artist": ("artist", "artists", "performer", "band", "artist_name", "artist_names"),
    "album": ("album", "album_name", "album_title", "release"),
    "uri": ("uri", "url", "link", "path", "file", "filename", "location"),
    "valence": ("valence", "valence_mean", "valence_m", "mean_valence", "pleasure", "v"),
    "arousal": ("arousal", "arousal_mean", "arousal_m", "mean_arousal", "energy", "a"),
    "year": ("year", "release_year", "date", "release_date"),
    "genre": ("genre", "genres", "style"),
    "language": ("language", "lang"),
    "explicit": ("explicit", "parental_advisory"),
    "duration_s": ("duration_s", "duration", "duration_ms"),
    "tempo_bpm": ("tempo_bpm", "tempo", "bpm"),
    "key": ("key",),
    "keywords": ("keywords", "tags"),
    "source": ("from",),
}
#: Where both are there they are comparable between the sources of a catalogue, which the plain columns may not be.
_STANDARD_NAMES = {"valence": ("v_z", "valence_z"), "arousal": ("a_z", "arousal_z")}
_SPOTIFY, _SOURCE, _SOURCE_ID = "spotify_id", "source", "source_id"
#: Half of the songs being longer than five hours, they are told in milliseconds.
_LONGEST_S = 20_000.0
#: So many letters of a cell are shown; where a quote is not closed it has the whole file.
_SHOWN = 40


@dataclass(frozen=True, slots=True)
class Plan:
    """How a catalogue is to be read.

    Attributes:
        path: the file.
        columns: the column of each field that it has.
        scale: of valence and arousal; None where they are told by eight emotions.
        rows: how many lines follow the first.
        names: all of its columns.
        found: the least and the greatest number in the columns of valence and arousal.
        milliseconds: whether durations are told in them, not in seconds.
        certain: whether everything was stated or goes without saying, so that nobody need be asked.
    """

    path: Path
    columns: Mapping[str, str]
    scale: Scale | None
    rows: int
    names: tuple[str, ...]
    found: Mapping[str, tuple[float, float]]
    milliseconds: bool
    certain: bool

    @property
    def uri_rule(self) -> str:
        """Where the uri of a song comes from, in words."""
        if "uri" in self.columns:
            return self.columns["uri"]
        if _SPOTIFY in self.names:
            return f"spotify:track:{_SPOTIFY}"
        return f"{_SOURCE}:{_SOURCE_ID}" if {_SOURCE, _SOURCE_ID} <= set(self.names) else "artist and title"

    def lines(self) -> Iterator[str]:
        """Say in words what will be read as what."""
        for name, column in self.columns.items():
            yield f"{name}: {column}{self._unit(name)}"
        if self.scale is None:
            yield f"valence, arousal: computed from {', '.join(WEIGHTS)}"
        if "uri" not in self.columns:
            yield f"uri: {self.uri_rule}"

    def _unit(self, name: str) -> str:
        if name == "duration_s" and self.milliseconds:
            return " (milliseconds)"
        if self.scale is None or name not in {"valence", "arousal"}:
            return ""
        words = "standard scores" if self.scale == STANDARD else f"on a scale of {self.scale.name}"
        found = f"; found {self.found[name][0]:g} to {self.found[name][1]:g}" if name in self.found else ""
        return f" ({words}{found})"


def plan_import(path: Path, stated: Mapping[str, str] | None = None, scale: str | None = None) -> Plan:
    """Find out how a catalogue is to be read.

    Args:
        path: CSV in UTF-8, may be packed by gzip; the first line names the columns.
        stated: the column for some of the fields of `NAMES`.
        scale: `LOW..HIGH` or `z`; None: found by the numbers.

    Raises:
        LibraryError: the file can't be read, a column that it needs or that was stated is missing, or the scale is
            none or can't be told.
    """
    stated = {name: column_name(column) for name, column in (stated or {}).items()}
    wanted = scale_named(scale) if scale else None
    with open_rows(path) as rows:
        names = rows.names
        columns = _found(path, names, stated, wanted)
        count, numbers, bad = _numbers(rows, columns)
    found = {name: (min(numbers[name]), max(numbers[name])) for name in ("valence", "arousal") if numbers.get(name)}
    milliseconds = columns.get("duration_s", "").endswith("_ms") or _median(numbers.get("duration_s", [])) > _LONGEST_S
    if "valence" not in columns:
        return Plan(path, columns, None, count, names, found, milliseconds, certain=False)
    known = wanted or (STANDARD if columns["valence"] in _STANDARD_NAMES["valence"] else None)
    known = known or likely_scale([*numbers["valence"], *numbers["arousal"]]) or (None if count else OURS)
    if known is None:
        which = f"{columns['valence']} and {columns['arousal']}"
        if bad is not None and not found:
            raise LibraryError(f"{path}: no row has numbers in {which}; line {bad.line}: {bad.reason}")
        raise LibraryError(f"{path}: the scale of {which} can't be told: give it by --scale")
    usual = all(columns[name] == name for name in ("title", "valence", "arousal"))
    certain = wanted is not None and (usual or {"title", "valence", "arousal"} <= set(stated))
    return Plan(path, columns, known, count, names, found, milliseconds, certain)


def _numbers(rows: Rows, columns: Mapping[str, str]) -> tuple[int, dict[str, list[float]], Rejected | None]:
    """Return how many rows there are, the numbers in some columns, and the first row where one of them has none."""
    numbers: dict[str, list[float]] = {name: [] for name in ("valence", "arousal", "duration_s") if name in columns}
    count, bad = 0, None
    for row in rows:
        count += 1
        if isinstance(row, Rejected):
            bad = bad or row
            continue
        for name, values in numbers.items():
            value = _finite(row[columns[name]])
            if value is not None:
                values.append(value)
            elif name != "duration_s":
                bad = bad or Rejected(rows.line, _no_number(name, row[columns[name]]))
    return count, numbers, bad


def _no_number(name: str, text: str) -> str:
    return f"{name} {text[:_SHOWN]!r} is no number" if text.strip() else f"{name} is empty"


def _median(values: list[float]) -> float:
    return statistics.median(values) if values else 0.0


def _found(path: Path, names: tuple[str, ...], stated: dict[str, str], scale: Scale | None) -> dict[str, str]:
    for name, column in stated.items():
        if name not in NAMES:
            raise LibraryError(f"no field {name!r}: columns can be stated for {', '.join(NAMES)}")
        if column not in names:
            raise LibraryError(f"{path} has no column {column!r}; it has: {', '.join(names)}")
    columns: dict[str, str] = {}
    standard = _STANDARD_NAMES if scale in {None, STANDARD} and not {"valence", "arousal"} & set(stated) else {}
    if not all(any(alias in names for alias in aliases) for aliases in standard.values()):
        standard = {}
    for name, aliases in NAMES.items():
        choices = (stated[name],) if name in stated else (*standard.get(name, ()), *aliases)
        there = [alias for alias in choices if alias in names and alias not in columns.values()]
        if there:
            columns[name] = there[0]
    if not {"valence", "arousal"} & set(columns) and set(WEIGHTS) <= set(names):
        needed = {"title"}
    else:
        needed = {"title", "valence", "arousal"}
    if missing := [name for name in NAMES if name in needed - set(columns)]:
        raise LibraryError(
            f"{path} has no column {', '.join(missing)}; it has: {', '.join(names) or 'none'} "
            "(state which is which, as in --columns valence=pleasantness)"
        )
    used = {*columns.values(), *WEIGHTS, _SPOTIFY, _SOURCE, _SOURCE_ID}
    if twice := [name for name in dict.fromkeys(names) if name in used and names.count(name) > 1]:
        raise LibraryError(f"{path} has more than one column {', '.join(twice)}: rename those that aren't meant")
    return columns


def _finite(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
