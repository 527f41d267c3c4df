"""Drums: silent in quiet music, then a shaker and a stick, then a kit that dances or drives.

Keys of General MIDI's percussion (General MIDI System Level 1, 1991).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from robotd.music.bar import Note
from robotd.music.compose.figures import Figure, Strike, struck
from robotd.music.compose.grid import STEPS_PER_BAR, STEPS_PER_BEAT, STRETCH_BARS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from robotd.music.compose.expression import Expression
    from robotd.music.compose.touch import Touch

KEYS = {
    "deep kick": 35, "kick": 36, "stick": 37, "snare": 38, "clap": 39, "hard snare": 40, "deep tom": 41,
    "hi-hat": 42, "floor tom": 43, "low tom": 45, "open hi-hat": 46, "middle tom": 47, "crash": 49, "high tom": 50,
    "ride": 51, "tambourine": 54, "maracas": 70,
}  # fmt: skip
#: A drum is struck, not held.
LENGTH_BEATS = 0.25
LIGHT_FROM = 0.5
#: From this density on a fill leads out of a phrase; it takes the last beat, or the last two.
FILL_FROM, LONG_FILL_FROM = 0.6, 0.8
CRASH_FROM = 0.74

_EIGHTHS, _QUARTERS, _AFTERBEATS = range(0, 16, 2), range(0, 16, 4), range(2, 16, 4)

#: While the kit isn't played yet.
_LIGHT_HAND: Figure = (
    *(Strike(step, "maracas", -14, 0.4, 0.62) for step in _QUARTERS),
    *(Strike(step, "maracas", -18, 0.46, 0.62) for step in _AFTERBEATS),
    *(Strike(step, "stick", -14, 0.5, 0.6) for step in (4, 12)),
    Strike(0, "kick", -12, 0.48, 0.6),
)
DANCE: Figure = (
    *_LIGHT_HAND,
    *(Strike(step, "hi-hat", -16, 0.6) for step in _EIGHTHS),
    *(Strike(step, "kick", -4, 0.6) for step in (0, 8)),
    *(Strike(step, "snare", -6, 0.6) for step in (4, 12)),
    *(Strike(step, "kick", -6, 0.8) for step in (4, 12)),
    *(Strike(step, "tambourine", -16, 0.68) for step in _AFTERBEATS),
    *(Strike(step, "clap", -10, 0.76) for step in (4, 12)),
    Strike(14, "open hi-hat", -12, 0.72),
    Strike(10, "kick", -8, 0.7),
    *(Strike(step, "hi-hat", -22, 0.88) for step in range(1, 16, 2)),
)
DRIVE: Figure = (
    *_LIGHT_HAND,
    *(Strike(step, "hi-hat", -10, 0.6) for step in _EIGHTHS),
    *(Strike(step, "deep kick", 2, 0.58) for step in (0, 8)),
    *(Strike(step, "hard snare", 0, 0.6) for step in (4, 12)),
    Strike(10, "deep kick", -2, 0.66),
    Strike(6, "deep kick", -4, 0.76),
    Strike(14, "floor tom", -4, 0.68),
    Strike(15, "deep tom", -4, 0.74),
    Strike(7, "floor tom", -6, 0.8),
    Strike(3, "deep kick", -6, 0.86),
    *(Strike(step, "ride", -14, 0.8) for step in _QUARTERS),
)
LIGHT_FILL: Figure = (
    Strike(8, "snare", -6, LONG_FILL_FROM),
    Strike(10, "high tom", -4, LONG_FILL_FROM),
    Strike(12, "snare", -2, FILL_FROM),
    Strike(13, "high tom", -6, 0.7),
    Strike(14, "middle tom", -2, FILL_FROM),
    Strike(15, "low tom", -4, 0.66),
)
HEAVY_FILL: Figure = (
    Strike(8, "low tom", 2, LONG_FILL_FROM),
    Strike(9, "low tom", -4, LONG_FILL_FROM),
    Strike(10, "floor tom", 0, LONG_FILL_FROM),
    Strike(11, "floor tom", -4, LONG_FILL_FROM),
    Strike(12, "hard snare", 4, FILL_FROM),
    Strike(13, "low tom", -2, 0.66),
    Strike(14, "floor tom", 2, FILL_FROM),
    Strike(15, "deep tom", 2, FILL_FROM),
)


def beat(phrase_bar: int, how: Expression, touch: Touch) -> Iterator[Note]:
    """Yield the strokes of one bar.

    Args:
        phrase_bar: 0..3; the last one leads on with a fill.
        how: the dials.
        touch: of the drums in this bar.
    """
    light = how.lightness >= LIGHT_FROM
    groove, fill = (DANCE, LIGHT_FILL) if light else (DRIVE, HEAVY_FILL)
    fills = phrase_bar == STRETCH_BARS - 1 and how.density >= FILL_FROM
    fill_from = STEPS_PER_BAR
    if fills:
        fill_from -= STEPS_PER_BEAT * (2 if how.density >= LONG_FILL_FROM else 1)
    strikes = [one for one in struck(groove, how.density) if one[0].step < fill_from]
    if fills:
        strikes += struck(fill, how.density)
    if phrase_bar == 0 and how.density >= CRASH_FROM:
        strikes.append((Strike(0, "crash"), -8))
    for strike, emphasis in sorted(strikes, key=lambda one: one[0].step):
        velocity = touch.velocity(strike.step, emphasis=emphasis)
        yield Note(strike.step / STEPS_PER_BEAT, LENGTH_BEATS, KEYS[strike.voice], velocity, "drums")
