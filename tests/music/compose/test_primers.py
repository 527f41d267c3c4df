from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from robotd.music.compose.grid import STEPS_PER_BAR
from robotd.music.compose.primers import melody_primer, piano_primer

SIDE = st.floats(-1, 1)
SEEDS = st.integers(0, 10_000)
WHITE = {0, 2, 4, 5, 7, 9, 11}


@given(valence=SIDE, arousal=SIDE, minor=st.booleans(), seed=SEEDS, bars=st.integers(1, 4))
def test_a_melody_primer_fills_its_bars_with_one_note_at_a_time_of_the_white_keys(
    *, valence: float, arousal: float, minor: bool, seed: int, bars: int
) -> None:
    notes = melody_primer(valence, arousal, minor=minor, seed=seed, bars=bars)
    assert notes[0].start == 0
    assert {note.start // STEPS_PER_BAR for note in notes} == set(range(bars))
    assert all(earlier.end <= later.start for earlier, later in pairwise(notes))
    assert all(note.pitch % 12 in WHITE and 48 <= note.pitch <= 83 for note in notes)


@given(valence=SIDE, arousal=SIDE, minor=st.booleans(), seed=SEEDS)
def test_a_piano_primer_has_two_hands_in_one_bar(*, valence: float, arousal: float, minor: bool, seed: int) -> None:
    notes = piano_primer(valence, arousal, minor=minor, seed=seed)
    assert all(0 <= note.start < note.end <= STEPS_PER_BAR for note in notes)
    assert min(note.pitch for note in notes) < 52 < max(note.pitch for note in notes)
    assert len({(note.start, note.pitch) for note in notes}) == len(notes)


def test_arousal_fills_a_primer_and_every_seed_is_another_one() -> None:
    calm, excited = (
        sum(len(melody_primer(0.5, arousal, minor=False, seed=seed)) for seed in range(20)) for arousal in (-0.8, 0.8)
    )
    assert excited > 1.5 * calm
    assert len({melody_primer(0.5, 0.5, minor=False, seed=seed) for seed in range(20)}) > 15
    assert melody_primer(0.5, 0.5, minor=False, seed=3) == melody_primer(0.5, 0.5, minor=False, seed=3)
