from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from export.data.beats import accents, find_beats
from robotd.perceive.features.score import Notes

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Roots of a phrase of four chords, a bar each, and the intervals of a major triad.
ROOTS = (48, 41, 43, 41)
TRIAD = (12, 16, 19)
BARS = 12


def performance(beats_s: NDArray[np.floating[Any]], deviation_s: float = 0.0, pickup_beats: int = 0) -> Notes:
    """Play bass notes on the first beats of bars, chords on beats and a line of half beats at known times.

    Args:
        beats_s: when the beats are, four a bar after a pickup.
        deviation_s: standard deviation of the onsets.
        pickup_beats: beats before the first bar line.
    """
    rng = np.random.default_rng(5)
    rows: list[tuple[float, float, int, int]] = []
    for beat, (now_s, next_s) in enumerate(pairwise(beats_s)):
        bar, place = divmod(beat - pickup_beats, 4)
        root, interval_s = ROOTS[bar % 4], next_s - now_s
        if place == 0:
            rows.append((now_s, 3.6 * interval_s, root - 12, 80))
        rows += [(now_s, 0.9 * interval_s, root + pitch, 60) for pitch in TRIAD]
        rows.append((now_s, 0.45 * interval_s, root + 28, 85))
        rows.append((now_s + interval_s / 2, 0.45 * interval_s, root + 31, 70))
    onset, length, pitch, velocity = np.array(rows).T
    onset = onset + rng.normal(0.0, deviation_s, len(onset)) + 1.0
    order = np.argsort(onset, kind="stable")
    return Notes(onset[order], length[order], pitch[order].astype(np.int64), velocity[order].astype(np.int64))


def share_found(wanted_s: NDArray[np.floating[Any]], found_s: NDArray[np.floating[Any]]) -> float:
    """Return which share of beats was found within 70 ms, the tolerance of MIREX' beat tracking."""
    return float(np.mean(np.abs(wanted_s[:, None] - found_s).min(axis=1) < 0.07))


def test_finds_the_beats_and_bars_of_a_metronomic_performance() -> None:
    beats_s = np.arange(4 * BARS + 1) * 60.0 / 84.0
    beats = find_beats(performance(beats_s))
    assert beats is not None
    assert np.median(np.diff(beats.time_s)) == pytest.approx(60.0 / 84.0, rel=0.01)
    assert share_found(beats_s[:-1] + 1.0, beats.time_s) == 1.0
    assert share_found(beats_s[:-1:4] + 1.0, beats.time_s[beats.first_bar :: 4]) == 1.0
    assert beats.misfit < 0.03


def test_follows_rubato() -> None:
    phrase = 1.0 + 0.12 * np.sin(2 * np.pi * np.arange(4 * BARS) / 16)
    beats_s = np.concatenate([[0.0], np.cumsum(0.75 * phrase)])
    beats = find_beats(performance(beats_s, deviation_s=0.012))
    assert beats is not None
    assert share_found(beats_s[:-1] + 1.0, beats.time_s) > 0.95
    assert len(beats.time_s) == pytest.approx(len(beats_s), abs=2)
    assert beats.misfit < 0.1


@pytest.mark.parametrize("pickup_beats", [0, 1, 2, 3])
def test_finds_the_bar_line_after_a_pickup(pickup_beats: int) -> None:
    beats_s = np.arange(4 * BARS + pickup_beats + 1) * 0.7
    beats = find_beats(performance(beats_s, deviation_s=0.01, pickup_beats=pickup_beats))
    assert beats is not None
    assert share_found(beats_s[pickup_beats:-1:4] + 1.0, beats.time_s[beats.first_bar :: 4]) == 1.0


def test_beats_hold_all_onsets() -> None:
    notes = performance(np.arange(4 * BARS + 1) * 0.66, deviation_s=0.015)
    beats = find_beats(notes)
    assert beats is not None
    assert (np.diff(beats.time_s) > 0).all()
    assert beats.time_s[-1] >= notes.onset_s[-1]
    assert beats.time_s[0] < notes.onset_s[0] + 0.07
    assert 0 <= beats.first_bar < 4


def test_onsets_anywhere_fit_no_beat() -> None:
    onset_s = np.sort(np.random.default_rng(1).uniform(0.0, 30.0, 200))
    pitch = np.random.default_rng(2).integers(40, 90, 200)
    beats = find_beats(Notes(onset_s, np.full(200, 0.2), pitch, np.full(200, 70)))
    assert beats is not None
    assert beats.misfit > 0.15


def test_too_few_notes_have_no_beats() -> None:
    notes = performance(np.arange(4 * BARS + 1) * 0.7)
    assert find_beats(notes.only(np.arange(10))) is None
    assert find_beats(notes.only(notes.onset_s < 5.0)) is None


def test_loud_long_and_low_notes_are_accents() -> None:
    def accent(length_s: float = 0.3, pitch: int = 72, velocity: int = 60) -> float:
        return float(accents(Notes(np.zeros(1), np.array([length_s]), np.array([pitch]), np.array([velocity])))[0])

    assert accent(velocity=100) > accent()
    assert accent(length_s=1.0) > accent()
    assert accent(pitch=40) > accent()
