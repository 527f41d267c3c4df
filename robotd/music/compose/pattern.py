"""A composer that needs no model: themes, phrases and chords from a seed, dials from the feeling."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from robotd.emotion import quadrant_at
from robotd.music.bar import Bar
from robotd.music.compose.arrangement import Voices
from robotd.music.compose.chord import FRAME_SCALE, FRAME_TONIC, OCTAVE, Chord, diatonic
from robotd.music.compose.expression import Expression, express
from robotd.music.compose.grid import BEATS_PER_BAR, STEPS_PER_BAR, STEPS_PER_BEAT, STRETCH_BARS, GridNote
from robotd.music.compose.harmony import ANTECEDENTS, CONSEQUENTS, nearest
from robotd.music.compose.keys import is_minor
from robotd.music.compose.material import BandMaterial
from robotd.music.compose.ranges import RANGES
from robotd.music.compose.rendering import Rendered, render_band, render_ending
from robotd.music.compose.theme import Motif, arch, cadence_onsets, dice, line, pick

if TYPE_CHECKING:
    from robotd.emotion import Quadrant

PERIOD_BARS = 2 * STRETCH_BARS
#: The themes of a song, a period each; then a new song begins.
SONG_FORM = "AABA"
SONG_BARS = PERIOD_BARS * len(SONG_FORM)
#: The last note of a phrase ends so many steps before the bar does.
_BREATH = 2


class PatternComposer:
    """Composes periods of two four-bar phrases, a question and an answer, over chords that lead home.

    The themes come back in the form A A B A and adapt to the feeling of each bar. The same seed and the same
    calls give the same notes.

    Args:
        seed: every seed is another music, in another key.
    """

    def __init__(self, seed: int = 0) -> None:
        self._seed = seed
        self._tonic = int(dice("tonic", seed).random() * OCTAVE)
        self._voices = Voices()

    def bar(self, valence: float, arousal: float, index: int, quadrant: Quadrant | None = None) -> Bar:
        """Return one bar of four quarter notes (see `Composer`)."""
        how = express(valence, arousal)
        material = self._material(how, index)
        rendered = render_band(material, index % STRETCH_BARS, how, self._tonic, self._voices)
        return self._bar(how, index, rendered, quadrant or quadrant_at(valence, arousal))

    def ending(self, valence: float, arousal: float, index: int, quadrant: Quadrant | None = None) -> Bar:
        """Return a bar that slows down on the rolled chord of the tonic."""
        how = express(valence, arousal)
        rendered = render_ending(how, self._tonic, self._voices, self._seed)
        bar = self._bar(how, index, rendered, quadrant or quadrant_at(valence, arousal))
        return replace(bar, tempo_bpm=0.8 * bar.tempo_bpm)

    def _bar(self, how: Expression, index: int, rendered: Rendered, quadrant: Quadrant) -> Bar:
        self._voices = rendered.voices
        return Bar(index, rendered.notes, how.tempo_bpm, self._tonic, how.mode, quadrant)

    def _theme(self, index: int) -> tuple[int, int, str]:
        song, part = divmod(index // PERIOD_BARS, len(SONG_FORM))
        return self._seed, song, SONG_FORM[part]

    def _material(self, how: Expression, index: int) -> BandMaterial:
        """Return a stretch of which only this bar's melody is written."""
        theme, phrase = self._theme(index), index % PERIOD_BARS // STRETCH_BARS
        minor = is_minor(how.mode)
        bars = pick((ANTECEDENTS, CONSEQUENTS)[phrase][how.mode], "chords", *theme, phrase)
        chords = tuple(diatonic(degree, minor=minor) for bar in bars for degree in (bar[0], bar[-1]))
        seed = int(dice("material", *theme).random() * 2**32)
        return BandMaterial(self._melody(how, chords, index, minor=minor), chords, minor, seed)

    def _melody(self, how: Expression, chords: tuple[Chord, ...], index: int, *, minor: bool) -> tuple[GridNote, ...]:
        phrase, phrase_bar = index % PERIOD_BARS // STRETCH_BARS, index % STRETCH_BARS
        # Question and answer begin alike and go on differently.
        motif = Motif.drawn(*self._theme(index), phrase_bar, phrase if phrase_bar else 0)
        cadence = phrase_bar == STRETCH_BARS - 1
        onsets = cadence_onsets(how.density) if cadence else motif.onsets(how.density)
        # In the frame, at the height that rendering moves it to.
        shift = nearest((self._tonic - FRAME_TONIC[minor]) % OCTAVE, 0)
        last = None if self._voices.melody is None else self._voices.melody - shift
        self._voices = replace(self._voices, shift=shift)
        classes = {(FRAME_TONIC[minor] + step) % OCTAVE for step in FRAME_SCALE[minor]}
        low, high = (pitch - shift for pitch in RANGES["melody"])
        pitches = line(
            motif,
            onsets,
            scale=[pitch for pitch in range(low, high + 1) if pitch % OCTAVE in classes],
            chord_at=lambda beat: chords[2 * phrase_bar + (beat >= BEATS_PER_BAR / 2)].classes,
            target_at=lambda beat: how.melody_centre - shift + 4 * arch(phrase_bar, beat),
            last=last,
            final=FRAME_TONIC[minor] if cadence and phrase == 1 else None,
        )
        start = phrase_bar * STEPS_PER_BAR
        steps = [round(onset * STEPS_PER_BEAT) for onset in onsets]
        ends = (*steps[1:], STEPS_PER_BAR - (_BREATH if cadence else 0))
        return tuple(
            GridNote(start + begin, start + end, pitch) for begin, end, pitch in zip(steps, ends, pitches, strict=True)
        )
