"""The bar: what every composer hands over, one at a time, and what every player of music reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from robotd.config import PARTS, Part

if TYPE_CHECKING:
    from robotd.emotion import Quadrant

__all__ = ["PARTS", "SCALES", "Bar", "Composer", "Mode", "Note", "Part"]

Mode = Literal["minor", "dorian", "mixolydian", "major"]

#: Semitones above the tonic of the seven degrees of each mode, darkest mode first.
SCALES: dict[Mode, tuple[int, ...]] = {
    "minor": (0, 2, 3, 5, 7, 8, 10),
    "dorian": (0, 2, 3, 5, 7, 9, 10),
    "mixolydian": (0, 2, 4, 5, 7, 9, 10),
    "major": (0, 2, 4, 5, 7, 9, 11),
}
PITCH_NAMES = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")

#: The keys of a piano, as MIDI note numbers.
LOWEST_PITCH, HIGHEST_PITCH = 21, 108


@dataclass(frozen=True, slots=True)
class Note:
    """One note of a bar.

    Attributes:
        start_beats: from the bar line, in quarter notes.
        duration_beats: how long it sounds, in quarter notes, above 0.
        pitch: MIDI note number, 21..108; of drums the key of General MIDI's percussion, 35..81.
        velocity: 1..127.
        part: who plays it.
    """

    start_beats: float
    duration_beats: float
    pitch: int
    velocity: int
    part: Part = "melody"


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of music.

    Attributes:
        index: counted from 0 since the music began.
        notes: in the order of their starts.
        tempo_bpm: quarter notes a minute that the music is to reach in this bar.
        tonic: pitch class of the key, 0 (C) .. 11 (B).
        mode: which scale is built on the tonic.
        quadrant: the feeling that it answers.
        beats: its length in quarter notes.
        judged: whether a model has heard it and found it fit for the quadrant.
    """

    index: int
    notes: tuple[Note, ...]
    tempo_bpm: float
    tonic: int
    mode: Mode
    quadrant: Quadrant
    beats: float = 4.0
    judged: bool = False

    @property
    def key(self) -> str:
        """The key in words, for instance `D dorian`."""
        return f"{PITCH_NAMES[self.tonic]} {self.mode}"

    @property
    def pitch_classes(self) -> frozenset[int]:
        """The seven pitch classes of the key."""
        return frozenset((self.tonic + step) % 12 for step in SCALES[self.mode])


class Composer(Protocol):
    """Writes music one bar at a time, each in answer to the newest feeling.

    Calls come from one thread at a time, in playing order, and may take as long as they need: the performer
    asks ahead. Valence and arousal are in -1..1; `quadrant` is the listener's, None means the one at the point.
    """

    def bar(self, valence: float, arousal: float, index: int, quadrant: Quadrant | None = None) -> Bar:
        """Return the bar with this index, which follows the bars asked for before."""

    def ending(self, valence: float, arousal: float, index: int, quadrant: Quadrant | None = None) -> Bar:
        """Return a last bar that lets the music come to rest."""
