"""Voices of chords: they move little, and not in parallel fifths and octaves with the bass."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from robotd.music.compose.harmony import nearest, voicing

CLASSES = st.lists(st.integers(0, 11), min_size=3, max_size=3, unique=True)


@given(CLASSES, st.floats(50, 70))
def test_a_chord_has_its_notes_near_the_centre(classes: list[int], centre: float) -> None:
    chord = voicing(classes, centre, ())
    assert sorted(pitch % 12 for pitch in chord) == sorted(classes)
    assert list(chord) == sorted(chord)
    assert all(abs(pitch - centre) <= 8 for pitch in chord)


def test_common_notes_stay_and_the_others_move_by_step() -> None:
    c_major = voicing((0, 4, 7), 60, ())
    a_minor = voicing((9, 0, 4), 60, c_major)
    assert len(set(c_major) & set(a_minor)) == 2
    assert sum(abs(new - old) for new, old in zip(a_minor, c_major, strict=True)) == 2


def test_the_top_doesn_t_go_on_with_the_bass_in_fifths_or_octaves() -> None:
    # C major with G on top over C; D minor over D would have A on top, a fifth again.
    before = (60, 64, 67)
    free = voicing((2, 5, 9), 64, before)
    careful = voicing((2, 5, 9), 64, before, bass=(48, 50))
    assert (free[-1] - 50) % 12 == 7
    assert (careful[-1] - 50) % 12 not in {0, 7}


def test_the_chord_keeps_below_the_melody() -> None:
    assert voicing((0, 4, 7), 62, (59, 62, 67))[-1] == 67
    assert voicing((0, 4, 7), 62, (59, 62, 67), ceiling=65)[-1] == 64


@given(st.integers(0, 11), st.floats(30, 90))
def test_the_nearest_pitch_of_a_class(pitch_class: int, centre: float) -> None:
    pitch = nearest(pitch_class, centre)
    assert pitch % 12 == pitch_class
    assert abs(pitch - centre) <= 6
