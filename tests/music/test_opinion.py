from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from robotd.errors import CommandError
from robotd.music.opinion import reward_of


@pytest.mark.parametrize(
    ("kind", "value", "reward"),
    [
        ("like", None, 1.0),
        ("dislike", None, -1.0),
        ("rating", 1, -1.0),
        ("rating", 3, 0.0),
        ("rating", 5, 1.0),
        ("skip", None, -0.8),
        ("skip", 100, -0.4),
        ("skip", 500, 0.0),
        ("played", None, 0.5),
        ("played", 0.0, -0.8),
    ],
)
def test_reactions_to_a_song_of_200_s(kind: str, value: float | None, reward: float) -> None:
    assert reward_of(kind, value, 200.0) == pytest.approx(reward)  # type: ignore[arg-type]


@given(st.floats(0, 1000), st.floats(0, 1000), st.one_of(st.none(), st.floats(1, 1000)))
def test_the_later_a_skip_the_less_it_says(first: float, second: float, duration_s: float | None) -> None:
    early, late = sorted((first, second))
    assert -1 <= reward_of("skip", early, duration_s) <= reward_of("skip", late, duration_s) <= 0


@pytest.mark.parametrize(
    ("kind", "value"),
    [("rating", None), ("rating", 0), ("rating", 6), ("rating", float("nan")), ("skip", -1), ("played", 1.5)],
)
def test_impossible_values_are_told(kind: str, value: float | None) -> None:
    with pytest.raises(CommandError, match="value"):
        reward_of(kind, value, None)  # type: ignore[arg-type]
