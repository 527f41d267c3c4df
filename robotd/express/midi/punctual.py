"""What a process does so that its MIDI thread gets the interpreter in time."""

from __future__ import annotations

import gc
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Threads that compute hand the interpreter over after so long (5 ms by default): each note waits for that at most.
TURN_S = 0.0005


@contextmanager
def punctual() -> Iterator[None]:
    """Let threads take short turns, and keep what exists by now out of the garbage collector.

    With all modules and models loaded a full collection holds the interpreter for 50 ms.
    """
    before_s = sys.getswitchinterval()
    sys.setswitchinterval(TURN_S)
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
        sys.setswitchinterval(before_s)
