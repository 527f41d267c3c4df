"""Features of how loud symbolic music is, and of the course of its loudness, density and pitch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from robotd.perceive.features.rhythm import strikes_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from robotd.perceive.features.score import Notes

_PERCENTILES = (5, 25, 50, 75, 95)
#: From it on a note is high: middle C.
_MIDDLE = 60
#: A strike of so many notes is a chord.
_CHORD = 3
#: The course is followed in windows of this length.
_WINDOW_S = 4.0
_COURSES = ("density", "velocity", "pitch")

NAMES = (
    *(f"velocity_{percent}" for percent in _PERCENTILES),
    "velocity_step",
    "velocity_high_less_low",
    "velocity_with_time",
    "velocity_with_pitch",
    "velocity_of_chords",
    *(f"{course}_{of}" for course in _COURSES for of in ("course_sd", "course_min", "course_max", "course_with_time")),
)


def dynamics_features(notes: Notes) -> NDArray[np.float32]:
    """Return the features of at least one note in the order of `NAMES`.

    - `velocity_5` to `velocity_95`: percentiles of the MIDI velocities; `velocity_step`: mean difference from strike to
      strike, up or down; `velocity_high_less_low`: mean from middle C on less the mean below; `velocity_with_time`,
      `velocity_with_pitch`: correlations; `velocity_of_chords`: mean of the notes that are struck with two others.
    - `*_course_*`, of windows of 4 s with notes: deviation, least and greatest of their notes a second, mean velocity
      and mean pitch, and the correlation of each with time.
    """
    velocity = notes.velocity.astype(np.float64)
    mean = velocity.mean()
    strikes = strikes_of(notes)
    high = notes.pitch >= _MIDDLE
    in_chord = strikes.size[strikes.of_note] >= _CHORD
    steps = np.abs(np.diff(strikes.velocity))
    courses = [part for course in _courses(notes) for part in _course(course)]
    parts = (
        np.percentile(velocity, _PERCENTILES),
        (
            steps.sum() / max(1, len(steps)),
            _mean(velocity[high], mean) - _mean(velocity[~high], mean),
            _correlation(notes.onset_s, velocity),
            _correlation(notes.pitch.astype(np.float64), velocity),
            _mean(velocity[in_chord], mean),
        ),
        courses,
    )
    return np.concatenate(parts).astype(np.float32)


def _courses(notes: Notes) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    window = ((notes.onset_s - notes.onset_s[0]) / _WINDOW_S).astype(np.int64)
    counts = np.bincount(window)
    some = counts > 0
    velocity, pitch = (np.bincount(window, of)[some] / counts[some] for of in (notes.velocity, notes.pitch))
    # The last window is seldom whole.
    return (counts[:-1] if len(counts) > 1 else counts) / _WINDOW_S, velocity, pitch


def _course(values: NDArray[np.float64]) -> tuple[float, float, float, float]:
    return values.std(), values.min(), values.max(), _correlation(np.arange(len(values), dtype=np.float64), values)


def _mean(values: NDArray[np.float64], otherwise: float) -> float:
    return float(values.mean()) if len(values) else otherwise


def _correlation(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """Return Pearson's correlation, or 0 where one of them doesn't vary or there are fewer than 3."""
    few = 3
    if len(first) < few or np.ptp(first) == 0.0 or np.ptp(second) == 0.0:
        return 0.0
    return float(np.corrcoef(first, second)[0, 1])
