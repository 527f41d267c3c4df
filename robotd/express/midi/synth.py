"""Sound without a synthesizer: FluidSynth in the place of a MIDI port, started, watched and started again."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from robotd.errors import DeviceError
from robotd.express.midi.fluidsynth import Run, choose_audio, find_program, find_soundfont

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from mido import Message
    from typing_extensions import Self

    from robotd.config import Midi

logger = logging.getLogger(__name__)

#: It is looked after this often.
WATCH_S = 1.0
#: Started again after so long, twice as long each time that it fails, up to the second.
FIRST_RETRY_S, LAST_RETRY_S = 1.0, 30.0
#: Having played for so long it is well again, and its next end is news.
STABLE_S = 30.0


class Synth:
    """A synthesizer of our own; `with Synth(config) as synth:`.

    Where FluidSynth can't be started it warns once and tries again from time to time. What is sent while it
    does not run is dropped.

    Args:
        config: soundfont, audio and gain.
        watch_s: how often it is looked after.
        retry_s: after how long it is started again for the first time.

    Attributes:
        on_return: called on a thread of ours whenever it was started again.
    """

    def __init__(self, config: Midi, *, watch_s: float = WATCH_S, retry_s: float = FIRST_RETRY_S) -> None:
        self.on_return: Callable[[], None] | None = None
        self._config = config
        self._watch_s = watch_s
        self._first_retry_s = self._retry_s = retry_s
        self._run: Run | None = None
        self._well_s = 0.0
        #: The troubles that were told of, and those of which the end was, until all is well.
        self._told: set[str] = set()
        self._told_over: set[str] = set()
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._watchdog = threading.Thread(target=self._watch, name="synth-watchdog", daemon=True)

    def __enter__(self) -> Self:
        self._start()
        self._watchdog.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        self._watchdog.join()
        self._stop()

    @property
    def name(self) -> str | None:
        """What plays and through what, None while nothing does."""
        run = self._run
        return None if run is None else f"fluidsynth ({run.through.name})"

    def send(self, message: Message) -> None:
        """Have a message played, from any thread; never raises."""
        # The lock keeps `_stop` from closing it meanwhile.
        with self._lock:
            if self._run is not None:
                self._run.play(message)

    def _start(self) -> bool:
        try:
            run = Run(self._config)
        except DeviceError as error:
            self._tell(f"no sound: {error}")
            return False
        with self._lock:
            self._run = run
        self._well_s = 0.0
        if self._told != self._told_over:
            self._told_over = set(self._told)
            logger.info("the music sounds again, through %s", self.name)
        elif not self._told:
            logger.info("the music sounds through %s", self.name)
        return True

    def _stop(self) -> None:
        with self._lock:
            gone, self._run = self._run, None
        if gone is not None:
            # Not under the lock: it takes a while, and senders must not wait.
            gone.close()

    def _watch(self) -> None:
        while not self._closing.wait(self._retry_s if self._run is None else self._watch_s):
            if self._run is None:
                self._retry_s = min(2 * self._retry_s, LAST_RETRY_S)
                if self._start() and self.on_return is not None:
                    self.on_return()
            elif (trouble := self._run.trouble) is not None:
                self._tell(f"the synthesizer is lost: {trouble}")
                self._stop()
            else:
                self._run.ask()
                self._well_s += self._watch_s
                if self._well_s >= STABLE_S:
                    self._told, self._told_over = set(), set()
                    self._retry_s = self._first_retry_s

    def _tell(self, trouble: str) -> None:
        """Tell of a trouble once, however often it comes until all is well."""
        if trouble not in self._told:
            logger.warning("%s; starting it again until it plays", trouble)
        self._told.add(trouble)


def describe_synth(config: Midi) -> str:
    """Return what `midi.synth: fluidsynth` would play with and through.

    Raises:
        DeviceError: it could not play; what is missing.
    """
    program = find_program()
    soundfont = find_soundfont(config.soundfont)
    system, _ = choose_audio(config.audio, program)
    return f"{program}, {soundfont}, through {system.name}"
