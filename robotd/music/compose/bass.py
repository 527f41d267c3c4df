"""The bass: whole notes, root and fifth, a walk, then a dance or driving eighths."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from robotd.music.bar import Note
from robotd.music.compose.chord import OCTAVE
from robotd.music.compose.figures import Figure, Strike, struck
from robotd.music.compose.grid import STEPS_PER_BEAT
from robotd.music.compose.ranges import into_range

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from robotd.music.compose.expression import Expression
    from robotd.music.compose.touch import Touch

ROOT, FIFTH, APPROACH = "root", "fifth", "approach"

#: A pattern lasts half a bar; at rest the root of a chord that stays is struck once a bar.
PATTERN_STEPS = 8
WHOLE_NOTES_BELOW = 0.42
WALK_FROM = 0.54
LIVELY_FROM = 0.72
LIGHT_FROM = 0.5
#: How much louder than the chords, in velocity.
_FIRM = 2

CALM: Figure = (
    Strike(0, ROOT),
    Strike(4, FIFTH, -4, 0.42),
)
WALK: Figure = (
    Strike(0, ROOT, 2),
    Strike(4, FIFTH, -2),
    Strike(6, APPROACH, -4, 0.6),
)
DANCE: Figure = (
    Strike(0, ROOT, 2),
    Strike(3, ROOT, -2),
    Strike(6, FIFTH, -3, 0.82),
    Strike(7, APPROACH, -6, 0.9),
)
DRIVE: Figure = (
    Strike(0, ROOT, 4),
    Strike(2, ROOT, -3, 0.84),
    Strike(4, ROOT, 1),
    Strike(6, ROOT, -3),
    Strike(7, APPROACH, -5, 0.9),
)


def figure_for(how: Expression) -> Figure:
    """Return how the bass moves."""
    if how.density < LIVELY_FROM:
        return CALM if how.density < WALK_FROM else WALK
    return DANCE if how.lightness >= LIGHT_FROM else DRIVE


@dataclass(frozen=True, slots=True)
class Ground:
    """What the bass stands on during one chord.

    Attributes:
        root: pitch of the root.
        classes: pitch classes of the chord, root first.
        steps: of the bar, for which the chord lasts: one half or both.
        next_root: pitch of the root that follows, or of this one.
    """

    root: int
    classes: tuple[int, ...]
    steps: range
    next_root: int

    def pitch(self, voice: str, scale: Collection[int]) -> int:
        """Return the pitch of a voice.

        Args:
            voice: root, fifth, or the approach to the next root: its neighbour on the side that the bass comes from.
            scale: pitch classes of the key.
        """
        if voice == ROOT:
            return self.root
        if voice == FIFTH:
            return into_range(self.root + (self.classes[2] - self.root) % OCTAVE, "bass")
        direction = 1 if self.root > self.next_root else -1
        nearby = (self.next_root + direction * step for step in (1, 2, 3))
        return into_range(next(pitch for pitch in nearby if pitch % OCTAVE in scale), "bass")


def play(ground: Ground, scale: Collection[int], how: Expression, touch: Touch) -> Iterator[Note]:
    """Yield the notes of the bass during one chord.

    Args:
        ground: the chord.
        scale: pitch classes of the key.
        how: the dials.
        touch: of the bass in this bar.
    """
    figure, end = figure_for(how), ground.steps.stop
    times = ground.steps[:1] if how.density < WHOLE_NOTES_BELOW else ground.steps[::PATTERN_STEPS]
    strikes = [
        (time + strike.step, strike, emphasis) for time in times for strike, emphasis in struck(figure, how.density)
    ]
    strikes.sort(key=lambda one: one[0])
    for number, (step, strike, emphasis) in enumerate(strikes):
        next_step = strikes[number + 1][0] if number + 1 < len(strikes) else end
        # The walk leads on where the chord ends; before that it stays on the chord.
        voice = strike.voice if strike.voice != APPROACH or next_step == end else FIFTH
        pitch = ground.pitch(voice, scale)
        velocity = touch.velocity(step, emphasis=emphasis - how.balance + _FIRM)
        detached = (next_step - step) * how.articulation
        beats = (detached + how.sustain * (next_step - step - detached)) / STEPS_PER_BEAT
        yield Note(step / STEPS_PER_BEAT, beats, pitch, velocity, "bass")
