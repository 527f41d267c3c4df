"""What a music file's tags say, whatever kind of tags they are."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# For each fact the names that it has in ID3v2 (id3.org), Vorbis comments and APEv2, MP4 atoms, and ASF (WMA).
_NAMES: dict[str, tuple[str, ...]] = {
    "title": ("TIT2", "title", "\xa9nam"),
    "artist": ("TPE1", "artist", "\xa9ART", "Author", "TPE2", "albumartist", "aART", "WM/AlbumArtist"),
    "album": ("TALB", "album", "\xa9alb", "WM/AlbumTitle"),
    "year": ("TDRC", "TDOR", "TYER", "date", "year", "originaldate", "\xa9day", "WM/Year"),
    "genre": ("TCON", "genre", "\xa9gen", "WM/Genre"),
    "language": ("TLAN", "language", "WM/Language"),
    "explicit": ("TXXX:ITUNESADVISORY", "itunesadvisory", "rtng", "WM/ParentalRating"),
    "lyrics": ("USLT", "SYLT", "lyrics", "unsyncedlyrics", "syncedlyrics", "\xa9lyr", "WM/Lyrics", "TXXX:LYRICS"),
}
#: iTunes marks explicit songs by 1 (older: 4) and cleaned ones by 2.
_EXPLICIT, _CLEAN = {"1", "4", "explicit", "true", "yes"}, {"0", "2", "clean", "false", "no"}
_YEAR = re.compile(r"\b([12]\d{3})\b")
_TRACK_NUMBER = re.compile(r"^\s*\d{1,3}(?:\s*[-._]\s*|\s+)(?=\D)")
#: ISO 639-2 (as ID3 has it) to 639-1, for the languages most songs are in.
_TWO_LETTERS = {
    "eng": "en",
    "ger": "de",
    "deu": "de",
    "fre": "fr",
    "fra": "fr",
    "spa": "es",
    "ita": "it",
    "por": "pt",
    "dut": "nl",
    "nld": "nl",
    "swe": "sv",
    "nor": "no",
    "dan": "da",
    "fin": "fi",
    "pol": "pl",
    "rus": "ru",
    "jpn": "ja",
    "kor": "ko",
    "chi": "zh",
    "zho": "zh",
    "tur": "tr",
    "ara": "ar",
    "hin": "hi",
    "ell": "el",
    "cze": "cs",
    "ces": "cs",
    "hun": "hu",
    "ukr": "uk",
    "heb": "he",
    "gre": "el",
    "ron": "ro",
    "rum": "ro",
}
_NO_LANGUAGE = {"", "xxx", "und", "unk", "zxx", "mul"}


@dataclass(frozen=True, slots=True)
class Tags:
    """What is known of a song by its tags and its name; empty or None where it is not."""

    title: str
    artist: str = ""
    album: str = ""
    year: int | None = None
    genre: str = ""
    language: str = ""
    explicit: bool | None = None
    lyrics: str = ""


def read_tags(path: Path) -> Tags:
    """Return the tags of a file; a title, and perhaps an artist, are made of its name where they are missing.

    Damaged tags count as none.
    """
    import mutagen

    try:
        file = mutagen.File(path)
    # mutagen raises its own errors, but also whatever a broken file makes it stumble over.
    except Exception:  # noqa: BLE001
        file = None
    said = {fact: _first(file, names) for fact, names in _NAMES.items()}
    artist, title = _from_name(path)
    year = _YEAR.search(said["year"])
    language = (said["language"] or _lyrics_language(file)).strip().lower()
    explicit = said["explicit"].lower()
    return Tags(
        title=said["title"] or title,
        artist=said["artist"] or ("" if said["title"] else artist),
        album=said["album"],
        year=int(year[1]) if year else None,
        genre=said["genre"],
        language="" if language in _NO_LANGUAGE else _TWO_LETTERS.get(language, language),
        explicit=explicit in _EXPLICIT if explicit in _EXPLICIT | _CLEAN else None,
        lyrics=said["lyrics"],
    )


def _first(file: Any, names: tuple[str, ...]) -> str:
    """Return the text of the first of those tags that has one."""
    for name in names:
        for text in _texts(file, name):
            if text:
                return text
    return ""


def _texts(file: Any, name: str) -> Iterator[str]:
    tags = getattr(file, "tags", None)
    if tags is None:
        return
    if hasattr(tags, "getall"):
        for frame in tags.getall(name):
            yield _clean(_frame_text(frame))
        return
    wanted = name.lower()
    # Vorbis comments and APE know no capitals; MP4 atoms do, but no two of ours differ in them alone.
    for key, values in tags.items() if hasattr(tags, "items") else list(tags):
        if key.lower() == wanted:
            for value in values if isinstance(values, list | tuple) else [values]:
                yield _clean(str(getattr(value, "value", value)))


def _frame_text(frame: Any) -> str:
    """Return the text of an ID3 frame; timed lyrics come as pairs of text and time."""
    text = getattr(frame, "genres", None) or getattr(frame, "text", "")
    if isinstance(text, list):
        parts = [str(part[0] if isinstance(part, tuple) else part) for part in text]
        return "\n".join(parts) if frame.FrameID == "SYLT" else ", ".join(parts)
    return str(text)


def _lyrics_language(file: Any) -> str:
    tags: Any = getattr(file, "tags", None)
    return next((frame.lang for frame in tags.getall("USLT")), "") if hasattr(tags, "getall") else ""


def _clean(text: str) -> str:
    return text.replace("\0", " ").strip()


def _from_name(path: Path) -> tuple[str, str]:
    """Return artist and title of a name such as `07 - Artist - Title.mp3`."""
    name = path.stem.encode("utf-8", "replace").decode("utf-8").replace("_", " ").strip()
    short = _TRACK_NUMBER.sub("", name).strip() or name
    artist, dash, title = short.partition(" - ")
    return (artist.strip(), title.strip()) if dash and artist.strip() and title.strip() else ("", short or path.name)
