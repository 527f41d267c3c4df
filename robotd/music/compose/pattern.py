"""A composer that needs no model: themes, phrases and chords from a seed, dials from the feeling."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from robotd.emotion import quadrant_at
from robotd.music.bar import HIGHEST_PITCH, LOWEST_PITCH, Bar, Note
from robotd.music.compose.accompaniment import LeftHand, figure_for
from robotd.music.compose.expression import Expression, express, within
from robotd.music.compose.harmony import ANTECEDENTS, CONSEQUENTS, nearest, pitch_classes, voicing
from robotd.music.compose.theme import BEATS, Motif, arch, cadence_onsets, dice, line

if TYPE_CHECKING:
    from collections.abc import Iterable

    from robotd.emotion import Quadrant
    from robotd.music.bar import Part
    from robotd.music.compose.harmony import Chords

PHRASE_BARS = 4
PERIOD_BARS = 2 * PHRASE_BARS
#: The themes of a song, a period each; then a new song begins.
SONG_FORM = "AABA"
SONG_BARS = PERIOD_BARS * len(SONG_FORM)


def one_at_a_time(notes: Iterable[Note]) -> tuple[Note, ...]:
    """Return the notes in order, so that no key is struck while it is still down.

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


class PatternComposer:
    """Composes periods of two four-bar phrases, a question and an answer, over chords that lead home.

    The themes come back in the form A A B A and adapt to the feeling of each bar. The same seed and the same
    calls give the same notes.

    Args:
        seed: every seed is another music, in another key.
    """

    def __init__(self, seed: int = 0) -> None:
        self._seed = seed
        self._tonic = int(dice("tonic", seed).random() * 12)
        self._voices: tuple[int, ...] = ()
        self._bass: int | None = None
        self._last: int | None = None

    def bar(self, valence: float, arousal: float, index: int, quadrant: Quadrant | None = None) -> Bar:
        """Return one bar of four quarter notes (see `Composer`)."""
        how = express(valence, arousal)
        period, phrase, phrase_bar = index // PERIOD_BARS, index % PERIOD_BARS // PHRASE_BARS, index % PHRASE_BARS
        hands = self._left_hands(how, self._chords(how, period, phrase)[phrase_bar])
        share = BEATS / len(hands)
        figure = figure_for(valence, arousal)
        lift = how.velocity + 4 * arch(phrase_bar, BEATS / 2)
        notes = [
            note
            for number, hand in enumerate(hands)
            for note in hand.play(figure, number * share, share, velocity=lift - 16, articulation=how.articulation)
        ]
        notes += self._melody(how, hands, index, lift)
        return self._bar(how, index, notes, quadrant or quadrant_at(valence, arousal))

    def ending(self, valence: float, arousal: float, index: int, quadrant: Quadrant | None = None) -> Bar:
        """Return a bar that slows down on the rolled chord of the tonic."""
        how = express(valence, arousal)
        (hand,) = self._left_hands(how, (0,))
        top = nearest(self._tonic, self._last or how.melody_centre)
        while top <= hand.chord[-1]:
            top += 12
        notes = [*hand.roll(velocity=0.75 * how.velocity), Note(1.5, 2.5, top, round(0.8 * how.velocity))]
        self._voices, self._bass, self._last = (), None, None
        bar = self._bar(how, index, notes, quadrant or quadrant_at(valence, arousal))
        return replace(bar, tempo_bpm=0.8 * bar.tempo_bpm)

    def _bar(self, how: Expression, index: int, notes: list[Note], quadrant: Quadrant) -> Bar:
        return Bar(index, one_at_a_time(notes), how.tempo_bpm, self._tonic, how.mode, quadrant)

    def _theme(self, period: int) -> tuple[int, int, str]:
        song, part = divmod(period, len(SONG_FORM))
        return self._seed, song, SONG_FORM[part]

    def _chords(self, how: Expression, period: int, phrase: int) -> tuple[Chords, ...]:
        phrases = (ANTECEDENTS, CONSEQUENTS)[phrase][how.mode]
        return phrases[int(dice("chords", *self._theme(period), phrase).random() * len(phrases))]

    def _left_hands(self, how: Expression, chords: Chords) -> list[LeftHand]:
        """Lay out the chords of a bar one after the other, each near the one before."""
        hands = []
        for degree in chords:
            tones = (degree, degree + 2, degree + (6 if how.sevenths and degree else 4))
            self._voices = voicing(pitch_classes(self._tonic, how.mode, tones), how.chord_centre, self._voices)
            root, fifth = pitch_classes(self._tonic, how.mode, (degree, degree + 4))
            # The bass stays more than an octave below the chords: close intervals are muddy down there.
            centre = how.chord_centre - 15
            self._bass = nearest(root, centre if self._bass is None else (centre + self._bass) / 2)
            hands.append(LeftHand(self._bass, self._bass + (fifth - root) % 12, self._voices))
        return hands

    def _melody(self, how: Expression, hands: list[LeftHand], index: int, lift: float) -> list[Note]:
        phrase, phrase_bar = index % PERIOD_BARS // PHRASE_BARS, index % PHRASE_BARS
        # Question and answer begin alike and go on differently.
        motif = Motif.drawn(*self._theme(index // PERIOD_BARS), phrase_bar, phrase if phrase_bar else 0)
        cadence = phrase_bar == PHRASE_BARS - 1
        onsets = cadence_onsets(how.density) if cadence else motif.onsets(how.density)
        # The melody keeps above the left hand: two hands on one key would cut each other off.
        low = max(pitch for hand in hands for pitch in hand.chord) + 1
        high = max(round(how.melody_centre) + 12, low + 14)
        classes = frozenset(pitch_classes(self._tonic, how.mode, range(7)))
        pitches = line(
            motif,
            onsets,
            scale=[pitch for pitch in range(low, high + 1) if pitch % 12 in classes],
            chord_at=lambda beat: {p % 12 for p in hands[int(beat * len(hands) / BEATS)].chord},
            target_at=lambda beat: how.melody_centre + 4 * arch(phrase_bar, beat),
            last=self._last,
            final=self._tonic if cadence and phrase == 1 else None,
        )
        self._last = pitches[-1]
        ends = (*onsets[1:], BEATS - 0.5 if cadence else float(BEATS))
        return [
            Note(
                start,
                (end - start) * how.articulation,
                int(within(pitch, LOWEST_PITCH, HIGHEST_PITCH)),
                self._velocity(how, lift, start, motif.accents[number]),
            )
            for number, (start, end, pitch) in enumerate(zip(onsets, ends, pitches, strict=True))
        ]

    @staticmethod
    def _velocity(how: Expression, lift: float, start: float, accent: float) -> int:
        beat = how.accent if start == 0 else how.accent / 2 if start == BEATS / 2 else 0.0
        if start % 1:
            beat = -how.accent / 3
        return round(within(lift + beat + 6 * (accent - 0.5), 1, 127))
