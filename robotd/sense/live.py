"""The senses of a robot: its microphone and its camera, each kept open on its own."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from robotd.channel import BoundedQueue, Latest
from robotd.sense.camera import LiveCamera
from robotd.sense.kept import FIRST_PAUSE_S
from robotd.sense.microphone import LiveMicrophone
from robotd.sense.sample import Frame, Sound, Tick

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from types import TracebackType

    import numpy as np
    from numpy.typing import NDArray
    from typing_extensions import Self

    from robotd.config import Camera, Microphone
    from robotd.sense.sample import Sample
    from robotd.sense.stream import Health

#: So much sound is kept while the reader is busy; older sound is dropped and counted.
_KEPT_SOUND_S = 10.0


class LiveSenses:
    """Microphone and camera as one stream: sound first, then the newest picture, ticks on schedule.

    A device that is missing or lost is told once in the log, tried again after growing pauses, and holds up
    nothing else. `time_s` is monotonic time since the stream was opened.

    Args:
        microphone: the section of the configuration.
        camera: the section of the configuration.
        tick_s: a tick comes so often; ticks that the reader was too busy for are left out.
        first_pause_s: pause before a lost device is opened again the first time.
    """

    def __init__(
        self, microphone: Microphone, camera: Camera, tick_s: float, *, first_pause_s: float = FIRST_PAUSE_S
    ) -> None:
        self._sounds: BoundedQueue[tuple[float, NDArray[np.float32]]] = BoundedQueue(
            int(_KEPT_SOUND_S * 1000 / microphone.block_ms)
        )
        self._frame: Latest[tuple[float, NDArray[np.uint8]]] = Latest()
        self._microphone = LiveMicrophone(microphone, self._hear, first_pause_s=first_pause_s)
        self._camera = LiveCamera(camera, self._see, first_pause_s=first_pause_s)
        self._tick_s = tick_s
        self._began_s = 0.0
        self._last_s = 0.0
        self._ticks = 0
        self._tick_due = False
        self._timer: asyncio.TimerHandle | None = None
        self._arrived = asyncio.Event()
        self._crash: BaseException | None = None
        self._open = False
        self._sound_blocks = 0
        self._frames = 0

    async def __aenter__(self) -> Self:
        """Begin to open the devices."""
        self._began_s = time.monotonic()
        self._open = True
        for device in (self._microphone, self._camera):
            device.on_crash = self._fail
            await device.start()
        self._set_timer(0.0)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the devices, for good."""
        self._open = False
        if self._timer is not None:
            self._timer.cancel()
        await asyncio.gather(self._microphone.stop("off"), self._camera.stop("off"))

    async def __aiter__(self) -> AsyncIterator[Sample]:
        """Yield samples for as long as they are asked for."""
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            if self._crash is not None:
                raise self._crash
            # Only the sound that is there now: a slow reader still gets its pictures and ticks.
            for _ in range(len(self._sounds)):
                if (sound := self._sounds.take()) is not None:
                    self._sound_blocks += 1
                    yield Sound(self._in_order(sound[0] - self._began_s), sound[1])
            if (frame := self._frame.take()) is not None:
                self._frames += 1
                yield Frame(self._in_order(frame[0] - self._began_s), frame[1])
            if self._tick_due:
                self._tick_due = False
                yield Tick(self._in_order(self._ticks * self._tick_s))

    async def mute(self, *, microphone: bool | None = None, camera: bool | None = None) -> None:
        """Close (True) or open again (False) a device; None leaves it as it is.

        Outside of `async with` nothing is opened.
        """
        if not self._open:
            return
        if microphone is not None:
            await (self._microphone.stop("muted") if microphone else self._microphone.start())
        if camera is not None:
            await (self._camera.stop("muted") if camera else self._camera.start())
        if microphone:
            self._sounds.clear()
        if camera:
            self._frame.take()

    @property
    def health(self) -> Mapping[str, Health]:
        """How `microphone` and `camera` are."""
        return {"microphone": self._microphone.health, "camera": self._camera.health}

    @property
    def counters(self) -> Mapping[str, int]:
        """Totals since the start."""
        return {
            "frames": self._frames,
            "frames_replaced": self._frame.replaced,
            "sound_blocks": self._sound_blocks,
            "sound_overflows": self._microphone.overflows + self._sounds.overflowed,
            "microphone_reopened": self._microphone.reopened,
            "camera_restarted": self._camera.reopened,
        }

    def freshness_s(self) -> float:
        """Return the age of the newest sample of the devices that should be running, 0 if none should."""
        ages = (self._microphone.age_s(), self._camera.age_s())
        return min((age for age in ages if age is not None), default=0.0)

    def _hear(self, taken_s: float, samples: NDArray[np.float32]) -> None:
        self._sounds.put((taken_s, samples))
        self._arrived.set()

    def _see(self, taken_s: float, image: NDArray[np.uint8]) -> None:
        self._frame.put((taken_s, image))
        self._arrived.set()

    def _tick(self) -> None:
        passed_s = time.monotonic() - self._began_s
        self._ticks = max(self._ticks + 1, int(passed_s / self._tick_s))
        self._tick_due = True
        self._arrived.set()
        self._set_timer(passed_s)

    def _set_timer(self, passed_s: float) -> None:
        next_s = (self._ticks + 1) * self._tick_s
        self._timer = asyncio.get_running_loop().call_later(next_s - passed_s, self._tick)

    def _in_order(self, time_s: float) -> float:
        """Return a time that does not fall behind what was given before."""
        self._last_s = max(self._last_s, time_s)
        return self._last_s

    def _fail(self, error: BaseException) -> None:
        self._crash = error
        self._arrived.set()
