from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from robotd.perceive.features.moments import moments_of
from robotd.perceive.features.score import Notes, chroma_of
from robotd.perceive.features.tonality import NAMES, likeliest_key, tonality_features
from tests.perceive.features.test_harmony import MAJOR, MINOR, chords
from tests.perceive.features.test_score import pieces


def features(notes: Notes) -> dict[str, float]:
    return dict(zip(NAMES, tonality_features(notes, moments_of(notes)).tolist(), strict=True))


def cadence(tonic: int, kind: tuple[int, ...]) -> list[tuple[int, tuple[int, ...]]]:
    """Tonic, subdominant, dominant, tonic."""
    return [(tonic, kind), (tonic + 5, kind), (tonic + 7, MAJOR), (tonic, kind)]


def test_major_is_told_from_minor_however_it_is_counted() -> None:
    major, minor = features(chords(*cadence(60, MAJOR))), features(chords(*cadence(60, MINOR)))
    for count in ("seconds", "notes", "force", "moments", "high"):
        assert major[f"mode_by_{count}"] > 0 > minor[f"mode_by_{count}"], count
    assert (major["window_major"], minor["window_major"]) == (1.0, 0.0)


@pytest.mark.parametrize("tonic", [60, 62, 69])
def test_the_tonic_is_found(tonic: int) -> None:
    assert likeliest_key(chroma_of(chords(*cadence(tonic, MAJOR)))) == tonic % 12


def test_a_piece_that_stays_has_one_key_and_one_that_strays_has_more() -> None:
    stays, strays = (cadence(60, MAJOR) * 4, [*cadence(60, MAJOR) * 2, *cadence(66, MAJOR) * 2])
    assert features(chords(*stays))["window_distance"] == 0.0
    assert features(chords(*strays))["window_distance"] > 1.0
    assert features(chords(*strays))["window_changes"] > features(chords(*stays))["window_changes"]
    assert features(chords(*stays))["key_fit_by_seconds"] > features(chords(*strays))["key_fit_by_seconds"]


@given(notes=pieces, octaves=st.integers(-1, 1))
def test_what_does_not_ask_for_middle_c_is_the_same_an_octave_higher(notes: Notes, octaves: int) -> None:
    before = features(notes)
    after = features(Notes(notes.onset_s, notes.length_s, notes.pitch + 12 * octaves, notes.velocity))
    for name in ("mode_by_low", "mode_by_high"):
        assert -2 <= after.pop(name) <= 2
        assert -2 <= before.pop(name) <= 2
    assert after == pytest.approx(before, abs=1e-3)
