"""The parts behind a melody."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from robotd.music.bar import Note
from robotd.music.compose import accompaniment, bass, drums
from robotd.music.compose.expression import Expression, express
from robotd.music.compose.figures import Strike, figure, struck
from robotd.music.compose.ranges import RANGES, into_range
from robotd.music.compose.touch import Touch, one_at_a_time

SIDE = st.floats(-1, 1)
VOICES = {"root": 48, "low": 55, "middle": 60, "high": 64}
WHOLE, FIRST, SECOND = range(16), range(8), range(8, 16)
C_MAJOR = {0, 2, 4, 5, 7, 9, 11}


def touch(how: Expression, phrase_bar: int = 0) -> Touch:
    return Touch.of(how, phrase_bar, "test")


def chords(how: Expression, steps: range = WHOLE, phrase_bar: int = 0, seed: int = 0) -> list[Note]:
    forms = accompaniment.figure_for(how, seed)
    return list(accompaniment.accompany(forms, VOICES, steps, how, touch(how, phrase_bar)))


def basses(how: Expression, steps: range = WHOLE, next_root: int = 41) -> list[Note]:
    ground = bass.Ground(36, (0, 4, 7), steps, next_root)
    return list(bass.play(ground, C_MAJOR, how, touch(how)))


def beats(valence: float, arousal: float, phrase_bar: int = 1) -> list[Note]:
    how = express(valence, arousal)
    return list(drums.beat(phrase_bar, how, touch(how, phrase_bar)))


def keys(notes: list[Note]) -> set[str]:
    names = {key: name for name, key in drums.KEYS.items()}
    return {names[note.pitch] for note in notes}


def test_a_figure_is_read_from_text() -> None:
    assert figure("0 low, 2 middle .2, 4 high 0-.36") == (
        Strike(0, "low"), Strike(2, "middle", low=0.2), Strike(4, "high", high=0.36),
    )  # fmt: skip


@given(st.floats(0, 1))
def test_a_strike_fades_in_with_density(density: float) -> None:
    heard = dict(struck(figure("0 low, 4 high .5"), density))
    assert len(heard) == 1 + (density >= 0.5)
    for strike, emphasis in heard.items():
        assert emphasis == 0 if strike.low == 0 or density >= 0.58 else -8 <= emphasis <= 0


@given(SIDE, SIDE, st.sampled_from([WHOLE, FIRST, SECOND]), st.integers(0, 3), st.integers(0, 5))
def test_chords_sound_within_their_time(v: float, a: float, steps: range, phrase_bar: int, seed: int) -> None:
    notes = chords(express(v, a), steps, phrase_bar, seed)
    assert notes
    for note in notes:
        assert note.pitch in VOICES.values()
        assert steps.start / 4 <= note.start_beats
        assert note.start_beats + note.duration_beats <= steps.stop / 4 + 1e-9
        assert note.duration_beats > 0.1


@pytest.mark.parametrize("valence", [-0.6, 0.6])
@pytest.mark.parametrize("seed", range(4))
def test_accompaniment_fills_up_with_arousal(valence: float, seed: int) -> None:
    counts = [
        sum(len(chords(express(valence, arousal), phrase_bar=bar, seed=seed)) for bar in range(4))
        for arousal in (-1, -0.5, 0, 0.9)
    ]
    assert counts == sorted(counts)
    assert counts[-1] > 1.5 * counts[0]


def test_at_rest_a_chord_is_held_and_then_it_is_broken() -> None:
    held, broken = chords(express(0.5, -0.95)), chords(express(0.5, -0.4))
    assert {note.start_beats for note in held} == {0}
    assert all(note.duration_beats == 4 for note in held)
    assert len({note.start_beats for note in broken}) > 3
    # The pedal is down: what was struck first still sounds when the chord ends.
    assert max(note.start_beats + note.duration_beats for note in broken[:2]) > 2


def test_a_phrase_comes_to_rest_at_its_end() -> None:
    how = express(-0.5, -0.4)
    within, last = ({note.start_beats for note in chords(how, phrase_bar=bar)} for bar in (1, 3))
    assert within >= {2, 3, 3.5}
    assert max(last) == 3


def test_pleasure_dances_and_displeasure_drives() -> None:
    light, heavy = express(0.6, 0.5), express(-0.6, 0.5)
    assert accompaniment.figure_for(light, 1) in accompaniment.DANCES
    assert accompaniment.figure_for(heavy, 1) in accompaniment.DRIVES
    assert bass.figure_for(light) is bass.DANCE
    assert bass.figure_for(heavy) is bass.DRIVE


@given(SIDE, SIDE, st.sampled_from([WHOLE, FIRST, SECOND]), st.integers(28, 55))
def test_the_bass_stands_on_the_root_and_plays_one_note_at_a_time(
    v: float, a: float, steps: range, next_root: int
) -> None:
    notes = basses(express(v, a), steps, next_root)
    assert notes[0].pitch == 36
    assert notes[0].start_beats == steps.start / 4
    for note in notes:
        assert RANGES["bass"][0] <= note.pitch <= RANGES["bass"][1]
    for earlier, later in pairwise(notes):
        assert earlier.start_beats + earlier.duration_beats <= later.start_beats + 1e-9


def test_the_bass_grows_from_whole_notes_to_driving_eighths() -> None:
    counts = [len(basses(express(-0.6, arousal))) for arousal in (-0.6, 0.0, 0.3, 0.8)]
    assert counts[0] == 1
    assert counts == sorted(set(counts))
    driving = basses(express(-0.6, 0.8))
    assert {note.start_beats for note in driving} >= {place / 2 for place in range(8)}


def test_the_walk_leads_to_the_next_root() -> None:
    walking = basses(replace(express(0.2, 0.3), density=0.65), next_root=41)
    assert walking[-1].pitch in {40, 43}
    assert walking[-1].start_beats == 3.5


@given(SIDE, SIDE, st.integers(0, 3))
def test_drums_are_keys_of_general_midi(v: float, a: float, phrase_bar: int) -> None:
    for note in beats(v, a, phrase_bar):
        assert RANGES["drums"][0] <= note.pitch <= RANGES["drums"][1]
        assert note.part == "drums"
        assert 0 <= note.start_beats < 4


def test_drums_keep_silent_then_shake_then_play_the_kit() -> None:
    assert beats(0.5, -0.5) == []
    assert keys(beats(0.5, 0.05)) <= {"maracas", "stick", "kick"}
    assert {"hi-hat", "kick", "snare", "tambourine"} <= keys(beats(0.6, 0.5))
    assert {"hi-hat", "deep kick", "hard snare", "floor tom"} <= keys(beats(-0.6, 0.5))


def test_a_phrase_begins_with_a_crash_and_ends_with_a_fill() -> None:
    assert "crash" in keys(beats(0.6, 0.6, 0))
    last_beat = [note for note in beats(-0.6, 0.6, 3) if note.start_beats >= 3]
    assert keys(last_beat) <= {"hard snare", "low tom", "floor tom", "deep tom"}
    assert len(last_beat) >= 3


def test_strong_beats_and_the_middle_of_a_phrase_are_louder() -> None:
    how = express(0, 0)

    def mean(step: int, phrase_bar: int) -> float:
        return sum(Touch.of(how, phrase_bar, n).velocity(step) for n in range(50)) / 50

    assert mean(0, 0) > mean(4, 0) > mean(1, 0)
    assert mean(0, 2) > mean(0, 0)


def test_no_two_strokes_are_quite_alike_but_the_seed_repeats_them() -> None:
    how = express(0, 0)
    hand, again = touch(how), touch(how)
    strokes = [hand.velocity(0) for _ in range(20)]
    assert len(set(strokes)) > 2
    assert max(strokes) - min(strokes) <= 6
    assert strokes == [again.velocity(0) for _ in range(20)]


def test_a_note_gives_way_to_a_later_one_on_its_key() -> None:
    long, short, later = Note(0, 4, 60, 80), Note(0, 1, 60, 90), Note(2, 1, 60, 70)
    assert one_at_a_time([later, short, long]) == (Note(0, 2, 60, 80), later)


def test_other_parts_have_keys_of_their_own() -> None:
    ours, theirs = Note(0, 4, 60, 80), Note(2, 1, 60, 70, "harmony")
    assert one_at_a_time([ours, theirs]) == (ours, theirs)


@given(st.integers(0, 127), st.sampled_from(["melody", "harmony", "bass"]))
def test_a_pitch_is_moved_into_range_by_octaves(pitch: int, part: str) -> None:
    moved = into_range(pitch, part)  # type: ignore[arg-type]
    low, high = RANGES[part]  # type: ignore[index]
    assert low <= moved <= high
    assert (moved - pitch) % 12 == 0
