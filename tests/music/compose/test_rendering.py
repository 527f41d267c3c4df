"""Material as it is played: in key, in range, and as the feeling wants it."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from robotd.emotion import quadrant_at
from robotd.music.bar import Bar, Mode, Note
from robotd.music.compose.chord import Chord, diatonic
from robotd.music.compose.expression import express
from robotd.music.compose.grid import GridNote
from robotd.music.compose.harmoniser import harmonise
from robotd.music.compose.keys import notes_of, pivots
from robotd.music.compose.placing import Place, bar_of, settled
from robotd.music.compose.primers import melody_primer, piano_primer
from robotd.music.compose.ranges import RANGES
from robotd.music.compose.rendering import (
    BandMaterial,
    Material,
    PianoMaterial,
    Voices,
    pivoted,
    render,
    render_ending,
)

SIDE = st.floats(-1, 1)
TONICS = st.integers(0, 11)
SEEDS = st.integers(0, 200)
STYLES = st.sampled_from(["band", "piano"])


def material(style: str, seed: int, *, minor: bool = False, valence: float = 0.0, arousal: float = 0.0) -> Material:
    """Return four bars by rules."""
    if style == "piano":
        bars = [piano_primer(valence, arousal, minor=minor, seed=(seed, bar)) for bar in range(4)]
        notes = [
            replace(note, start=note.start + 16 * bar, end=note.end + 16 * bar)
            for bar in range(4)
            for note in bars[bar]
        ]
        return PianoMaterial(tuple(sorted(notes)), minor, seed)
    melody = melody_primer(valence, arousal, minor=minor, seed=seed, bars=4)
    chords = harmonise(melody, minor=minor, valence=valence, arousal=arousal, consequent=True, seed=seed)
    return BandMaterial(melody, chords, minor, seed)


def stretch(of: Material, moods: list[tuple[float, float]], tonic: int, mode: Mode | None = None) -> list[Bar]:
    """Return four bars, each at its own feeling."""
    voices, bars = Voices(), []
    for number, mood in enumerate(moods):
        how = express(*mood)
        how = how if mode is None else replace(how, mode=mode)
        rendered = render(of, number, how, tonic, voices)
        voices = rendered.voices
        bars.append(Bar(number, rendered.notes, how.tempo_bpm, tonic, how.mode, quadrant_at(*mood)))
    return bars


def notes_by(part: str, bar: Bar) -> list[Note]:
    return [note for note in bar.notes if note.part == part]


FOUR_MOODS = st.lists(st.tuples(SIDE, SIDE), min_size=4, max_size=4)


@settings(deadline=None)
@given(style=STYLES, seed=SEEDS, minor=st.booleans(), tonic=TONICS, moods=FOUR_MOODS)
def test_every_note_is_playable_whatever_the_feeling_does(
    *, style: str, seed: int, minor: bool, tonic: int, moods: list[tuple[float, float]]
) -> None:
    of = material(style, seed, minor=minor, valence=moods[0][0], arousal=moods[0][1])
    for bar in stretch(of, moods, tonic):
        assert list(bar.notes) == sorted(bar.notes, key=lambda note: (note.start_beats, note.pitch))
        for note in bar.notes:
            low, high = RANGES[note.part]
            assert low <= note.pitch <= high
            assert 20 <= note.velocity <= 127
            assert note.duration_beats > 0.1
            assert 0 <= note.start_beats < note.start_beats + note.duration_beats <= 4 + 1e-9
            if note.part != "drums":
                assert note.pitch % 12 in notes_of(tonic, bar.mode)


@settings(deadline=None)
@given(STYLES, SEEDS, TONICS, FOUR_MOODS)
def test_no_key_is_struck_while_it_is_down(style: str, seed: int, tonic: int, moods: list[tuple[float, float]]) -> None:
    for bar in stretch(material(style, seed), moods, tonic):
        for key in {(note.part if style == "band" else "piano", note.pitch) for note in bar.notes}:
            same = [n for n in bar.notes if n.pitch == key[1] and key[0] in {"piano", n.part}]
            for earlier, later in pairwise(same):
                assert earlier.start_beats + earlier.duration_beats <= later.start_beats + 1e-9


@settings(deadline=None)
@given(STYLES, SEEDS, TONICS, FOUR_MOODS)
def test_the_same_material_and_feelings_sound_the_same(
    style: str, seed: int, tonic: int, moods: list[tuple[float, float]]
) -> None:
    of = material(style, seed)
    assert stretch(of, moods, tonic) == stretch(of, moods, tonic)


@pytest.mark.parametrize("minor", [False, True])
@pytest.mark.parametrize("mode", get_args(Mode))
def test_any_material_fits_any_mode(*, minor: bool, mode: Mode) -> None:
    bars = stretch(material("band", 5, minor=minor), [(0.0, 0.3)] * 4, 2, mode)
    pitched = [note.pitch % 12 for bar in bars for note in bar.notes if note.part != "drums"]
    assert set(pitched) <= notes_of(2, mode)
    # The notes by which the mode is known are there.
    assert {"minor": 5, "dorian": 11, "mixolydian": 0, "major": 1}[mode] in pitched


@pytest.mark.parametrize("tonic", range(12))
def test_the_melody_keeps_its_shape_near_where_the_feeling_wants_it(tonic: int) -> None:
    of = material("band", 3)
    assert isinstance(of, BandMaterial)
    how = express(0.5, 0.0)
    bars = stretch(of, [(0.5, 0.0)] * 4, tonic)
    sung = [note.pitch for bar in bars for note in notes_by("melody", bar)]
    written = [note.pitch for note in of.melody]
    assert {low - high for low, high in zip(written, sung, strict=True)} == {written[0] - sung[0]}
    assert abs(sum(sung) / len(sung) - how.melody_centre) <= 6


@pytest.mark.parametrize("style", ["band", "piano"])
@pytest.mark.parametrize("seed", range(4))
def test_arousal_is_heard_in_every_bar(style: str, seed: int) -> None:
    of = material(style, seed)
    calm, lively = (stretch(of, [(0.3, arousal)] * 4, 0) for arousal in (-0.8, 0.8))
    for quiet, loud in zip(calm, lively, strict=True):
        assert loud.tempo_bpm > 1.8 * quiet.tempo_bpm
        assert len(loud.notes) >= len(quiet.notes)
        assert max(note.velocity for note in loud.notes) > max(note.velocity for note in quiet.notes) + 15


@pytest.mark.parametrize("seed", range(6))
def test_the_band_stays_out_of_the_melody_s_way(seed: int) -> None:
    for bar in stretch(material("band", seed), [(0.2, 0.1)] * 4, 0):
        melody, harmony = notes_by("melody", bar), notes_by("harmony", bar)
        assert harmony
        assert max(note.pitch for note in harmony) <= min(note.pitch for note in melody)
        assert max(note.pitch for note in notes_by("bass", bar)) < min(note.pitch for note in melody)


def test_a_moving_feeling_doesn_t_move_the_octave_at_once() -> None:
    of = material("band", 1)
    first = render(of, 0, express(0.2, -0.3), 0)
    then = render(of, 1, express(0.2, 0.3), 0, first.voices)
    assert first.voices.shift == then.voices.shift


def test_a_quiet_melody_leaves_out_the_quick_notes() -> None:
    quick = tuple(GridNote(step, step + 1, 72 + step % 2 * 2) for step in range(16))
    of = BandMaterial(quick, (diatonic(0, minor=False),) * 8, minor=False)
    calm, lively = (render(of, 0, express(0.5, arousal), 0) for arousal in (-0.9, 0.5))
    assert len([n for n in calm.notes if n.part == "melody"]) == 8
    assert len([n for n in lively.notes if n.part == "melody"]) == 16


def test_a_note_tied_over_the_bar_line_is_struck_again_if_it_lasts() -> None:
    notes = [GridNote(12, 24, 60), GridNote(30, 33, 62)]
    assert bar_of(notes, 0, 2) == [(GridNote(12, 16, 60), False)]
    assert bar_of(notes, 1, 2) == [(GridNote(0, 8, 60), True), (GridNote(14, 16, 62), False)]
    assert bar_of(notes, 2, 2) == []


def test_a_chromatic_note_stays_only_where_it_leads_on() -> None:
    led = [GridNote(0, 4, 64), GridNote(4, 6, 66), GridNote(6, 8, 67)]
    assert settled(led, (), minor=False) == tuple(led)
    lost = [GridNote(0, 4, 66), GridNote(4, 8, 60)]
    assert settled(lost, (), minor=False) == (GridNote(0, 4, 65), GridNote(4, 8, 60))
    # In several voices, too.
    voices = [GridNote(0, 4, 52), GridNote(0, 4, 56), GridNote(4, 8, 57), GridNote(4, 8, 60)]
    assert settled(voices, (), minor=False) == tuple(voices)
    # The leading note of a dominant may go anywhere.
    assert settled([GridNote(0, 4, 68), GridNote(4, 8, 64)], {8}, minor=True)[0].pitch == 68


@given(pitches=st.lists(st.integers(48, 83), max_size=20), centre=st.floats(66, 80), tonic=TONICS, minor=st.booleans())
def test_material_is_placed_near_the_centre(*, pitches: list[int], centre: float, tonic: int, minor: bool) -> None:
    place = Place.near(pitches, centre, tonic, "dorian", minor=minor, last=None)
    assert place.of(9 if minor else 0) % 12 == tonic
    if pitches:
        moved = [pitch + place.shift for pitch in pitches]
        assert abs(sum(moved) / len(moved) - centre) <= 6
    # What will do is kept.
    kept = Place.near(pitches, centre + 1.5, tonic, "dorian", minor=minor, last=place.shift)
    assert kept.shift == place.shift


def test_a_pivot_takes_the_first_half_bar_where_it_fits() -> None:
    of = material("band", 2)
    shared = pivots(9, "minor", 0, "major")
    turned = pivoted(of, shared)
    assert isinstance(of, BandMaterial)
    assert isinstance(turned, BandMaterial)
    assert turned.chords[0] in shared
    assert turned.chords[1:] == of.chords[1:]
    first = of.melody[0].pitch % 12
    assert first in turned.chords[0].classes or all(first not in chord.classes for chord in shared)
    assert pivoted(of, ()) == of
    assert pivoted(material("piano", 2), shared) == material("piano", 2)


def test_chords_keep_their_voices_together_from_bar_to_bar() -> None:
    moves = []
    for seed in range(20):
        bars = stretch(material("band", seed), [(0.4, -0.9)] * 4, 0)
        tops = [max(note.pitch for note in notes_by("harmony", bar)) for bar in bars]
        moves += [abs(later - earlier) for earlier, later in pairwise(tops)]
    assert sum(moves) / len(moves) < 2.5
    assert max(moves) <= 7


def test_pianists_have_two_hands() -> None:
    low, middle, high = GridNote(0, 16, 40), GridNote(0, 8, 60), GridNote(0, 16, 76)
    rendered = render(PianoMaterial((low, middle, high), minor=False), 0, express(0.5, 0.0), 0)
    assert [note.part for note in rendered.notes] == ["bass", "harmony", "melody"]
    assert rendered.notes[0].velocity < rendered.notes[2].velocity
    assert [note.pitch for note in rendered.notes] == [40, 60, 76]


def test_what_moves_below_the_melody_accompanies_it_also_where_the_melody_rests() -> None:
    melody = [GridNote(0, 4, 76), GridNote(8, 12, 74)]
    broken = [GridNote(step, step + 2, pitch) for step, pitch in ((4, 60), (6, 64), (12, 60), (14, 64))]
    rendered = render(PianoMaterial(tuple(sorted((*melody, *broken))), minor=False), 0, express(0.5, 0.0), 0)
    assert [note.pitch for note in rendered.notes if note.part == "melody"] == [76, 74]
    assert min(n.velocity for n in rendered.notes if n.part == "melody") > max(
        n.velocity for n in rendered.notes if n.part == "harmony"
    )


def test_the_pedal_holds_what_accompanies_until_the_bass_changes() -> None:
    melody, bass = GridNote(0, 16, 76), [GridNote(0, 4, 45), GridNote(8, 12, 43)]
    broken = [GridNote(2, 4, 60), GridNote(10, 12, 59)]
    of = PianoMaterial(tuple(sorted((melody, *bass, *broken))), minor=False)
    notes = [note for note in render(of, 0, express(0.5, -0.4), 0).notes if note.part != "melody"]
    assert [note.start_beats + note.duration_beats for note in notes] == [2, 2, 4, 4]


def test_an_excited_bass_is_doubled_below() -> None:
    of = PianoMaterial((GridNote(0, 8, 45), GridNote(0, 8, 76)), minor=False)
    assert [note.pitch for note in render(of, 0, express(0.5, 0.8), 0).notes] == [33, 45, 76]


def test_a_bar_of_rest_still_has_a_band() -> None:
    of = BandMaterial((), (Chord(0, "major"),) * 8, minor=False)
    rendered = render(of, 2, express(0.5, 0.5), 0)
    assert {note.part for note in rendered.notes} == {"harmony", "bass", "drums"}
    assert render(PianoMaterial((), minor=False), 0, express(0.5, 0.5), 0).notes == ()


@settings(deadline=None)
@given(SIDE, SIDE, TONICS, st.integers(0, 5))
def test_the_ending_rests_on_the_tonic(valence: float, arousal: float, tonic: int, seed: int) -> None:
    how = express(valence, arousal)
    before = render(material("band", seed), 3, how, tonic)
    ending = render_ending(how, tonic, before.voices, seed)
    assert ending.notes[0].pitch % 12 == ending.notes[-1].pitch % 12 == tonic
    assert ending.voices == Voices()
    for note in ending.notes:
        low, high = RANGES[note.part]
        assert low <= note.pitch <= high
        assert note.start_beats + note.duration_beats == 4
    assert max(n.velocity for n in ending.notes) < max(n.velocity for n in before.notes)
