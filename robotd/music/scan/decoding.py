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


def duration_of(path: Path, sound: NDArray[np.float32]) -> float:
    """Return how many seconds a file plays, whose sound was read: that is more than was heard if it is very long."""
    heard_s = len(sound) / RATE_HZ
    return heard_s if heard_s < LONGEST_S else max(heard_s, _claimed_s(path))


def _claimed_s(path: Path) -> float:
    """Return how long a file says that it is, 0 if it doesn't."""
    import av

    try:
        with av.open(str(path), metadata_errors="replace") as container:
            return float((container.duration or 0) / av.time_base)
    except (av.FFmpegError, OSError, UnicodeError):
        return 0.0


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
        # Tags in old letters are no reason not to listen.
        container = av.open(str(path), metadata_errors="replace")
    except (av.FFmpegError, OSError, UnicodeError) as error:
        raise MediaError(f"{path}: can't be read as sound ({_reason(error)})") from error
    with container:
        streams = [stream for stream in container.streams.audio if stream.codec_context is not None]
        if not streams:
            raise MediaError(f"{path}: has no sound")
        yield from _mono(_frames(path, container, streams[0]))


def _mono(frames: Iterator[Any]) -> Iterator[NDArray[np.float32]]:
    """Bring frames of any form to mono sound of 16 kHz."""
    import av

    shape: tuple[str, str, int] | None = None
    packed: Any = None
    resampler: Any = None
    nothing = np.empty(0, np.float32)
    for frame in frames:
        # Recordings that were joined, and broadcasts, change their rate or their channels on the way.
        if shape != (frame.format.name, frame.layout.name, frame.sample_rate):
            if resampler is not None:
                yield resampler.resample_chunk(nothing, last=True)
            shape = frame.format.name, frame.layout.name, frame.sample_rate
            # Only the form of the samples is changed. Not to planes, which PyAV miscounts from 8 channels on.
            packed = av.AudioResampler(format="flt")
            resampler = soxr.ResampleStream(frame.sample_rate, RATE_HZ, 1, dtype="float32")
        for part in packed.resample(frame):
            yield resampler.resample_chunk(part.to_ndarray().reshape(-1, part.layout.nb_channels).mean(axis=1))
    if resampler is not None:
        yield resampler.resample_chunk(nothing, last=True)


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
