"""How punctual MIDI is on this board, with and without inference beside it."""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import numpy as np
from mido import Message

from robotd.config import Midi
from robotd.express.midi.port import MidiPort
from robotd.express.midi.scheduler import Scheduler

if TYPE_CHECKING:
    from collections.abc import Iterator

    from robotd.express.midi.lateness import Lateness

#: A virtual port that nobody listens to, so that nothing is heard.
PORT = "robotd-measure"
INTERVAL_S = 0.013
LOAD_SIZE = 256


def measure_lateness(notes: int = 500, *, load: bool = True, config: Midi | None = None) -> Lateness:
    """Play notes into a port of our own and return how late they were sent.

    Args:
        notes: how many, 13 ms apart: a prime number, to fall into step with nothing.
        load: whether a thread multiplies matrices meanwhile, as inference does.
        config: which MIDI system; without one the notes go nowhere, which changes little.
    """
    config = (config or Midi()).model_copy(update={"port": PORT})
    with ExitStack() as stack:
        if load:
            stack.enter_context(_load())
        port = stack.enter_context(MidiPort(config))
        channel = config.channels.from_zero["melody"]
        scheduler = stack.enter_context(Scheduler(port.send, channels=(channel,)))
        start_s = time.monotonic() + 0.2
        for number in range(notes):
            due_s = start_s + number * INTERVAL_S
            scheduler.play(due_s, Message("note_on", note=60, velocity=1, channel=channel))
            scheduler.play(due_s + INTERVAL_S / 2, Message("note_off", note=60, channel=channel))
        while scheduler.lateness.count < notes:
            time.sleep(0.05)
        return scheduler.lateness


@contextmanager
def _load() -> Iterator[None]:
    """Multiply matrices in a thread: computing without the interpreter lock, and a little with it."""
    done = threading.Event()
    matrix = np.random.default_rng(0).standard_normal((LOAD_SIZE, LOAD_SIZE)).astype(np.float32)

    def work() -> None:
        while not done.is_set():
            np.tanh(matrix @ matrix)

    worker = threading.Thread(target=work, name="load")
    worker.start()
    try:
        yield
    finally:
        done.set()
        worker.join()
