"""Decodes video and audio files into frames and sound in time order."""

from __future__ import annotations

import heapq
import logging
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from robotd.errors import MediaError
from robotd.sense.sample import RATE_HZ, Frame, Sound

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

log = logging.getLogger(__name__)

#: Sound comes in blocks of this length, as from the microphone.
BLOCK_MS = 30
_BLOCK = BLOCK_MS * RATE_HZ // 1000
#: Wider pictures are scaled down to this.
MAX_WIDTH = 1280
#: Sound whose time stamp differs by more than this from the sound counted so far follows a gap.
_GAP_S = 0.1
#: soundfile is read in pieces of this many samples.
_PIECE = 1 << 15


@dataclass(frozen=True, slots=True)
class Contents:
    """What a file holds.

    Attributes:
        pictures: whether it holds video.
        sound: whether it holds audio.
        reader: the library that reads it: `av` or `soundfile`.
    """

    pictures: bool
    sound: bool
    reader: str = "av"


def look_into(path: Path) -> Contents:
    """Return what a file holds.

    Raises:
        MediaError: it is not there, not media, or holds neither pictures nor sound.
    """
    try:
        with _container(path) as container:
            contents = Contents(bool(_streams(container, "video")), bool(_streams(container, "audio")))
    except MediaError:
        if not _soundfile_reads(path):
            raise
        return Contents(pictures=False, sound=True, reader="soundfile")
    if not contents.pictures and not contents.sound:
        raise MediaError(f"{path}: holds neither pictures nor sound")
    return contents


def decode(path: Path, contents: Contents, frame_rate_hz: float) -> Iterator[Frame | Sound]:
    """Yield a file's frames and blocks of sound by rising time, beginning at 0.

    Damage is told in the log, and what can be read is given. Blocks the thread; close the generator early to
    close the file.

    Args:
        path: the file.
        contents: what `look_into` found in it.
        frame_rate_hz: at most so many frames a second, chosen by their time stamps.
    """
    if contents.reader == "soundfile":
        yield from _sound_by_soundfile(path)
        return
    # Each kind is read through an opening of its own: however the file interleaves them, neither has to be
    # kept until the other comes.
    parts: list[Iterator[Frame | Sound]] = []
    with ExitStack() as files:
        if contents.sound:
            parts.append(_sound(path, files.enter_context(_container(path))))
        if contents.pictures:
            parts.append(_frames(path, files.enter_context(_container(path)), frame_rate_hz))
        yield from heapq.merge(*parts, key=lambda sample: sample.time_s)


@contextmanager
def _container(path: Path) -> Iterator[Any]:
    import av

    if not path.is_file():
        raise MediaError(f"{path}: there is no such file")
    try:
        container = av.open(str(path), metadata_errors="replace")
    except (av.FFmpegError, OSError) as error:
        raise MediaError(f"{path}: can't be read as video or sound ({_reason(error)})") from error
    with container:
        yield container


def _streams(container: Any, kind: str) -> list[Any]:
    """Return the streams of a kind that can be decoded; a cover picture is not video."""
    import av

    cover = av.stream.Disposition.attached_pic
    return [
        stream
        for stream in getattr(container.streams, kind)
        if stream.codec_context is not None and not stream.disposition & cover
    ]


def _decoded(path: Path, container: Any, kind: str) -> Iterator[Any]:
    """Yield the decoded frames of the first stream of a kind, whatever can be had of them."""
    import av

    damage = ""
    packets = container.demux(_streams(container, kind)[0])
    while True:
        try:
            packet = next(packets, None)
            if packet is None:
                break
            yield from packet.decode()
        except av.error.EOFError:
            break
        except (av.FFmpegError, OSError) as error:
            if not damage:
                damage = _reason(error)
                log.warning("%s: its %s is damaged (%s); going on with what can be read", path, kind, damage)


def _frames(path: Path, container: Any, frame_rate_hz: float) -> Iterator[Frame]:
    start_s = _start_s(container)
    last_s = 0.0
    due = 0
    for picture in _decoded(path, container, "video"):
        # A picture without a time, as in raw streams, comes with the one before it.
        last_s = last_s if picture.time is None else max(last_s, picture.time - start_s)
        # Due at multiples of the period; a millisecond forgives time stamps that are rounded.
        periods = (last_s + 0.001) * frame_rate_hz
        if periods >= due:
            due = int(periods) + 1
            yield Frame(last_s, _upright(picture))


def _upright(picture: Any) -> NDArray[np.uint8]:
    """Return a picture as BGR, at most MAX_WIDTH wide, turned as its file says."""
    width, height = picture.width, picture.height
    if width > MAX_WIDTH:
        width, height = MAX_WIDTH, max(1, round(height * MAX_WIDTH / width))
    image = picture.to_ndarray(format="bgr24", width=width, height=height)
    return np.ascontiguousarray(np.rot90(image, round(picture.rotation / 90) % 4))


def _sound(path: Path, container: Any) -> Iterator[Sound]:
    import av

    def chunks() -> Iterator[tuple[float | None, NDArray[np.float32]]]:
        start_s = _start_s(container)
        resampler: Any = None
        shape: tuple[str, str, int] | None = None
        for heard in _decoded(path, container, "audio"):
            time_s = None if heard.time is None else heard.time - start_s
            # Recordings that were joined, and television, change their rate or their channels on the way.
            if shape != (heard.format.name, heard.layout.name, heard.sample_rate):
                for part in resampler.resample(None) if resampler else ():
                    yield None, part.to_ndarray()[0]
                resampler = av.AudioResampler(format="flt", layout="mono", rate=RATE_HZ)
                shape = heard.format.name, heard.layout.name, heard.sample_rate
            for part in resampler.resample(heard):
                yield time_s, part.to_ndarray()[0]
        for part in resampler.resample(None) if resampler else ():
            yield None, part.to_ndarray()[0]

    return _in_blocks(chunks())


def _sound_by_soundfile(path: Path) -> Iterator[Sound]:
    import soundfile
    import soxr

    def chunks() -> Iterator[tuple[None, NDArray[np.float32]]]:
        with soundfile.SoundFile(path) as file:
            resampler = soxr.ResampleStream(file.samplerate, RATE_HZ, 1, dtype="float32")
            while len(piece := file.read(_PIECE, dtype="float32", always_2d=True)):
                yield None, resampler.resample_chunk(piece.mean(axis=1))
            yield None, resampler.resample_chunk(np.zeros(0, np.float32), last=True)

    return _in_blocks(chunks())


def _in_blocks(chunks: Iterable[tuple[float | None, NDArray[np.float32]]]) -> Iterator[Sound]:
    """Cut chunks of any length into blocks; their time is counted in samples, but for gaps.

    Args:
        chunks: the time stamp in seconds, None if unknown, and the samples.
    """
    rest = np.zeros(0, np.float32)
    begin_s, given = 0.0, 0
    for time_s, samples in chunks:
        if time_s is not None and time_s - (begin_s + (given + len(rest)) / RATE_HZ) > _GAP_S:
            if len(rest):
                yield Sound(begin_s + given / RATE_HZ, rest)
            rest, begin_s, given = rest[:0], time_s, 0
        rest = np.concatenate([rest, samples])
        while len(rest) >= _BLOCK:
            yield Sound(begin_s + given / RATE_HZ, rest[:_BLOCK])
            rest = rest[_BLOCK:]
            given += _BLOCK
    if len(rest):
        yield Sound(begin_s + given / RATE_HZ, rest)


def _start_s(container: Any) -> float:
    import av

    return float((container.start_time or 0) / av.time_base)


def _soundfile_reads(path: Path) -> bool:
    import soundfile

    try:
        soundfile.info(path)
    except (soundfile.LibsndfileError, OSError, TypeError):
        return False
    return True


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
