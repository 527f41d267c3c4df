"""Placing: notes of the frame's grid moved into a bar of the piece, in its key, mode and register."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from robotd.music.compose.chord import FRAME_SCALE, FRAME_TONIC, OCTAVE
from robotd.music.compose.grid import STEPS_PER_BAR, GridNote
from robotd.music.compose.harmony import nearest
from robotd.music.compose.keys import semitones_in

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from robotd.music.bar import Mode

#: A melody stays in its octave until its mean is further than this from where it should be, in semitones.
_STAYS_WITHIN = 8.0


@dataclass(frozen=True, slots=True)
class Place:
    """Where the frame is moved to.

    Attributes:
        table: for each semitone above the frame's tonic which one it becomes.
        minor: whether the frame is A minor.
        shift: how many semitones the frame's tonic is moved by.
    """

    table: tuple[int, ...]
    minor: bool
    shift: int

    @classmethod
    def near(
        cls, pitches: Collection[int], centre: float, tonic: int, mode: Mode, *, minor: bool, last: int | None
    ) -> Place:
        """Return the place in a key where the mean of some pitches is near a centre.

        Args:
            pitches: of the frame; may be empty.
            centre: a pitch of the piece.
            tonic: of the key.
            mode: of the key.
            minor: whether the frame is A minor.
            last: the shift so far; it is kept as long as it will do.
        """
        mean = sum(pitches) / len(pitches) if pitches else centre
        turn = (tonic - FRAME_TONIC[minor]) % OCTAVE
        shift = nearest(turn, centre - mean)
        if last is not None and last % OCTAVE == turn and abs(mean + last - centre) <= _STAYS_WITHIN:
            shift = last
        return cls(semitones_in(mode, minor=minor), minor, shift)

    def of(self, pitch: int) -> int:
        """Return where a pitch of the frame goes."""
        above = (pitch - FRAME_TONIC[self.minor]) % OCTAVE
        return pitch - above + self.table[above] + self.shift


def bar_of(notes: Iterable[GridNote], bar: int, shortest_tie: int) -> list[tuple[GridNote, bool]]:
    """Return what sounds in a bar, counted from its bar line, and whether it was struck before the bar.

    What is tied over the bar line is struck again, if it lasts at least so many steps more; so a bar can be followed
    by any other.
    """
    start = bar * STEPS_PER_BAR
    inside = []
    for note in notes:
        begins, ends = max(note.start - start, 0), min(note.end - start, STEPS_PER_BAR)
        tied = note.start < start
        if begins < ends and note.start < start + STEPS_PER_BAR and not (tied and ends < shortest_tie):
            inside.append((GridNote(begins, ends, note.pitch, note.velocity), tied))
    return inside


def settled(notes: Sequence[GridNote], chords: Collection[int], *, minor: bool) -> tuple[GridNote, ...]:
    """Return notes that are in the scale, but for those that lead by a semitone into what follows.

    Args:
        notes: in the frame, in the order of their starts, one or several at a time.
        chords: pitch classes that may stay, too: of all chords that go beyond the scale.
        minor: whether the frame is A minor.
    """
    scale = {(FRAME_TONIC[minor] + step) % OCTAVE for step in FRAME_SCALE[minor]} | set(chords)
    return tuple(note if note.pitch % OCTAVE in scale else _led(note, notes) for note in notes)


def _led(note: GridNote, notes: Sequence[GridNote]) -> GridNote:
    """Return a chromatic note, or the degree beside it towards what follows, if that isn't a semitone away."""
    end = min((other.start for other in notes if other.start >= note.end), default=note.end)
    ways = [other.pitch - note.pitch for other in notes if note.start < other.start <= end]
    way = min(ways, key=abs, default=0)
    return note if abs(way) == 1 else replace(note, pitch=note.pitch + (1 if way > 0 else -1))
