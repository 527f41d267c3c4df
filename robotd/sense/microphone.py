"""The microphone: its sound comes from a reader process and is resampled here."""

from __future__ import annotations

import json
from typing import IO, TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np

from robotd.sense.kept import FIRST_PAUSE_S
from robotd.sense.microphone_reader import HEADER
from robotd.sense.process import ProcessDevice, read_into
from robotd.sense.sample import RATE_HZ

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from numpy.typing import NDArray

    from robotd.config import Microphone

#: So often the time counted in samples is set right.
_SET_RIGHT_S = 1.0


class _Block(NamedTuple):
    """A block as the reader gives it, resampled to 16 kHz."""

    name: str
    arrived_s: float
    overflow: bool
    samples: NDArray[np.float32]


class LiveMicrophone(ProcessDevice):
    """Keeps a microphone open and gives its sound in blocks of `block_ms`, mono, 16 kHz.

    Args:
        settings: the `microphone` section of the configuration.
        deliver: called on the loop with each block: the monotonic time of its first sample in seconds, and
            the samples, [n] float32 in -1..1.
        first_pause_s: pause before a lost microphone is opened again.

    Attributes:
        overflows: how often the sound card had to throw sound away.
    """

    kind: ClassVar[str] = "microphone"
    module: ClassVar[str] = "robotd.sense.microphone_reader"

    def __init__(
        self,
        settings: Microphone,
        deliver: Callable[[float, NDArray[np.float32]], None],
        *,
        first_pause_s: float = FIRST_PAUSE_S,
    ) -> None:
        super().__init__(enabled=settings.enabled, stall_s=settings.stall_s, first_pause_s=first_pause_s)
        self.overflows = 0
        self._settings = settings
        self._block = settings.block_ms * RATE_HZ // 1000
        self._deliver = deliver
        self._rest = np.zeros(0, np.float32)
        self._clock = _SampleClock()

    async def _open(self) -> str:
        self._rest = np.zeros(0, np.float32)
        self._clock = _SampleClock()
        return await super()._open()

    def _orders(self) -> Mapping[str, Any]:
        return {"source": self._settings.device, "block_ms": self._settings.block_ms}

    def _messages(self, pipe: IO[bytes]) -> Iterator[_Block]:
        import soxr

        if not (hello := pipe.readline()):
            return
        opened = json.loads(hello)
        resampler = soxr.ResampleStream(opened["rate_hz"], RATE_HZ, 1, dtype="float32", quality="LQ")
        header = bytearray(HEADER.size)
        while read_into(pipe, memoryview(header)):
            arrived_s, overflow, length = HEADER.unpack(header)
            samples = np.empty(length, np.float32)
            if not read_into(pipe, samples.view(np.uint8).data):
                return
            yield _Block(opened["name"], arrived_s, overflow, resampler.resample_chunk(samples))

    def _take(self, message: _Block) -> None:
        self._name = message.name
        self._sampled()
        self.overflows += message.overflow
        self._rest = np.concatenate([self._rest, message.samples])
        self._clock.arrive(message.arrived_s, len(self._rest))
        while len(self._rest) >= self._block:
            self._deliver(self._clock.next_s, self._rest[: self._block])
            self._rest = self._rest[self._block :]
            self._clock.count(self._block)


class _SampleClock:
    """Tells when samples were taken, by counting them.

    Sound arrives late and in bursts, but never early. So the count is set back at once when sound arrives
    earlier than it should, and forward by the least lateness of the last seconds, which is what was lost.

    Attributes:
        next_s: the monotonic time at which the next sample was taken.
    """

    def __init__(self) -> None:
        self.next_s = 0.0
        self._least_late_s = float("inf")
        self._set_right_s = 0.0

    def arrive(self, now_s: float, samples: int) -> None:
        """Note that the last of so many samples has arrived; all of them are still to be counted."""
        late_s = now_s - samples / RATE_HZ - self.next_s
        self._least_late_s = min(self._least_late_s, late_s)
        if late_s < 0 or self._set_right_s == 0 or now_s >= self._set_right_s:
            self.next_s += self._least_late_s
            self._least_late_s = float("inf")
            self._set_right_s = now_s + _SET_RIGHT_S

    def count(self, samples: int) -> None:
        """Go on by so many samples."""
        self.next_s += samples / RATE_HZ
