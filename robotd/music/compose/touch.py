"""Touch: how loud each note is and how long it is held.

Loudness follows four of the rules of the KTH system (Friberg, Bresin & Sundberg, "Overview of the KTH rule system for
musical performance", Advances in Cognitive Psychology 2 (2006), 145-161): phrases rise and fall in arches, high notes
are a little louder than low ones, strong beats stand out, and no two strokes are quite alike.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from robotd.music.compose.expression import within
from robotd.music.compose.grid import STEPS_PER_BEAT
from robotd.music.compose.theme import arch, dice

if TYPE_CHECKING:
    import random
    from collections.abc import Iterable

    from robotd.music.bar import Note, Part
    from robotd.music.compose.expression import Expression

#: Velocity a semitone above the melody's centre; a hand's unevenness.
_HIGH_LOUD, _UNEVEN = 0.3, 3.0
SOFTEST, LOUDEST = 20, 127


@dataclass(frozen=True, slots=True)
class Touch:
    """The hand of one part in one bar.

    Attributes:
        how: the dials.
        phrase_bar: 0..3, the bar's place in its phrase.
        roll: the unevenness; notes are asked for in playing order.
    """

    how: Expression
    phrase_bar: int
    roll: random.Random

    @classmethod
    def of(cls, how: Expression, phrase_bar: int, *key: object) -> Touch:
        """Return the touch of a part, whose unevenness depends on the key."""
        return cls(how, phrase_bar, dice("touch", *key))

    def velocity(self, step: int, *, pitch: int | None = None, emphasis: float = 0.0) -> int:
        """Return the velocity, 20..127, of a note at a step of the bar.

        Args:
            step: 0..15.
            pitch: None for a drum.
            emphasis: what is added.
        """
        loud = self.how.velocity + emphasis + self._accent(step)
        loud += self.how.swell * arch(self.phrase_bar, step / STEPS_PER_BEAT)
        if pitch is not None:
            loud += _HIGH_LOUD * (pitch - self.how.melody_centre)
        loud += _UNEVEN * (2 * self.roll.random() - 1)
        return round(within(loud, SOFTEST, LOUDEST))

    def _accent(self, step: int) -> float:
        accent = self.how.accent
        if step == 0:
            return accent
        if step % (2 * STEPS_PER_BEAT) == 0:
            return accent / 2
        if step % STEPS_PER_BEAT == 0:
            return 0.0
        return -accent / 3 if step % 2 == 0 else -accent / 2


def one_at_a_time(notes: Iterable[Note]) -> tuple[Note, ...]:
    """Return the notes in order, so that no part strikes a key while it is still down.

    An earlier note ends where a later one needs its key; of two that start together the longer one stays.
    """
    by_key: dict[tuple[Part, int], list[Note]] = {}
    for note in sorted(notes, key=lambda note: (note.start_beats, -note.duration_beats)):
        struck = by_key.setdefault((note.part, note.pitch), [])
        if struck and struck[-1].start_beats == note.start_beats:
            continue
        if struck:
            before = struck[-1]
            free = min(before.duration_beats, note.start_beats - before.start_beats)
            struck[-1] = replace(before, duration_beats=free)
        struck.append(note)
    kept = (note for struck in by_key.values() for note in struck)
    return tuple(sorted(kept, key=lambda note: (note.start_beats, note.pitch)))
