"""What the senses hand on, in time order: pictures, sound, and the ticks between them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

#: All sound inside robotd is mono at this rate.
RATE_HZ = 16_000


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """A picture.

    Attributes:
        time_s: when it was taken, in seconds since the input began.
        image: [height, width, 3] uint8, BGR as OpenCV has it.
    """

    time_s: float
    image: NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class Sound:
    """A block of sound.

    Attributes:
        time_s: when its first sample was taken, in seconds since the input began.
        samples: [n] float32 in -1..1, mono, 16 kHz.
    """

    time_s: float
    samples: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Tick:
    """A moment at which the feeling is told; all samples before it have been handed on.

    Attributes:
        time_s: seconds since the input began.
    """

    time_s: float


Sample: TypeAlias = Frame | Sound | Tick
