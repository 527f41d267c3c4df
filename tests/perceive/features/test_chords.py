from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from robotd.perceive.features.chords import NAMES, chord_features
from robotd.perceive.features.moments import moments_of
from robotd.perceive.features.score import Notes
from tests.perceive.features.test_harmony import MAJOR, MINOR, chords
from tests.perceive.features.test_score import pieces


def features(notes: Notes) -> dict[str, float]:
    return dict(zip(NAMES, chord_features(moments_of(notes)).tolist(), strict=True))


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (MAJOR, "major"),
        (MINOR, "minor"),
        ((0, 4, 8), "augmented"),
        ((0, 5, 7), "suspended_fourth"),
        ((0, 4, 7, 11), "major_seventh"),
        ((0, 4, 7, 10), "dominant_seventh"),
        ((0, 7), "fifth"),
    ],
)
def test_a_chord_is_of_its_kind(kind: tuple[int, ...], name: str) -> None:
    found = features(chords((57, kind)))
    assert found[f"kind_{name}"] == 1.0
    assert sum(value for of, value in found.items() if of.startswith("kind_")) == 1.0


def test_chords_have_their_places_in_the_key() -> None:
    # C, F, G and a minor, 8 moments each; the first is recalled for two of the moments of the next.
    found = features(chords((48, MAJOR), (53, MAJOR), (55, MAJOR), (57, MINOR), (48, MAJOR)))
    for name in ("bright_on_0", "bright_on_5", "bright_on_7", "dark_on_9"):
        assert found[name] >= 0.1, name
    assert found["bright_on_1"] == found["dark_on_0"] == 0.0
    assert found["bright_less_dark"] > 0


def test_the_bass_moves_by_its_steps() -> None:
    found = features(chords((48, MAJOR), (50, MINOR), (52, MINOR), (48, MAJOR)))
    assert found["bass_steps"] == pytest.approx(2 / 3)
    assert (found["bass_10"], found["bass_90"]) == (48.0, 52.0)
    assert found["above_bass_0"] > found["above_bass_1"]


@given(notes=pieces, octaves=st.integers(-2, 2))
def test_octaves_move_nothing_but_the_bass(notes: Notes, octaves: int) -> None:
    before = features(notes)
    after = features(Notes(notes.onset_s, notes.length_s, notes.pitch + 12 * octaves, notes.velocity))
    for name in ("bass_10", "bass_90"):
        assert after.pop(name) == pytest.approx(before.pop(name) + 12 * octaves, abs=1e-3)
    assert after == pytest.approx(before, abs=1e-4)
