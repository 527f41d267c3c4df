"""What a music file's tags say, whatever kind of tags they are."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from robotd.music.language import language_code

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
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
    "lyrics": (
        *("USLT", "SYLT", "lyrics", "unsyncedlyrics", "syncedlyrics", "\xa9lyr", "WM/Lyrics"),
        *("TXXX:LYRICS", "TXXX:UNSYNCEDLYRICS"),
    ),
}
_OWN = "TXXX"
#: iTunes marks explicit songs by 1 (older: 4) and cleaned ones by 2.
_EXPLICIT, _CLEAN = {"1", "4", "explicit", "true", "yes"}, {"0", "2", "clean", "false", "no"}
_YEAR = re.compile(r"\b([12]\d{3})\b")
#: `07 - `, `7.`, `1-05 ` (disc and track), `07 `; but `99 Luftballons` is a name.
_TRACK_NUMBER = re.compile(r"^(?:(?:\d-)?\d{1,3}\s*[-.](?:\s+|(?=\D))|(?:\d-\d|0)\d\s+)(?=\S)")


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
    said, lyrics_language = _read(path)
    artist, title = _from_name(path)
    year = _YEAR.search(said["year"])
    explicit = said["explicit"].lower()
    return Tags(
        title=said["title"] or title,
        artist=said["artist"] or ("" if said["title"] else artist),
        album=said["album"],
        year=int(year[1]) if year else None,
        genre=said["genre"],
        language=language_code(said["language"] or lyrics_language),
        explicit=explicit in _EXPLICIT if explicit in _EXPLICIT | _CLEAN else None,
        lyrics=said["lyrics"],
    )


def _read(path: Path) -> tuple[dict[str, str], str]:
    """Return the facts by their names in `_NAMES`, empty where unknown, and the language of the lyrics."""
    import mutagen
    from mutagen.apev2 import APEv2File

    tags = _by_mutagen(mutagen.File, path)
    said = _facts(tags)
    # It knows no RIFF INFO, Matroska, CAF and AU, and no APEv2 in MP3.
    for read in (partial(_by_mutagen, APEv2File), _by_ffmpeg):
        if not said["title"] and not said["artist"]:
            said = {fact: said[fact] or text for fact, text in _facts(read(path)).items()}
    return said, _lyrics_language(tags)


def _by_mutagen(reader: Callable[[Path], Any], path: Path) -> Any:
    try:
        return getattr(reader(path), "tags", None)
    # mutagen raises its own errors, but also whatever a broken file makes it stumble over.
    except Exception:  # noqa: BLE001
        return None


def _by_ffmpeg(path: Path) -> dict[str, str]:
    import av

    try:
        with av.open(str(path), metadata_errors="surrogateescape") as container:
            tags = [container.metadata, *(stream.metadata for stream in container.streams.audio[:1])]
    except (av.FFmpegError, OSError, UnicodeError):
        return {}
    return {name: _legible(text) for some in reversed(tags) for name, text in some.items()}


def _legible(text: str) -> str:
    """Return a text whose bytes were no UTF-8 in the Windows letters that they most likely are."""
    content = text.encode("utf-8", "surrogateescape")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace")


def _facts(tags: Any) -> dict[str, str]:
    return {fact: _first(tags, names, every=fact == "artist") for fact, names in _NAMES.items()}


def _first(tags: Any, names: tuple[str, ...], *, every: bool) -> str:
    """Return the first text of the first of those tags that has one, or every text of it."""
    for name in names:
        if texts := [text for text in _texts(tags, name) if text]:
            return ", ".join(texts) if every else texts[0]
    return ""


def _texts(tags: Any, name: str) -> Iterator[str]:
    if tags is None:
        return
    wanted = name.lower()
    if hasattr(tags, "getall"):
        for frame in tags.getall(name.partition(":")[0]):
            # Programs differ in how they write the names of their own.
            if frame.FrameID != _OWN or f"{_OWN}:{frame.desc}".lower() == wanted:
                yield _clean(_frame_text(frame))
        return
    # Vorbis comments and APE know no capitals; MP4 atoms do, but no two of ours differ in them alone.
    for key, values in tags.items() if hasattr(tags, "items") else list(tags):
        if key.lower() == wanted:
            for value in values if isinstance(values, list | tuple) else [values]:
                # APEv2 puts a zero between several.
                for text in str(getattr(value, "value", value)).split("\0"):
                    yield _clean(text)


def _frame_text(frame: Any) -> str:
    """Return the text of an ID3 frame; timed lyrics come as pairs of text and time."""
    text = getattr(frame, "genres", None) or getattr(frame, "text", "")
    if isinstance(text, list):
        parts = [str(part[0] if isinstance(part, tuple) else part) for part in text]
        return "\n".join(parts) if frame.FrameID == "SYLT" else ", ".join(parts)
    return str(text)


def _lyrics_language(tags: Any) -> str:
    return next((frame.lang for frame in tags.getall("USLT")), "") if hasattr(tags, "getall") else ""


def _clean(text: str) -> str:
    return text.replace("\0", " ").strip()


def _from_name(path: Path) -> tuple[str, str]:
    """Return artist and title of a name such as `07 - Artist - Title.mp3`."""
    name = path.stem.encode("utf-8", "replace").decode("utf-8").replace("_", " ").strip()
    short = _TRACK_NUMBER.sub("", name).strip() or name
    artist, dash, title = short.partition(" - ")
    return (artist.strip(), title.strip()) if dash and artist.strip() and title.strip() else ("", short or path.name)
