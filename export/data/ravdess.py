"""RAVDESS's acted speech (Livingstone & Russo 2018, doi:10.1371/journal.pone.0196391), as clips of an actor.

The layout: `Actor_<AA>/03-01-<EE>-<II>-<SS>-<RR>-<AA>.<ending>`, where EE is the emotion (01 neutral to 08
surprised, our order) and AA the actor, in `speech/ravdess` or wherever the archives were unpacked.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import soundfile
import soxr

from robotd.emotion import EMOTIONS
from robotd.sense.sample import RATE_HZ

from . import places

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

#: The place of the emotion in a file's name.
_EMOTION = 2


@dataclass(frozen=True, slots=True, eq=False)
class Clip:
    """A recording of one sentence.

    Attributes:
        speaker: who says it.
        samples: [n] float32, mono, 16 kHz.
        target: [8] probabilities of our emotions.
    """

    speaker: str
    samples: NDArray[np.float32]
    target: NDArray[np.float32]


def read_ravdess(data: Path, actors: range) -> list[Clip]:
    """Read the speech of some actors (1 to 24).

    Raises:
        FileNotFoundError: there is no speech of one of them.
    """
    root = places.ravdess(data) or data / "speech" / "ravdess"
    clips = []
    for actor in actors:
        folder = root / f"Actor_{actor:02d}"
        files = sorted(file for file in folder.glob("03-01-*") if file.is_file())
        if not files:
            raise FileNotFoundError(f"no speech of RAVDESS in {folder}")
        for file in files:
            emotion = int(file.stem.split("-")[_EMOTION]) - 1
            target = np.eye(len(EMOTIONS), dtype=np.float32)[emotion]
            clips.append(Clip(f"ravdess-{actor:02d}", read_sound(file), target))
    return clips


def read_sound(file: Path) -> NDArray[np.float32]:
    """Read a sound file as [n] float32, mono, 16 kHz."""
    samples, rate_hz = soundfile.read(file, dtype="float32", always_2d=True)
    mono: NDArray[np.float32] = samples.mean(axis=1)
    return mono if rate_hz == RATE_HZ else soxr.resample(mono, rate_hz, RATE_HZ)
