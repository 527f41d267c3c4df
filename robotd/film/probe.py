"""What a film is: its streams, and its length to the millisecond."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from robotd.errors import MediaError
from robotd.sense.media import Contents, look_into

if TYPE_CHECKING:
    from pathlib import Path

#: The container's own length holds if its streams end no further from it than this.
_BELIEVED_S = 0.5
#: Sound that stops for longer than this has a gap.
_GAP_S = 0.5
#: Nobody plays music to less than this.
_SHORTEST_S = 0.05


@dataclass(frozen=True, slots=True)
class Film:
    """A video or sound file that gets its music.

    Attributes:
        path: where it lies.
        contents: whether it holds pictures and sound.
        length_s: how long it plays; of a damaged file, as far as it can be read.
        width: of its pictures, in pixels, 0 without any.
        height: likewise.
        rate_hz: pictures a second, on average; 0 if unknown.
        notes: what is odd about it, in words.
    """

    path: Path
    contents: Contents
    length_s: float
    width: int = 0
    height: int = 0
    rate_hz: float = 0.0
    notes: tuple[str, ...] = ()


@dataclass(slots=True)
class _Survey:
    """What the packets of a file say, without decoding them."""

    said_s: float | None = None
    end_s: float = 0.0
    damage: str = ""
    corrupt: int = 0
    gaps: list[tuple[float, float]] = field(default_factory=list)
    width: int = 0
    height: int = 0
    rate_hz: float = 0.0


def look(path: Path) -> Film:
    """Return what a film is; reads the file once, but decodes nothing.

    Raises:
        MediaError: it is not there, not media, holds neither pictures nor sound, or lasts no time at all.
    """
    contents = look_into(path)
    found = _by_soundfile(path) if contents.reader == "soundfile" else _survey(path)
    length_s, notes = _length(found)
    if not contents.pictures:
        notes.append("the file holds no pictures: the feeling is the voice's alone")
    if not contents.sound:
        notes.append("the file holds no sound: the feeling is the face's alone")
    if length_s < _SHORTEST_S:
        raise MediaError(f"{path}: holds nothing that can be played (it lasts {length_s:.3f} s)")
    return Film(path, contents, length_s, found.width, found.height, found.rate_hz, tuple(notes))


def _length(found: _Survey) -> tuple[float, list[str]]:
    """Return the length, rounded to a microsecond as containers count it, and what is to be said about it."""
    notes = []
    if found.damage:
        notes.append(f"the file is damaged ({found.damage}); what can be read of it is scored")
    if found.corrupt:
        places = f"{found.corrupt} places" if found.corrupt > 1 else "one place"
        notes.append(f"the file is damaged in {places}; what can be read of it is scored")
    if found.gaps:
        start_s, end_s = found.gaps[0]
        others = f", and {len(found.gaps) - 1} more" if len(found.gaps) > 1 else ""
        notes.append(f"its sound has a gap from {start_s:.1f} to {end_s:.1f} s{others}: damaged, or never recorded")
    if found.said_s is not None and abs(found.said_s - found.end_s) <= _BELIEVED_S:
        return round(found.said_s, 6), notes
    if found.said_s is not None and found.said_s > found.end_s:
        notes.append(
            f"the file says that it lasts {found.said_s:.3f} s, but its pictures and sound end at "
            f"{found.end_s:.3f} s; so does the score"
        )
    return round(found.end_s, 6), notes


def _by_soundfile(path: Path) -> _Survey:
    import soundfile

    length_s = float(soundfile.info(path).duration)
    return _Survey(length_s, length_s)


def _survey(path: Path) -> _Survey:
    import av

    found = _Survey()
    with av.open(str(path)) as container:
        if container.duration is not None and container.duration > 0:
            found.said_s = container.duration / av.time_base
        # Only the first of a kind is watched.
        streams = [stream for kind in ("video", "audio") for stream in _playable(container, kind)[:1]]
        for stream in streams:
            if stream.type == "video":
                found.width, found.height = stream.codec_context.width, stream.codec_context.height
                found.rate_hz = float(stream.average_rate or 0)
        _measure(container, streams, found)
    return found


def _measure(container: Any, streams: list[Any], found: _Survey) -> None:
    """Find where the last packet ends; packets without times, as in raw streams, are counted."""
    import av

    start_s = (container.start_time or 0) / av.time_base
    untimed = 0
    heard_s: float | None = None
    try:
        for packet in container.demux(streams):
            if packet.size == 0:
                continue
            lasts_s = float((packet.duration or 0) * (packet.time_base or 0))
            if packet.stream.type == "video":
                lasts_s = lasts_s or (1 / found.rate_hz if found.rate_hz else 0.0)
                untimed += packet.pts is None
            found.corrupt += packet.is_corrupt
            if packet.pts is None:
                continue
            time_s = float(packet.pts * packet.time_base) - start_s
            if packet.stream.type == "audio":
                if heard_s is not None and time_s - heard_s > _GAP_S:
                    found.gaps.append((heard_s, time_s))
                heard_s = time_s + lasts_s
            found.end_s = max(found.end_s, time_s + lasts_s)
    except (av.FFmpegError, OSError) as error:
        found.damage = getattr(error, "strerror", None) or str(error)
    if untimed and found.rate_hz:
        found.end_s = max(found.end_s, untimed / found.rate_hz)


def _playable(container: Any, kind: str) -> list[Any]:
    """Return the streams of a kind that can be decoded; a cover picture is not video."""
    import av

    cover = av.stream.Disposition.attached_pic
    return [
        stream
        for stream in getattr(container.streams, kind)
        if stream.codec_context is not None and not stream.disposition & cover
    ]
