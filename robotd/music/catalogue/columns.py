"""Which column of a catalogue holds what, and in which scale: stated, or found by the names that people use."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from robotd.errors import LibraryError
from robotd.music.catalogue.plutchik import WEIGHTS
from robotd.music.catalogue.scale import STANDARD, Scale, likely_scale, scale_named
from robotd.music.catalogue.text import open_rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

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
    "duration_s": ("duration_s", "duration"),
    "tempo_bpm": ("tempo_bpm", "tempo", "bpm"),
    "key": ("key",),
    "keywords": ("keywords", "tags"),
}
#: Where both are there they are comparable between the sources of a catalogue, which the plain columns may not be.
_STANDARD_NAMES = {"valence": ("v_z", "valence_z"), "arousal": ("a_z", "arousal_z")}
_SPOTIFY, _SOURCE, _SOURCE_ID = "spotify_id", "source", "source_id"


@dataclass(frozen=True, slots=True)
class Plan:
    """How a catalogue is to be read.

    Attributes:
        path: the file.
        columns: the column of each field that it has.
        scale: of valence and arousal; None where they are told by eight emotions.
        rows: how many lines follow the first.
        names: all of its columns.
        certain: whether everything was stated or goes without saying, so that nobody need be asked.
    """

    path: Path
    columns: Mapping[str, str]
    scale: Scale | None
    rows: int
    names: tuple[str, ...]
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
            of_scale = f" ({self._scale_in_words})" if name in {"valence", "arousal"} else ""
            yield f"{name}: {column}{of_scale}"
        if self.scale is None:
            yield f"valence, arousal: computed from {', '.join(WEIGHTS)}"
        if "uri" not in self.columns:
            yield f"uri: {self.uri_rule}"

    @property
    def _scale_in_words(self) -> str:
        assert self.scale is not None
        return "standard scores" if self.scale == STANDARD else f"on a scale of {self.scale.name}"


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
    stated = dict(stated or {})
    wanted = scale_named(scale) if scale else None
    with open_rows(path) as rows:
        names = rows.names
        columns = _found(path, names, stated, wanted)
        count, numbers = 0, []
        for row in rows:
            count += 1
            if isinstance(row, dict):
                numbers += [row[columns[name]] for name in ("valence", "arousal") if name in columns]
    if "valence" not in columns:
        return Plan(path, columns, None, count, names, certain=False)
    told = wanted or (STANDARD if columns["valence"] in _STANDARD_NAMES["valence"] else None)
    known = told or likely_scale(list(_finite(numbers))) or (scale_named("-1..1") if not count else None)
    if known is None:
        raise LibraryError(
            f"{path}: the scale of {columns['valence']} and {columns['arousal']} can't be told: give it by --scale"
        )
    usual = all(columns[name] == name for name in ("title", "valence", "arousal"))
    certain = wanted is not None and (usual or {"title", "valence", "arousal"} <= set(stated))
    return Plan(path, columns, known, count, names, certain)


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
    return columns


def _finite(texts: Iterable[str]) -> Iterator[float]:
    for text in texts:
        try:
            value = float(text)
        except ValueError:
            continue
        if math.isfinite(value):
            yield value
