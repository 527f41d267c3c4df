"""The chords of the band laid out in time: held, broken, flowing, then a dance or a hard drive.

A figure has three forms, a half bar each: for the first half of a bar, for the second one, and one that comes to rest
at the end of a phrase. None fills every eighth: real accompaniments breathe.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from robotd.music.bar import Note
from robotd.music.compose.figures import Figure, figure, struck
from robotd.music.compose.grid import STEPS_PER_BEAT, STRETCH_BARS
from robotd.music.compose.theme import pick

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from robotd.music.compose.expression import Expression
    from robotd.music.compose.touch import Touch

#: The root an octave above the bass, and the three voices of the chord above it.
ROOT, LOW, MIDDLE, HIGH = "root", "low", "middle", "high"
VOICES = (ROOT, LOW, MIDDLE, HIGH)
CHORD, UPPER = "chord", "upper"
_SEVERAL: Mapping[str, tuple[str, ...]] = {CHORD: (LOW, MIDDLE, HIGH), UPPER: (MIDDLE, HIGH)}

#: A form lasts half a bar.
FORM_STEPS = 8
#: Below this density a chord is held as long as it lasts.
HELD_BELOW = 0.1
#: From this density on the chords dance or drive, below it they are held, broken or flow.
LIVELY_FROM = 0.56
#: From this lightness on they dance.
LIGHT_FROM = 0.5

Forms = tuple[Figure, Figure, Figure]

_REST = figure("0 upper, 4 root .27")
_HELD_FORM = figure("0 chord")
HELD: Forms = (_HELD_FORM, _HELD_FORM, _HELD_FORM)

CALM_FIGURES: tuple[Forms, ...] = (
    # Rising, then a step back.
    (
        figure("2 low, 4 middle .16, 6 high, 7 middle .52, 0 root .48"),
        figure("0 low, 2 middle .2, 3 high .33, 4 high 0-.33, 6 low .27"),
        _REST,
    ),
    # Rocking between the outer voices.
    (
        figure("0 low, 3 middle .22, 4 upper .12, 6 low .28"),
        figure("0 high, 2 low .33, 4 middle, 6 high .22"),
        _REST,
    ),
    # A wide arpeggio and its answer.
    (
        figure("2 low, 3 middle .24, 4 high, 6 middle .34, 1 root .5"),
        figure("0 upper, 4 low .14, 6 middle .24, 7 high .46"),
        _REST,
    ),
)

DANCES: tuple[Forms, ...] = (
    # After the beat, then three, three, two.
    (
        figure("2 upper, 4 low, 6 high, 5 middle .7, 0 root .86"),
        figure("0 low, 3 middle, 6 upper, 4 root .8, 7 low .9"),
        figure("0 chord, 3 upper, 6 upper .7"),
    ),
    # Three, three, two, then after the beat.
    (
        figure("0 upper, 3 low, 6 upper, 4 root .82"),
        figure("2 middle, 4 high, 6 low, 1 low .78, 7 middle .88"),
        figure("0 chord, 4 upper"),
    ),
    # Broken, with a chord on the second beat.
    (
        figure("2 low, 4 chord, 7 middle .66"),
        figure("0 low, 2 middle .6, 3 high .72, 4 high 0-.72, 6 root .8"),
        figure("0 chord, 3 root, 6 upper"),
    ),
)
DRIVES: tuple[Forms, ...] = (
    # Broken in sixteenths against a chord.
    (
        figure("0 upper, 2 low, 3 middle .64, 4 high, 6 low, 7 middle .78, 1 root .86"),
        figure("0 low, 1 middle .7, 2 high, 4 upper, 6 low, 7 middle .82"),
        figure("0 chord, 3 chord, 6 upper .7"),
    ),
    # Pushes before the beat.
    (
        figure("0 low, 3 upper, 4 low, 6 upper, 1 middle .8, 7 root .84"),
        figure("0 root, 2 low, 3 middle .66, 4 high, 6 middle, 7 high .74, 5 low .88"),
        figure("0 chord, 3 upper, 4 root, 6 chord"),
    ),
)


def figure_for(how: Expression, seed: int) -> Forms:
    """Return how the chords move; the seed chooses among figures of one kind."""
    if how.density < HELD_BELOW:
        return HELD
    if how.density < LIVELY_FROM:
        return pick(CALM_FIGURES, "figure", seed)
    return pick(DANCES if how.lightness >= LIGHT_FROM else DRIVES, "figure", seed)


def accompany(forms: Forms, voices: Mapping[str, int], steps: range, how: Expression, touch: Touch) -> Iterator[Note]:
    """Yield the notes of one chord.

    A voice rings until it is struck again, or, as much as is sustained, until the chord ends.

    Args:
        forms: of the figure.
        voices: a pitch for each of root, low, middle and high.
        steps: of the bar, for which the chord lasts: one half or both.
        how: the dials.
        touch: of the harmony in this bar.
    """
    strikes, end = [], steps.stop
    for time in steps[:1] if forms is HELD else steps[::FORM_STEPS]:
        form = 2 if touch.phrase_bar == STRETCH_BARS - 1 and time > 0 else time // FORM_STEPS
        strikes += [(time + strike.step, strike, emphasis) for strike, emphasis in struck(forms[form], how.density)]
    strikes.sort(key=lambda one: one[0])
    begins = sorted({step for step, *_ in strikes})
    for step, strike, emphasis in strikes:
        next_step = next((begin for begin in begins if begin > step), end)
        detached = (next_step - step) * how.articulation
        beats = detached + how.sustain * (end - step - detached)
        for voice in _SEVERAL.get(strike.voice, (strike.voice,)):
            velocity = touch.velocity(step, emphasis=emphasis - how.balance)
            yield Note(step / STEPS_PER_BEAT, beats / STEPS_PER_BEAT, voices[voice], velocity, "harmony")
