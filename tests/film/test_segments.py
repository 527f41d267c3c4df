from __future__ import annotations

from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from robotd.emotion import CIRCUMPLEX, EMOTIONS, QUADRANT_OF, Emotion, Feeling, quadrant_at
from robotd.film.segments import SHORTEST_S, Segment, changes, segments
from tests.film.films import felt, probabilities


def course(*parts: tuple[float, Emotion | None]) -> list[Feeling]:
    """Return the feeling every half second of parts that last so many seconds each."""
    emotions = [emotion for seconds, emotion in parts for _ in range(round(2 * seconds))]
    return [felt(n / 2, emotion) for n, emotion in enumerate([*emotions, emotions[-1]])]


def cost(losses: np.ndarray, cuts: tuple[int, ...], penalty: float) -> float:
    parts = [losses[a:b] for a, b in pairwise((0, *cuts, len(losses)))]
    return sum(float(part.sum(axis=0).min()) for part in parts) + penalty * len(cuts)


@settings(deadline=None)
@given(
    arrays(np.float64, st.tuples(st.integers(1, 9), st.integers(1, 4)), elements=st.floats(0, 1)), st.floats(0.01, 1)
)
def test_no_other_cuts_are_better(losses: np.ndarray, penalty: float) -> None:
    shortest = 2
    found = tuple(changes(losses, shortest, penalty))
    allowed = [
        cuts
        for count in range(len(losses))
        for cuts in combinations(range(1, len(losses)), count)
        if not cuts or all(b - a >= shortest for a, b in pairwise((0, *cuts, len(losses))))
    ]
    assert found in allowed
    assert cost(losses, found, penalty) == pytest.approx(min(cost(losses, cuts, penalty) for cuts in allowed))


def test_a_segment_for_each_feeling() -> None:
    told = course((20, Emotion.HAPPY), (15, Emotion.ANGRY), (25, Emotion.SAD))
    found = segments(told, 60.0)
    assert [one.label for one in found] == [Emotion.HAPPY, Emotion.ANGRY, Emotion.SAD]
    assert [one.quadrant.value for one in found] == ["Q1", "Q2", "Q3"]
    assert [one.start_s for one in found] == pytest.approx([0, 20, 35], abs=0.5)
    assert found[-1].end_s == 60.0


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 30), st.sampled_from([*Emotion, None])), min_size=1, max_size=8),
    st.floats(0, 0.49),
)
def test_segments_fill_the_film_and_are_not_too_short(parts: list[tuple[float, Emotion | None]], more_s: float) -> None:
    told = course(*parts)
    length_s = told[-1].time_s + more_s
    found = segments(told, length_s)
    assert found[0].start_s == 0
    assert found[-1].end_s == length_s
    for one, other in pairwise(found):
        assert one.end_s == other.start_s
    if len(found) > 1:
        # The first and the last moment of a film stand for a quarter second only.
        assert min(one.end_s - one.start_s for one in found) >= SHORTEST_S - 0.25


def test_a_glance_makes_no_segment() -> None:
    told = course((20, Emotion.SAD), (3, Emotion.HAPPY), (20, Emotion.SAD))
    assert [one.label for one in segments(told, 43.0)] == [Emotion.SAD]


def test_while_nobody_is_there_the_neighbours_feeling_holds() -> None:
    told = course((20, Emotion.HAPPY), (8, None), (20, Emotion.SAD))
    first, last = segments(told, 48.0)
    assert (first.label, last.label) == (Emotion.HAPPY, Emotion.SAD)
    assert first.end_s == pytest.approx(24, abs=0.5)
    assert first.known == pytest.approx(20 / 24, abs=0.02)
    assert first.valence == pytest.approx(told[0].valence)


def test_a_film_without_anybody_is_neutral() -> None:
    (only,) = segments(course((30, None)), 30.2)
    assert (only.label, only.known, only.end_s) == (Emotion.NEUTRAL, 0.0, 30.2)
    assert only.point == pytest.approx(CIRCUMPLEX[Emotion.NEUTRAL])


@settings(deadline=None)
@given(arrays(np.float64, len(EMOTIONS), elements=st.floats(0.01, 1)))
def test_music_is_composed_for_a_point_of_its_quadrant(shares: np.ndarray) -> None:
    mean = tuple(float(p) for p in shares / shares.sum())
    label = EMOTIONS[int(np.argmax(mean))]
    one = Segment(0.0, 10.0, label, mean, 0.0, 0.0, known=1.0)
    assert quadrant_at(*one.point) is QUADRANT_OF[label]


def test_an_unsure_segment_is_composed_nearer_to_the_middle() -> None:
    def distance(share: float) -> float:
        return float(np.hypot(*Segment(0, 9, Emotion.SAD, probabilities(Emotion.SAD, share), 0, 0, known=1).point))

    assert distance(0.2) < distance(0.4) < distance(0.5) == pytest.approx(distance(0.9))
