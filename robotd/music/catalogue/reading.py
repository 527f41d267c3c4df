"""From the rows of a catalogue to entries of the library, with a reason for every row that is not taken."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from robotd.emotion import EMOTIONS
from robotd.music.catalogue.plutchik import WEIGHTS, point_of
from robotd.music.catalogue.text import Rejected, open_rows
from robotd.music.language import language_code
from robotd.music.song import Entry
from robotd.music.table import GEMS, MID_LEVEL, MOODS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from robotd.music.catalogue.columns import Plan

#: Columns that lie together, as `writing` names them.
GROUPS: dict[str, tuple[str, ...]] = {
    "moods": tuple(f"mood_{name}" for name in MOODS),
    "mid_level": tuple(f"mid_{name}" for name in MID_LEVEL),
    "gems": tuple(f"gems_{name}" for name in GEMS),
    "lyrics_emotions": tuple(f"lyrics_{emotion.value}" for emotion in EMOTIONS),
}
#: What a keyword without a figure weighs.
PLAIN_WEIGHT = 0.5
_YES, _NO = {"1", "true", "yes", "explicit"}, {"0", "false", "no", "clean"}
_YEAR = re.compile(r"\b([12]\d{3})\b")


@dataclass(frozen=True, slots=True)
class Taken:
    """A row that could be used.

    Attributes:
        entry: the song.
        source: where it came from first, if the catalogue says so.
    """

    entry: Entry
    source: str


def read_entries(plan: Plan) -> Iterator[Taken | Rejected]:
    """Give the songs of a catalogue, and the rows that are none, in their order.

    Raises:
        LibraryError: the file can't be read.
    """
    with open_rows(plan.path) as rows:
        for row in rows:
            if isinstance(row, Rejected):
                yield row
                continue
            try:
                taken = _taken(row, plan)
            except ValueError as error:
                yield Rejected(rows.line, str(error))
            else:
                yield taken


def _taken(row: Mapping[str, str], plan: Plan) -> Taken:
    text = {name: row[column].strip() for name, column in plan.columns.items()}
    title, artist = text["title"], text.get("artist", "")
    if not title:
        raise ValueError("title is empty")
    uri = _uri(row, text, plan)
    if plan.scale is None:
        valence, arousal = point_of({name: _number(row[name], name) for name in WEIGHTS})
    else:
        valence, arousal = (plan.scale.ours(row[plan.columns[name]], name) for name in ("valence", "arousal"))
    more: dict[str, Any] = {name: text.get(name, "") for name in ("album", "genre", "key")}
    more["language"] = language_code(text.get("language", ""))
    year = _YEAR.search(text.get("year", ""))
    more["year"] = int(year[1]) if year else None
    said = text.get("explicit", "").lower()
    more["explicit"] = said in _YES if said in _YES | _NO else None
    more |= {name: _positive(text.get(name, "")) for name in ("duration_s", "tempo_bpm")}
    if plan.milliseconds and more["duration_s"]:
        more["duration_s"] /= 1000
    more |= {name: _group(row, columns) for name, columns in GROUPS.items()}
    words = tuple(_keywords(text.get("keywords", "")))
    entry = Entry(title=title, artist=artist, uri=uri, valence=valence, arousal=arousal, keywords=words, **more)
    return Taken(entry, text.get("source", ""))


def _uri(row: Mapping[str, str], text: Mapping[str, str], plan: Plan) -> str:
    if "uri" in text:
        uri = text["uri"]
    elif "spotify_id" in row:
        uri = f"spotify:track:{row['spotify_id'].strip()}" if row["spotify_id"].strip() else ""
    elif plan.uri_rule == "source:source_id":
        parts = [row["source"].strip(), row["source_id"].strip()]
        uri = ":".join(parts) if all(parts) else ""
    else:
        return f"song:{quote(text.get('artist', '').casefold())}/{quote(text['title'].casefold())}"
    if not uri:
        raise ValueError("uri is empty")
    return uri


def _number(text: str, what: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"{what} {text!r} is no number") from None


def _positive(text: str) -> float | None:
    """Return a number above 0; what else stands there is as good as nothing."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if 0 < value < math.inf else None


def _group(row: Mapping[str, str], columns: tuple[str, ...]) -> tuple[float, ...] | None:
    if not all(row.get(column) for column in columns):
        return None
    values = tuple(_number(row[column], column) for column in columns)
    if not all(map(math.isfinite, values)):
        raise ValueError(f"{columns[0]} to {columns[-1]} must be numbers")
    return values


def _keywords(text: str) -> Iterator[tuple[str, float]]:
    """Read `word;word` or `word:0.42;word:0.3`; a word that comes twice counts as it does first."""
    seen = set()
    for part in text.split(";"):
        word, _, figure = part.strip().rpartition(":")
        weight = _positive(figure) if word else None
        word = (word if weight is not None else part).strip().lower()
        if word and word not in seen:
            seen.add(word)
            yield word, min(1.0, PLAIN_WEIGHT if weight is None else weight)
