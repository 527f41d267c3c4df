"""Music for the tests, made of sines, and workers that don't need other processes."""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING

import av
import numpy as np
import soundfile

from robotd.music.scan.study import Job, Studied, study

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

RATE_HZ = 16_000
C_MAJOR, A_MINOR = (
    ((60, 64, 67), (65, 69, 72), (67, 71, 74), (60, 64, 67)),
    ((57, 60, 64), (62, 65, 69), (64, 67, 71), (57, 60, 64)),
)


def music(
    duration_s: float = 3.0,
    tempo_bpm: float = 120.0,
    chords: tuple[tuple[int, ...], ...] = C_MAJOR,
    rate_hz: int = RATE_HZ,
) -> NDArray[np.float32]:
    """Return chords that are struck on every beat, a new one every four, [n] float32."""
    time_s = np.arange(round(duration_s * rate_hz)) / rate_hz
    beat = (time_s * tempo_bpm / 60).astype(np.int64)
    since_s = time_s - beat * 60 / tempo_bpm
    sound = np.zeros(len(time_s))
    for number, chord in enumerate(chords):
        now = beat // 4 % len(chords) == number
        for pitch in chord:
            hz = 440 * 2 ** ((pitch - 69) / 12)
            sound += now * (np.sin(2 * np.pi * hz * time_s) + 0.3 * np.sin(4 * np.pi * hz * time_s))
    return (0.15 * sound * np.exp(-4 * since_s)).astype(np.float32)


def noise(duration_s: float) -> NDArray[np.float32]:
    """Return white noise, always the same."""
    return np.random.default_rng(0).normal(0, 0.1, round(duration_s * RATE_HZ)).astype(np.float32)


def write(path: Path, sound: NDArray[np.float32] | None = None, rate_hz: int = RATE_HZ) -> Path:
    """Write a sound in the format that the file's ending names: by libsndfile where it can, else by FFmpeg."""
    sound = music() if sound is None else sound
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix in {".wav", ".flac", ".ogg", ".aiff"}:
        soundfile.write(path, sound, rate_hz)
        return path
    codec = {".m4a": "aac", ".opus": "libopus", ".wma": "wmav2", ".mp3": "libmp3lame"}[path.suffix]
    planes = np.ascontiguousarray(np.atleast_2d(sound.T))
    layout = "mono" if len(planes) == 1 else "stereo"
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate_hz if path.suffix in {".opus", ".mp3"} else 44_100)
        stream.layout, stream.bit_rate = layout, 64_000
        frame = av.AudioFrame.from_ndarray(planes, format="fltp", layout=layout)
        frame.sample_rate = rate_hz
        resampler = av.AudioResampler(stream.format, layout, stream.rate, stream.codec_context.frame_size or None)
        for part in (*resampler.resample(frame), *resampler.resample(None)):
            container.mux(stream.encode(part))
        container.mux(stream.encode(None))
    return path


class Here:
    """A worker in this process; remembers what it was given."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def study(self, jobs: Iterable[Job]) -> Iterator[Studied]:
        """Do as `Workers.study`."""
        for job in jobs:
            self.asked.append(job.path)
            yield study(job)


def study_or_die(job: Job) -> Studied:
    """Study a file, unless it is one that kills its reader."""
    if "deadly" in job.path:
        os.kill(os.getpid(), signal.SIGKILL)
    return Studied(job.path, problem="was read")


def study_slowly_or_die(job: Job) -> Studied:
    """As `study_or_die`; the others are still at work when it dies."""
    if "deadly" not in job.path:
        time.sleep(0.5)
    return study_or_die(job)
