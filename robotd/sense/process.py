"""A device that is read in a process of its own, which can be killed when a driver hangs or crashes."""

from __future__ import annotations

import asyncio
import fcntl
import json
import logging
import os
import re
import subprocess
import sys
import threading
from abc import abstractmethod
from collections import deque
from contextlib import suppress
from typing import IO, TYPE_CHECKING, Any, ClassVar

from robotd.errors import DeviceError
from robotd.paths import PACKAGE
from robotd.sense.kept import CLOSE_S, KeptDevice

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

log = logging.getLogger(__name__)

#: A whole picture of 640 x 480 fits into the pipe, so that the reader rarely waits.
_PIPE_BYTES = 1 << 20
_CREDENTIALS = re.compile(r"//[^/@\s]*@")
#: What FFmpeg puts before a message, for instance `[tcp @ 0x55f2] `.
_LIBRARY = re.compile(r"^\[[^]]* @ 0x[0-9a-f]+\]\s*")


def command(module: str) -> list[str]:
    """Return the command line that runs one of our modules as a process."""
    return [sys.executable, "-m", module]


def environment() -> dict[str, str]:
    """Return the environment for such a process."""
    path = filter(None, (str(PACKAGE.parent), os.environ.get("PYTHONPATH")))
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(path),
        "OPENBLAS_NUM_THREADS": "1",
        "OPENCV_LOG_LEVEL": "ERROR",
        # libjack would start a sound server of its own on a machine that has none.
        "JACK_NO_START_SERVER": "1",
    }


class Reader:
    """A reader process; it gets its orders as one line of JSON on standard input.

    Everybody can see a command line, and the address of a camera may hold a password.

    Args:
        module: is run.
        orders: what it is told.

    Attributes:
        pipe: its standard output.
        pid: its process number.
        name: what the device is called, fit to be shown.
    """

    def __init__(self, module: str, orders: Mapping[str, Any]) -> None:
        source = orders["source"]
        self.name = "the default" if source is None else without_credentials(str(source))
        self._process = subprocess.Popen(
            command(module),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            env=environment(),
            # Ctrl-C in a terminal is for us; the reader ends when we do.
            start_new_session=True,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        self.pipe = self._process.stdout
        self.pid = self._process.pid
        with suppress(OSError):  # the system's limit for pipes is lower; then the reader waits a little
            fcntl.fcntl(self.pipe, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
        with suppress(BrokenPipeError), self._process.stdin as orders_pipe:
            orders_pipe.write(json.dumps(orders).encode() + b"\n")
        # Libraries complain on standard error as long as they run; only the end of it is of interest.
        self._noise: deque[bytes] = deque(maxlen=2)
        self._listener = threading.Thread(target=self._noise.extend, args=(self._process.stderr,), daemon=True)
        self._listener.start()

    def kill(self) -> None:
        """End the process, whatever it does."""
        self._process.kill()

    def last_words(self) -> str:
        """Wait for the end of the process and return why it ended (blocks)."""
        code = self._process.wait()
        self._listener.join()
        self.pipe.close()
        assert self._process.stderr is not None
        self._process.stderr.close()
        return without_credentials(last_words(self._noise)) or f"ended by itself ({code})"


class ProcessDevice(KeptDevice):
    """Keeps a reader process running and takes what it writes.

    A subclass names the module that is run, gives it orders, and reads its messages.
    """

    module: ClassVar[str]

    _starting: asyncio.Future[Reader] | None = None
    _reader: Reader | None = None
    _gone: asyncio.Future[Any] | None = None

    @property
    def pid(self) -> int | None:
        """The reader's process number, None while there is none."""
        return self._reader.pid if self._reader else None

    @abstractmethod
    def _orders(self) -> Mapping[str, Any]:
        """Return what the reader is told; `source` is what the device is called (on some thread).

        Raises:
            DeviceError: there is no such device.
        """

    @abstractmethod
    def _messages(self, pipe: IO[bytes]) -> Iterator[Any]:
        """Yield what comes through the pipe until it ends (on the device's thread)."""

    @abstractmethod
    def _take(self, message: Any) -> None:
        """Take a message (on the loop's thread)."""

    async def _open(self) -> str:
        loop = asyncio.get_running_loop()
        self._starting = loop.run_in_executor(None, self._start_reader)
        # When this is cancelled, the process still starts, and `_close` finds it.
        reader = self._reader = await asyncio.shield(self._starting)
        gone = self._gone = loop.create_future()

        def take(message: Any) -> None:
            if self._reader is reader:
                self._take(message)

        def finish(reason: str) -> None:
            gone.set_result(None)
            self._end(f"{reader.name} {reason}")

        def read() -> None:
            with suppress(RuntimeError):  # the loop was closed before a reader that does not die
                for message in self._messages(reader.pipe):
                    loop.call_soon_threadsafe(take, message)
                loop.call_soon_threadsafe(finish, reader.last_words())

        # A daemon thread: a reader that even SIGKILL does not end must not keep us from ending.
        threading.Thread(target=read, name=self.kind, daemon=True).start()
        return reader.name

    def _start_reader(self) -> Reader:
        orders = self._orders()
        try:
            return Reader(self.module, orders)
        except OSError as error:
            raise DeviceError(f"its reader can't be started ({error.strerror})") from error

    async def _close(self) -> None:
        starting, self._starting = self._starting, None
        gone, self._gone = self._gone, None
        self._reader = None
        if starting is None:
            return
        await asyncio.wait([starting])
        if starting.exception() is not None:
            return
        reader = starting.result()
        reader.kill()
        gone = gone or asyncio.get_running_loop().run_in_executor(None, reader.last_words)
        done, _ = await asyncio.wait([gone], timeout=CLOSE_S)
        if not done:
            log.warning("the %s's reader (process %d) can't be killed: its driver hangs", self.kind, reader.pid)


def read_into(pipe: IO[bytes], space: memoryview) -> bool:
    """Fill the space from an unbuffered pipe; return False if the pipe ends first."""
    filled = 0
    while filled < len(space):
        count = pipe.readinto(space[filled:])  # type: ignore[attr-defined]  # an unbuffered pipe is a FileIO
        if not count:
            return False
        filled += count
    return True


def last_words(noise: Iterable[bytes]) -> str:
    """Return the last line of a reader's standard error, with the library's line before it as its cause."""
    told = [_LIBRARY.sub("", line.decode(errors="replace").strip()) for line in noise][-2:]
    return f"{told[1]} ({told[0]})" if len(told) > 1 else "".join(told)


def without_credentials(text: str) -> str:
    """Return a text without the user names and passwords of the addresses in it."""
    return _CREDENTIALS.sub("//***@", text)
