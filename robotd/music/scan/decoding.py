"""Decoding a music file to mono sound of 16 kHz: by FFmpeg, and by libsndfile what that can't read.

Channels are averaged, as in the sound that the song models learnt from. (FFmpeg's own way to mono, which
`robotd.sense.media` has, keeps the power instead: it makes the same song louder in stereo.)
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import numpy as np
import soxr

from robotd.errors import MediaError
from robotd.sense.sample import RATE_HZ

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

log = logging.getLogger(__name__)

#: Of a longer file (a concert, an audiobook) only so much is heard.
LONGEST_S = 1800.0
#: Less than this is no music.
SHORTEST_S = 1.0
_PIECE = 1 << 17
#: Of these libsndfile knows no more than FFmpeg, but complains of broken ones on standard error.
_ONLY_BY_FFMPEG = {".mp2", ".mp3"}


def read_sound(path: Path) -> NDArray[np.float32]:
    """Return the sound of a file, [n] float32, mono, 16 kHz; at most its first half hour.

    Damage in the middle is told in the log, and what can be read is given.

    Raises:
        MediaError: it can't be read, has no sound, or is shorter than a second or silent.
    """
    import soundfile

    if not path.is_file():
        raise MediaError(f"{path}: there is no such file")
    try:
        sound = _collected(_by_ffmpeg(path))
    except MediaError as problem:
        if path.suffix.lower() in _ONLY_BY_FFMPEG:
            raise
        try:
            sound = _collected(_by_libsndfile(path))
        except (soundfile.LibsndfileError, OSError):
            raise problem from None
    if not len(sound):
        raise MediaError(f"{path}: can't be read as sound (it is empty)")
    if len(sound) < SHORTEST_S * RATE_HZ:
        raise MediaError(f"{path}: is shorter than a second")
    if not np.any(sound) or not np.all(np.isfinite(sound)):
        raise MediaError(f"{path}: is silent" if not np.any(sound) else f"{path}: holds what is no sound")
    return sound


def _collected(pieces: Iterator[NDArray[np.float32]]) -> NDArray[np.float32]:
    most = round(LONGEST_S * RATE_HZ)
    collected, length = [np.empty(0, np.float32)], 0
    for piece in pieces:
        collected.append(piece)
        length += len(piece)
        if length >= most:
            break
    return np.concatenate(collected)[:most]


def _by_libsndfile(path: Path) -> Iterator[NDArray[np.float32]]:
    import soundfile

    with soundfile.SoundFile(path) as file:
        resampler = soxr.ResampleStream(file.samplerate, RATE_HZ, 1, dtype="float32")
        while len(piece := file.read(_PIECE, dtype="float32", always_2d=True)):
            yield resampler.resample_chunk(piece.mean(axis=1))
        yield resampler.resample_chunk(np.empty(0, np.float32), last=True)


def _by_ffmpeg(path: Path) -> Iterator[NDArray[np.float32]]:
    import av

    try:
        container = av.open(str(path))
    except (av.FFmpegError, OSError, UnicodeError) as error:
        raise MediaError(f"{path}: can't be read as sound ({_reason(error)})") from error
    with container:
        streams = [stream for stream in container.streams.audio if stream.codec_context is not None]
        if not streams:
            raise MediaError(f"{path}: has no sound")
        rate_hz = streams[0].codec_context.sample_rate or RATE_HZ
        resampler = soxr.ResampleStream(rate_hz, RATE_HZ, 1, dtype="float32")
        # Only the form of the samples is changed, and the rate should it change on the way.
        planes = av.AudioResampler(format="fltp", rate=rate_hz)
        for frame in _frames(path, container, streams[0]):
            for part in planes.resample(frame):
                yield resampler.resample_chunk(part.to_ndarray().mean(axis=0))
        yield resampler.resample_chunk(np.empty(0, np.float32), last=True)


def _frames(path: Path, container: Any, stream: Any) -> Iterator[Any]:
    """Give whatever can be decoded."""
    import av

    damage = ""
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets, None)
            if packet is None:
                return
            yield from packet.decode()
        except av.error.EOFError:
            return
        except (av.FFmpegError, OSError) as error:
            if not damage:
                damage = _reason(error)
                log.warning("%s: is damaged (%s); what can be read was heard", path, damage)


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
