from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from robotd.perceive.features.harmony import NAMES, harmony_features
from robotd.perceive.features.moments import moments_of
from robotd.perceive.features.score import Notes
from tests.perceive.features.test_score import piece, pieces

MAJOR, MINOR = (0, 4, 7), (0, 3, 7)


def features(notes: Notes) -> dict[str, float]:
    return dict(zip(NAMES, harmony_features(notes, moments_of(notes)).tolist(), strict=True))


def chords(*roots_and_kinds: tuple[int, tuple[int, ...]]) -> Notes:
    """Chords of 2 s, one after the other."""
    rows = enumerate(roots_and_kinds)
    return piece(*((2.0 * i, 2.0, root + step, 64) for i, (root, kind) in rows for step in kind))


@pytest.mark.parametrize(("kind", "name"), [(MAJOR, "major_chords"), ((0, 3, 6), "diminished_chords")])
def test_a_chord_is_of_its_kind(kind: tuple[int, ...], name: str) -> None:
    found = features(chords((60, kind)))
    assert found[name] == 1.0
    assert found["chord_changes"] == 0.0
    assert (found["bass_mean"], found["top_mean"]) == (60.0, 60.0 + kind[-1])


def test_degrees_are_counted_from_the_tonic() -> None:
    found = features(chords((62, MINOR), (67, MINOR), (69, MAJOR), (62, MINOR)))
    # D minor: two tonic chords, its subdominant (with the tonic in it), its dominant.
    assert found["degree_0"] == pytest.approx(3 / 12)
    assert found["degree_7"] == pytest.approx(3 / 12)
    assert found["minor_fit"] > found["major_fit"]
    assert found["minor_chords"] > found["major_chords"] > 0


def test_intervals_that_sound_together() -> None:
    found = features(piece((0.0, 1.0, 60, 64), (0.0, 1.0, 66, 64)))
    assert found["interval_class_6"] == 1.0
    assert found["interval_class_1"] == 0.0


@given(notes=pieces, octaves=st.integers(-2, 2))
def test_octaves_move_nothing_but_bass_and_top(notes: Notes, octaves: int) -> None:
    before = features(notes)
    after = features(Notes(notes.onset_s, notes.length_s, notes.pitch + 12 * octaves, notes.velocity))
    for voice in ("bass_mean", "top_mean"):
        assert after.pop(voice) == pytest.approx(before.pop(voice) + 12 * octaves, abs=1e-3)
    assert after == pytest.approx(before, abs=1e-4)


@given(notes=pieces)
def test_every_piece_has_finite_features(notes: Notes) -> None:
    assert np.isfinite(list(features(notes).values())).all()
