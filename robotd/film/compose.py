"""The bars of a film's score: each segment composed for its feeling, each bar at its place to the microsecond."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from robotd.film.fit import fit
from robotd.music.compose.expression import express
from robotd.music.compose.grid import BEATS_PER_BAR

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from robotd.film.fit import Stretch
    from robotd.film.segments import Segment
    from robotd.music.bar import Bar, Composer


@dataclass(frozen=True, slots=True)
class PlacedBar:
    """A bar and its place in the film.

    Attributes:
        bar: what is played.
        start_us: when it begins, in microseconds since the film began.
        beat_us: how long a quarter note lasts, in microseconds, as MIDI files count tempo.
    """

    bar: Bar
    start_us: int
    beat_us: int

    @property
    def end_us(self) -> int:
        """When it ends."""
        return self.start_us + round(self.bar.beats * self.beat_us)


@dataclass(frozen=True, slots=True)
class Passage:
    """The music of one segment.

    Attributes:
        segment: what it was composed for.
        bars: one or more, each beginning where the one before ends.
    """

    segment: Segment
    bars: tuple[PlacedBar, ...]

    @property
    def start_s(self) -> float:
        """Where it begins, in seconds since the film began."""
        return self.bars[0].start_us / 1e6

    @property
    def end_s(self) -> float:
        """Where it ends."""
        return self.bars[-1].end_us / 1e6

    @property
    def tempo_bpm(self) -> float:
        """Quarter notes a minute at its beginning."""
        return 60e6 / self.bars[0].beat_us


def compose(
    segments: Sequence[Segment], length_s: float, composer: Composer, progress: Callable[[float], None]
) -> list[Passage]:
    """Compose the music of a film.

    One composer writes all of it, bar after bar as if it were played live, so that it leads from key to key itself.

    Args:
        segments: of the whole film, one after the other.
        length_s: how long the film is, in seconds; the music is as long, to within two microseconds.
        composer: who writes it.
        progress: is told the time in the film, in seconds.
    """
    bounds_s = [segments[0].start_s, *(segment.end_s for segment in segments[:-1]), length_s]
    own_s = [60 * BEATS_PER_BAR / express(*segment.point).tempo_bpm for segment in segments]
    passages: list[Passage] = []
    index = now_us = 0
    for segment, stretch in zip(segments, fit(bounds_s, own_s), strict=True):
        placed: list[PlacedBar] = []
        final = segment is segments[-1]
        for n in range(stretch.bars):
            write = composer.ending if final and n == stretch.bars - 1 else composer.bar
            bar = write(*segment.point, index, segment.quadrant)
            placed.append(_placed(bar, now_us, _end_us(stretch, n)))
            now_us = placed[-1].end_us
            index += 1
            progress(now_us / 1e6)
        passages.append(Passage(segment, tuple(placed)))
    return passages


def _end_us(stretch: Stretch, n: int) -> int:
    """Return when a bar of a stretch should end."""
    if n == stretch.bars - 1:
        return round(stretch.end_s * 1e6)
    return round((stretch.start_s + (n + 1) * stretch.bar_s) * 1e6)


def _placed(bar: Bar, start_us: int, end_us: int) -> PlacedBar:
    """Return a bar that ends at a time as nearly as a whole number of microseconds a beat allows.

    It starts where the bar before did end, so that rounding never adds up.
    """
    beat_us = max(1, round((end_us - start_us) / bar.beats))
    return PlacedBar(replace(bar, tempo_bpm=60e6 / beat_us), start_us, beat_us)
