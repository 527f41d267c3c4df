"""Keys: material moved from its frame into the piece's key and mode, and keys near enough to turn to.

Which keys are near is what listeners say: on the map of Krumhansl & Kessler, "Tracing the dynamic changes in perceived
tonal organization in a spatial representation of musical keys", Psychological Review 89 (1982), 334-368, the neighbours
of a key are those a fifth above and below it, its relative and its parallel key. Theory calls the same ones close
(Schoenberg, "Structural functions of harmony", 1954, chart of the regions).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from robotd.music.bar import SCALES
from robotd.music.compose.chord import FRAME_SCALE, FRAME_TONIC, OCTAVE, Chord, diatonic
from robotd.music.compose.theme import pick

if TYPE_CHECKING:
    from robotd.music.bar import Mode

#: Modes with a minor third above the tonic.
MINOR_MODES: tuple[Mode, ...] = ("minor", "dorian")
#: Semitones above the tonic that minor raises on the way up: the sixth and the leading note.
RAISED = (9, 11)
_LEADING_NOTE = 11

#: Semitones from the old tonic to the new one, the likelier ones named more often.
_WITHIN_A_KIND: tuple[int, ...] = (7, 5)
_TO_MINOR: tuple[int, ...] = (9, 9, 9, 0, 0, 2, 4)
_TO_MAJOR: tuple[int, ...] = (3, 3, 3, 0, 0, 10, 8)

#: Degrees in the order in which they serve as pivots: those that prepare the new dominant come first (Piston,
#: "Harmony", 1941: the pivot is better not the dominant of the new key).
_PIVOTS = (1, 3, 5, 0, 2, 6, 4)


def is_minor(mode: Mode) -> bool:
    """Return whether the tonic of a mode bears a minor chord."""
    return mode in MINOR_MODES


def semitones_in(mode: Mode, *, minor: bool) -> tuple[int, ...]:
    """Return for each semitone above the frame's tonic, 0..11, which one it becomes in a mode.

    Degree goes to degree, so that a melody keeps its shape; what lies between degrees stays where it is. The raised
    notes of minor stay raised, but for the leading note in mixolydian, which has none.
    """
    moved = dict(zip(FRAME_SCALE[minor], SCALES[mode], strict=True))
    flat = minor and mode == "mixolydian"
    return tuple(moved.get(above, 10 if flat and above == _LEADING_NOTE else above) for above in range(OCTAVE))


def classes_in(chord: Chord, tonic: int, mode: Mode, *, minor: bool) -> tuple[int, ...]:
    """Return the pitch classes of a chord of the frame in a key, root first."""
    table = semitones_in(mode, minor=minor)
    return tuple((tonic + table[(pitch - FRAME_TONIC[minor]) % OCTAVE]) % OCTAVE for pitch in chord.classes)


def notes_of(tonic: int, mode: Mode) -> frozenset[int]:
    """Return the pitch classes that belong to a key: its scale and, in minor, the leading note of its dominant.

    Minor without its raised seventh is rare in tonal music (Piston, "Harmony", 1941, on the harmonic minor).
    """
    raised = (_LEADING_NOTE,) if is_minor(mode) else ()
    return frozenset((tonic + above) % OCTAVE for above in (*SCALES[mode], *raised))


@dataclass(frozen=True, slots=True)
class Turn:
    """Where the music goes on.

    Attributes:
        tonic: of the new key, 0..11.
        pivots: triads that belong to both keys, the most useful first, in the frame of the new material; none if the
            keys share no triad.
    """

    tonic: int
    pivots: tuple[Chord, ...]


def turn(tonic: int, mode: Mode, new_mode: Mode, seed: int) -> Turn:
    """Return a key to turn to when the feeling changes: near the old one, never the very same.

    From major to minor and back mostly the relative key, sometimes the parallel one or the relative of a fifth's
    neighbour; from major to major and from minor to minor a fifth up or down.

    Args:
        tonic: of the old key.
        mode: of the old key.
        new_mode: of the new one.
        seed: chooses among the near keys.
    """
    ways = _TO_MINOR if is_minor(new_mode) else _TO_MAJOR
    if is_minor(mode) == is_minor(new_mode):
        ways = _WITHIN_A_KIND
    new_tonic = (tonic + pick(ways, "turn", seed)) % OCTAVE
    return Turn(new_tonic, pivots(tonic, mode, new_tonic, new_mode))


def pivots(tonic: int, mode: Mode, new_tonic: int, new_mode: Mode) -> tuple[Chord, ...]:
    """Return the triads that two keys share, the most useful first, in the frame of material in the new mode."""
    known = {frozenset(classes_in(chord, tonic, mode, minor=is_minor(mode))) for chord in _triads(mode)}
    minor = is_minor(new_mode)
    return tuple(
        chord for chord in _triads(new_mode) if frozenset(classes_in(chord, new_tonic, new_mode, minor=minor)) in known
    )


def _triads(mode: Mode) -> tuple[Chord, ...]:
    """Return the frame's triads but for diminished ones, with the major dominant in minor."""
    minor = is_minor(mode)
    chords = [diatonic(degree, minor=minor) for degree in _PIVOTS]
    if minor:
        chords.append(Chord(diatonic(4, minor=True).root, "major"))
    return tuple(chord for chord in chords if chord.quality != "diminished")
