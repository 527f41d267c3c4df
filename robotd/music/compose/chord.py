"""A chord: a root and a quality, in the frame that material is composed in, C major or A minor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from robotd.music.bar import SCALES

if TYPE_CHECKING:
    from collections.abc import Mapping

Quality = Literal[
    "major", "minor", "diminished", "major_seventh", "minor_seventh", "dominant_seventh", "half_diminished"
]

#: Semitones of each note above the root.
QUALITIES: dict[Quality, tuple[int, ...]] = {
    "major": (0, 4, 7),
    "minor": (0, 3, 7),
    "diminished": (0, 3, 6),
    "major_seventh": (0, 4, 7, 11),
    "minor_seventh": (0, 3, 7, 10),
    "dominant_seventh": (0, 4, 7, 10),
    "half_diminished": (0, 3, 6, 10),
}
_OF_INTERVALS: Mapping[tuple[int, ...], Quality] = {intervals: quality for quality, intervals in QUALITIES.items()}

OCTAVE = 12
#: The tonic of material in major (False) and in minor (True): C, A.
FRAME_TONIC = (0, 9)
#: Its scale, from the tonic up.
FRAME_SCALE = (SCALES["major"], SCALES["minor"])


#: G#, which A minor borrows for its dominant.
LEADING_NOTE = 8


def frame_notes(*, minor: bool) -> tuple[int, ...]:
    """Return the pitch classes that material is composed of: the white keys, and the leading note in minor."""
    return (*SCALES["major"], LEADING_NOTE) if minor else SCALES["major"]


@dataclass(frozen=True, slots=True, order=True)
class Chord:
    """A chord.

    Attributes:
        root: pitch class, 0 (C) .. 11 (B).
        quality: what is built on it.
    """

    root: int
    quality: Quality

    @property
    def classes(self) -> tuple[int, ...]:
        """Its pitch classes from the root up: root, third, fifth and, in a chord of four notes, the seventh."""
        return tuple((self.root + interval) % OCTAVE for interval in QUALITIES[self.quality])


def diatonic(degree: int, *, minor: bool, notes: int = 3) -> Chord:
    """Return the chord of thirds on a degree of the frame's scale, counted from 0 and going on above 6.

    Args:
        degree: of C major or of natural A minor.
        minor: which of both.
        notes: 3, or 4 with the seventh.
    """
    scale = FRAME_SCALE[minor]
    root = scale[degree % 7]
    intervals = tuple((scale[(degree + 2 * third) % 7] - root) % OCTAVE for third in range(notes))
    return Chord((FRAME_TONIC[minor] + root) % OCTAVE, _OF_INTERVALS[intervals])


def degree_of(root: int, *, minor: bool) -> int:
    """Return the degree, 0..6, of a root in the frame; the raised leading note of minor counts as its seventh.

    Raises:
        ValueError: it is no degree of the frame.
    """
    above = (root - FRAME_TONIC[minor]) % OCTAVE
    if minor and above == SCALES["major"][-1]:
        return len(FRAME_SCALE[minor]) - 1
    return FRAME_SCALE[minor].index(above)
