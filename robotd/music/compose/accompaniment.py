"""The left hand: one chord laid out in time, more and more lively with arousal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from robotd.music.bar import Note

if TYPE_CHECKING:
    from collections.abc import Iterator

    from robotd.music.bar import Part

#: A voice of the left hand: the bass, the fifth of the bass, the voices of the chord from below, all of them.
BASS, FIFTH, LOW, MIDDLE, HIGH, CHORD = "bass", "fifth", "low", "middle", "high", "chord"

#: (start, length, voice, emphasis), in beats over two beats; emphasis is added to the velocity.
Figure = tuple[tuple[float, float, str, int], ...]

HELD: Figure = ((0, 2, BASS, 0), (0, 2, CHORD, -4))
BROKEN: Figure = ((0, 2, BASS, 2), (0.5, 1.5, LOW, -6), (1, 1, MIDDLE, -2), (1.5, 0.5, HIGH, -4))
FLOWING: Figure = (
    (0, 2, BASS, 4),
    (0, 0.5, LOW, -4),
    (0.5, 0.5, HIGH, -8),
    (1, 0.5, MIDDLE, -2),
    (1.5, 0.5, HIGH, -8),
)
DANCING: Figure = (
    (0, 0.75, BASS, 8),
    (0.5, 0.4, CHORD, -6),
    (1, 0.75, FIFTH, 2),
    (1.5, 0.4, CHORD, -2),
)
DRIVING: Figure = (
    (0, 0.5, BASS, 10),
    (0, 0.4, CHORD, 2),
    (0.5, 0.5, BASS, -2),
    (1, 0.5, BASS, 2),
    (1.5, 0.5, BASS, -2),
    (1.5, 0.4, CHORD, 6),
)

#: The figure for every arousal up to this one.
CALM_FIGURES: tuple[tuple[float, Figure], ...] = ((-0.5, HELD), (0.1, BROKEN), (0.45, FLOWING))


def figure_for(valence: float, arousal: float) -> Figure:
    """Return how the left hand moves: held, broken or flowing chords, then a dance or a hard drive."""
    lively = DANCING if valence > 0 else DRIVING
    return next((figure for up_to, figure in CALM_FIGURES if arousal <= up_to), lively)


@dataclass(frozen=True, slots=True)
class LeftHand:
    """Where the left hand lies on one chord.

    Attributes:
        bass: the pitch of the root.
        fifth: the pitch a fifth above it, below the chord.
        chord: three pitches, low to high, above the fifth.
    """

    bass: int
    fifth: int
    chord: tuple[int, ...]

    def _pitches(self, voice: str) -> tuple[int, ...]:
        low, middle, high = self.chord
        voices = {BASS: (self.bass,), FIFTH: (self.fifth,), LOW: (low,), MIDDLE: (middle,), HIGH: (high,)}
        return voices.get(voice, self.chord)

    def play(
        self, figure: Figure, start_beats: float, beats: float, *, velocity: float, articulation: float
    ) -> Iterator[Note]:
        """Yield the notes of a figure, repeated every two beats, from a start and for so many beats."""
        if figure is HELD:
            figure = tuple((start, beats, voice, emphasis) for start, _, voice, emphasis in HELD)
            places = [start_beats]
        else:
            places = [start_beats + 2 * i for i in range(int(beats // 2))]
        for place in places:
            for start, length, voice, emphasis in figure:
                loudness = round(min(max(velocity + emphasis, 1), 127))
                part: Part = "bass" if voice in {BASS, FIFTH} else "harmony"
                for pitch in self._pitches(voice):
                    yield Note(place + start, length * max(articulation, 0.5), pitch, loudness, part)

    def roll(self, *, velocity: float) -> Iterator[Note]:
        """Yield the last chord of a piece: rolled from below and held to the end of the bar."""
        for number, pitch in enumerate((self.bass, self.fifth, *self.chord)):
            start = number / 4
            part: Part = "bass" if pitch in {self.bass, self.fifth} else "harmony"
            yield Note(start, 4 - start, pitch, round(max(velocity - 2 * number, 1)), part)
