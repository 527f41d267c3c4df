"""Reads a microphone in a process of its own: PortAudio and what it loads hang or abort when a server dies.

Takes its orders as one line of JSON on standard input. Told `list`, it writes the microphones as JSON and
ends. Else it opens the `source` and writes a line of JSON (`name`, `rate_hz`), and for each block of sound a
`HEADER` (monotonic time of arrival in seconds, whether sound was lost before, number of samples) and the samples,
float32, mono, at the microphone's own rate. It ends when nobody reads them any more.
"""

from __future__ import annotations

import json
import os
import queue
import struct
import sys
import time
from array import array
from dataclasses import asdict, dataclass
from typing import IO, Any

from robotd.errors import DeviceError

HEADER = struct.Struct("=d?I")

#: So often the reader looks whether it is still wanted while no sound comes.
_LOOK_S = 1.0


@dataclass(frozen=True, slots=True)
class FoundMicrophone:
    """A microphone as PortAudio has it.

    Attributes:
        number: PortAudio's number, good until devices come or go.
        name: what it is called.
        channels: how many it has at most.
        rate_hz: its own rate.
        default: whether it is used when none is named.
    """

    number: int
    name: str
    channels: int
    rate_hz: int
    default: bool


def main() -> int:
    """Read until there is nothing more to read, or nobody to read it; return the exit code."""
    orders: dict[str, Any] = json.loads(sys.stdin.readline())
    # Whatever a library prints must not get between the blocks.
    output = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    try:
        if orders.pop("list", False):
            output.write(json.dumps([asdict(each) for each in _there(_sounddevice())]).encode())
            output.close()
            return 0
        _read(output, **orders)
    except BrokenPipeError:
        pass
    except DeviceError as error:
        sys.stderr.write(f"{error}\n")
    sys.stderr.flush()
    os._exit(1)  # PortAudio's own end can hang or abort


def choose(found: list[FoundMicrophone], wanted: str | int | None) -> FoundMicrophone:
    """Return the microphone of a number, of a name or a part of it, or the default.

    Raises:
        DeviceError: there is no such one.
    """
    if wanted is None:
        chosen = next((each for each in found if each.default), found[0] if found else None)
    elif isinstance(wanted, int):
        chosen = next((each for each in found if each.number == wanted), None)
    else:
        name = wanted.casefold()
        exact = (each for each in found if each.name.casefold() == name)
        chosen = next(exact, None) or next((each for each in found if name in each.name.casefold()), None)
    if chosen is None:
        there = ", ".join(each.name for each in found) or "none at all"
        raise DeviceError(f"is not there (there: {there})")
    return chosen


def _sounddevice() -> Any:
    try:
        import sounddevice
    except OSError as error:
        raise DeviceError("PortAudio is not installed: apt install libportaudio2") from error
    return sounddevice


def _there(sounddevice: Any) -> list[FoundMicrophone]:
    default = sounddevice.default.device[0]
    return [
        FoundMicrophone(
            number=number,
            name=device["name"],
            channels=device["max_input_channels"],
            rate_hz=int(device["default_samplerate"]),
            default=number == default,
        )
        for number, device in enumerate(sounddevice.query_devices())
        if device["max_input_channels"] > 0
    ]


def _read(output: IO[bytes], source: str | int | None, block_ms: int) -> None:
    """Write the blocks of a microphone.

    Raises:
        DeviceError: it can't be opened, or was closed by the sound system.
        BrokenPipeError: nobody reads any more.
    """
    sounddevice = _sounddevice()
    found = choose(_there(sounddevice), source)
    blocks: queue.SimpleQueue[tuple[float, bool, bytes] | None] = queue.SimpleQueue()

    def callback(sound: Any, _frames: int, _time: object, status: Any) -> None:
        blocks.put((time.monotonic(), bool(status.input_overflow), bytes(sound)))

    # Some cards open only with all their channels; the first one is heard then.
    for channels in (1, found.channels):
        try:
            stream = sounddevice.RawInputStream(
                device=found.number,
                samplerate=found.rate_hz,
                channels=channels,
                dtype="float32",
                blocksize=found.rate_hz * block_ms // 1000,
                callback=callback,
                finished_callback=lambda: blocks.put(None),
            )
            stream.start()
            break
        except sounddevice.PortAudioError as error:
            problem = error
    else:
        raise DeviceError(f"can't be opened ({problem})")
    output.write(json.dumps({"name": found.name, "rate_hz": found.rate_hz}).encode() + b"\n")
    output.flush()
    parent = os.getppid()
    while True:
        try:
            block = blocks.get(timeout=_LOOK_S)
        except queue.Empty:
            if os.getppid() != parent:
                return
            continue
        if block is None:
            raise DeviceError("was closed by the sound system")
        arrived_s, overflow, sound = block
        samples = array("f", sound)[::channels]
        output.write(HEADER.pack(arrived_s, overflow, len(samples)))
        output.write(samples.tobytes())
        output.flush()


if __name__ == "__main__":
    sys.exit(main())
