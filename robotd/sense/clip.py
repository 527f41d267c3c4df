"""A video or audio file as if it were seen and heard, at real speed or as fast as can be."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from robotd.sense.media import Contents, decode, look_into
from robotd.sense.sample import RATE_HZ, Frame, Sound, Tick

if TYPE_CHECKING:
    from asyncio import Future
    from collections.abc import AsyncIterator, Callable, Generator, Iterable, Iterator, Mapping
    from pathlib import Path
    from types import TracebackType

    from typing_extensions import Self

    from robotd.sense.sample import Sample
    from robotd.sense.stream import Health

T = TypeVar("T")

#: So much of the file is decoded at a time, and ahead.
_BATCH_S = 0.5


class ClipSenses:
    """The frames and the sound of a file in time order, with ticks at multiples of `tick_s` and one at the end.

    Nothing is dropped, and the samples are the same at either speed.

    Args:
        path: any video or audio file that FFmpeg or libsndfile reads.
        tick_s: a tick comes so often.
        frame_rate_hz: at most so many frames a second.
        fast: as fast as the reader takes the samples; else each waits for its time.
        repeat: begin again at the end; time goes on.
    """

    def __init__(
        self, path: Path, tick_s: float, frame_rate_hz: float, *, fast: bool = False, repeat: bool = False
    ) -> None:
        self._path = path
        self._tick_s = tick_s
        self._frame_rate_hz = frame_rate_hz
        self._fast = fast
        self._repeat = repeat
        self._contents = Contents(pictures=False, sound=False)
        self._muted = {"microphone": False, "camera": False}
        self._frames = 0
        self._sound_blocks = 0
        self._began_s = 0.0
        self._newest_s = 0.0
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="clip")
        self._timeline: Generator[Sample, None, None] | None = None

    async def __aenter__(self) -> Self:
        """Open the file.

        Raises:
            MediaError: it can't be read, or holds neither pictures nor sound.
        """
        self._contents = await self._in_thread(partial(look_into, self._path))
        self._timeline = _with_ticks(self._played(), self._tick_s)
        self._began_s = self._newest_s = time.monotonic()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the file."""
        assert self._timeline is not None
        # In the thread: a batch may still be under way there.
        await self._in_thread(self._timeline.close)
        self._thread.shutdown(wait=False)

    async def __aiter__(self) -> AsyncIterator[Sample]:
        """Yield the samples to the end of the file.

        Raises:
            MediaError: the file went away while it was read.
        """
        ahead = self._in_thread(self._next_batch)
        try:
            while batch := await ahead:
                ahead = self._in_thread(self._next_batch)
                for sample in batch:
                    await asyncio.sleep(0 if self._fast else self._began_s + sample.time_s - time.monotonic())
                    self._newest_s = time.monotonic()
                    if self._counts(sample):
                        yield sample
        finally:
            await asyncio.wait([ahead])

    async def mute(self, *, microphone: bool | None = None, camera: bool | None = None) -> None:
        """Leave out (True) or give again (False) what a sense would give; None leaves it as it is."""
        for sense, muted in (("microphone", microphone), ("camera", camera)):
            if muted is not None:
                self._muted[sense] = muted

    @property
    def health(self) -> Mapping[str, Health]:
        """How `microphone` and `camera` are; `off` if the file has no sound or no pictures."""
        there = {"microphone": self._contents.sound, "camera": self._contents.pictures}
        return {
            sense: "off" if not there[sense] else "muted" if muted else "ok" for sense, muted in self._muted.items()
        }

    @property
    def counters(self) -> Mapping[str, int]:
        """Totals since the start."""
        return {"frames": self._frames, "sound_blocks": self._sound_blocks}

    def freshness_s(self) -> float:
        """Return how long ago the newest sample was given, 0 if everything is muted."""
        return time.monotonic() - self._newest_s if "ok" in self.health.values() else 0.0

    def _counts(self, sample: Sample) -> bool:
        """Count a sample and return whether it is given."""
        if isinstance(sample, Tick):
            return True
        if self._muted["camera" if isinstance(sample, Frame) else "microphone"]:
            return False
        if isinstance(sample, Frame):
            self._frames += 1
        else:
            self._sound_blocks += 1
        return True

    def _in_thread(self, work: Callable[[], T]) -> Future[T]:
        return asyncio.get_running_loop().run_in_executor(self._thread, work)

    def _next_batch(self) -> list[Sample]:
        """Decode a piece; empty at the end (the clip's thread)."""
        assert self._timeline is not None
        batch: list[Sample] = []
        for sample in self._timeline:
            batch.append(sample)
            if sample.time_s - batch[0].time_s >= _BATCH_S:
                break
        return batch

    def _played(self) -> Iterator[Frame | Sound]:
        """Yield the file's frames and sound, once or again and again."""
        begin_s = 0.0
        while True:
            end_s = begin_s
            for sample in decode(self._path, self._contents, self._frame_rate_hz):
                later = replace(sample, time_s=begin_s + sample.time_s)
                end_s = max(end_s, _end_s(later))
                yield later
            if not self._repeat or end_s == begin_s:
                return
            begin_s = end_s


def _with_ticks(samples: Iterable[Frame | Sound], tick_s: float) -> Generator[Sample, None, None]:
    """Yield samples with ticks between them: at multiples of `tick_s`, and one at the end."""
    ticks = 1
    end_s = 0.0
    for sample in samples:
        while ticks * tick_s < sample.time_s:
            yield Tick(ticks * tick_s)
            ticks += 1
        yield sample
        end_s = max(end_s, _end_s(sample))
    while ticks * tick_s < end_s:
        yield Tick(ticks * tick_s)
        ticks += 1
    yield Tick(end_s)


def _end_s(sample: Frame | Sound) -> float:
    return sample.time_s + (len(sample.samples) / RATE_HZ if isinstance(sample, Sound) else 0.0)
