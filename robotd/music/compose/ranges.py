"""The ranges of the parts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from robotd.music.compose.chord import OCTAVE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from robotd.music.bar import Part

#: The lowest and the highest pitch of each part; of drums the keys of General MIDI's percussion.
RANGES: Mapping[Part, tuple[int, int]] = {
    "melody": (55, 96),
    "harmony": (43, 84),
    "bass": (28, 55),
    "drums": (35, 81),
}


def into_range(pitch: int, part: Part) -> int:
    """Return a pitch moved by octaves into the range of a part."""
    low, high = RANGES[part]
    while pitch < low:
        pitch += OCTAVE
    while pitch > high:
        pitch -= OCTAVE
    return pitch
