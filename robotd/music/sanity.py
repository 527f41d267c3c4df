"""Musical sanity: measured properties of composed bars, each with a bound."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from robotd.music.compose.keys import notes_of
from robotd.music.compose.ranges import RANGES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from robotd.music.bar import Bar, Note, Part

#: At least this share of the notes lies in the key; of the pop piano pieces of EMOPIA it is .97 (median).
IN_KEY_LEAST = 0.9
SILENCE_MOST_BARS = 2.0
REPEATS_MOST = 8
#: What every General MIDI instrument can sound at once (General MIDI System Level 1, 1991).
POLYPHONY_MOST = 24
#: A shorter note has no length: at 150 beats a minute these are 8 ms.
SHORTEST_BEATS = 0.02
#: What rounding of beats may add.
_ROUNDING = 1e-6


@dataclass(frozen=True, slots=True)
class Sanity:
    """What was measured.

    Attributes:
        notes: how many, with drums.
        in_key: share of the pitched notes that belong to the key of their bar; 1 of none.
        longest_silence_bars: the longest time in which nothing sounds, in bars of the music around it.
        zero_length: notes that are too short to be heard.
        stuck: notes that sound beyond the end of their bar, or whose key is struck again by the same part while they
            do.
        out_of_range: notes beyond the range of their part.
        ranges: the lowest and the highest pitch of each part that plays.
        most_repeats: how often the commonest bar was played again, in all; its loudness doesn't count.
        polyphony_max: the most notes that sound at once, without drums.
    """

    notes: int
    in_key: float
    longest_silence_bars: float
    zero_length: int
    stuck: int
    out_of_range: int
    ranges: Mapping[Part, tuple[int, int]]
    most_repeats: int
    polyphony_max: int

    @property
    def problems(self) -> tuple[str, ...]:
        """What is out of its bounds, in words; nothing if the music is sane."""
        found = {
            f"only {self.in_key:.0%} of the notes are in key": self.in_key < IN_KEY_LEAST,
            f"{self.longest_silence_bars:.1f} bars of silence": self.longest_silence_bars > SILENCE_MOST_BARS,
            f"{self.zero_length} notes without length": self.zero_length > 0,
            f"{self.stuck} stuck notes": self.stuck > 0,
            f"{self.out_of_range} notes out of range": self.out_of_range > 0,
            f"a bar is repeated {self.most_repeats} times": self.most_repeats > REPEATS_MOST,
            f"{self.polyphony_max} notes at once": self.polyphony_max > POLYPHONY_MOST,
        }
        return tuple(text for text, bad in found.items() if bad)


def measure(bars: Sequence[Bar]) -> Sanity:
    """Return what is measured of bars that are played one after the other."""
    notes = [note for bar in bars for note in bar.notes]
    pitched = [(note, bar) for bar in bars for note in bar.notes if note.part != "drums"]
    in_key = sum(note.pitch % 12 in notes_of(bar.tonic, bar.mode) for note, bar in pitched)
    spans = [_Span(start, note) for start, note in _timed(bars)]
    return Sanity(
        notes=len(notes),
        in_key=in_key / len(pitched) if pitched else 1.0,
        longest_silence_bars=_longest_silence(bars, spans),
        zero_length=sum(note.duration_beats < SHORTEST_BEATS for note in notes),
        stuck=sum(_stuck(bar) for bar in bars),
        out_of_range=sum(not RANGES[note.part][0] <= note.pitch <= RANGES[note.part][1] for note in notes),
        ranges=_ranges(notes),
        most_repeats=_most_repeats(bars),
        polyphony_max=_polyphony(span for span in spans if span.note.part != "drums"),
    )


@dataclass(frozen=True, slots=True)
class _Span:
    """A note and when it begins, in beats from the first bar line."""

    start: float
    note: Note

    @property
    def end(self) -> float:
        return self.start + self.note.duration_beats


def _timed(bars: Iterable[Bar]) -> Iterable[tuple[float, Note]]:
    begins = 0.0
    for bar in bars:
        for note in bar.notes:
            yield begins + note.start_beats, note
        begins += bar.beats


def _longest_silence(bars: Sequence[Bar], spans: Iterable[_Span]) -> float:
    if not bars:
        return 0.0
    total = sum(bar.beats for bar in bars)
    longest = sounded = 0.0
    for span in sorted(spans, key=lambda span: span.start):
        longest = max(longest, span.start - sounded)
        sounded = max(sounded, span.end)
    return max(longest, total - sounded) / (total / len(bars))


def _stuck(bar: Bar) -> int:
    stuck = sum(note.start_beats + note.duration_beats > bar.beats + _ROUNDING for note in bar.notes)
    ends: dict[tuple[Part, int], float] = {}
    for note in sorted(bar.notes, key=lambda note: note.start_beats):
        key = note.part, note.pitch
        stuck += note.start_beats < ends.get(key, 0.0) - _ROUNDING
        ends[key] = max(ends.get(key, 0.0), note.start_beats + note.duration_beats)
    return stuck


def _ranges(notes: Iterable[Note]) -> dict[Part, tuple[int, int]]:
    pitches: dict[Part, list[int]] = {}
    for note in notes:
        pitches.setdefault(note.part, []).append(note.pitch)
    return {part: (min(of_part), max(of_part)) for part, of_part in sorted(pitches.items())}


def _most_repeats(bars: Iterable[Bar]) -> int:
    """Count the bars like the commonest one but the first; bars without notes are silence, no repetition."""
    counts = Counter(
        frozenset((note.part, note.pitch, note.start_beats, round(note.duration_beats, 3)) for note in bar.notes)
        for bar in bars
        if bar.notes
    )
    return max(counts.values(), default=1) - 1


def _polyphony(spans: Iterable[_Span]) -> int:
    events = sorted((time, step) for span in spans for time, step in ((span.start, 1), (span.end - _ROUNDING, -1)))
    sounding = most = 0
    for _, step in events:
        sounding += step
        most = max(most, sounding)
    return most
