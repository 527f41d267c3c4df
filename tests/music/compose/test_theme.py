"""Themes, and melodies that are sung on them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from robotd.music.compose.theme import Motif, arch, cadence_onsets, dice, line, pick

SEEDS = st.integers(0, 50)


@given(SEEDS, st.floats(0, 1), st.integers(60, 72))
def test_a_line_stands_on_the_chord_where_it_is_strong_and_else_goes_by_step(
    seed: int, density: float, start: int
) -> None:
    motif = Motif.drawn(seed)
    onsets = motif.onsets(density)
    scale = [pitch for pitch in range(55, 80) if pitch % 12 in {0, 2, 4, 5, 7, 9, 11}]
    pitches = line(
        motif,
        onsets,
        scale=scale,
        chord_at=lambda _: {0, 4, 7},
        target_at=lambda _: 67,
        last=start,
        final=None,
    )
    for number, (onset, pitch) in enumerate(zip(onsets, pitches, strict=True)):
        assert pitch in scale
        if onset % 2 == 0:
            assert pitch % 12 in {0, 4, 7}
        elif pitch % 12 not in {0, 4, 7}:
            assert abs(pitch - pitches[number - 1]) <= 2


@given(SEEDS, st.floats(0, 1), st.floats(0, 1))
def test_a_denser_motif_has_all_the_notes_of_a_thinner_one(seed: int, one: float, other: float) -> None:
    thin, dense = sorted((one, other))
    assert set(Motif.drawn(seed).onsets(thin)) <= set(Motif.drawn(seed).onsets(dense))
    assert Motif.drawn(seed).onsets(thin)[0] == 0
    assert len(cadence_onsets(thin)) <= len(cadence_onsets(dense))


def test_a_phrase_rises_to_its_middle() -> None:
    heights = [arch(bar, 0) for bar in range(4)]
    assert heights[0] == -1
    assert max(heights) == heights[2] == 1


def test_chance_depends_on_the_key_alone() -> None:
    assert dice("a", 1).random() == dice("a", 1).random()
    assert {pick("xyz", seed) for seed in range(20)} == set("xyz")
