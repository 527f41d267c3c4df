from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from robotd.errors import LibraryError
from robotd.music.catalogue.scale import likely_scale, scale_named


@pytest.mark.parametrize(
    ("name", "low", "middle", "high"),
    [
        ("-1..1", "-1", "0", "1"),
        ("0..1", "0", "0.5", "1"),
        ("0..10", "0", "5", "10"),
        ("1..9", "1", "5", "9"),
        ("1..5", "1", "3", "5"),
        ("-10..10", "-10", "0", "10"),
        ("20..30", "20", "25", "30"),
        ("z", "-3", "0", "3"),
    ],
)
def test_every_scale_is_brought_to_ours(name: str, low: str, middle: str, high: str) -> None:
    scale = scale_named(name)
    assert [scale.ours(text, "valence") for text in (low, middle, high)] == [-1, 0, 1]


@pytest.mark.parametrize("name", ["", "nine", "1..", "..", "5..1", "1..1", "nan..1", "1-9", "-inf..1"])
def test_what_is_no_scale_is_told(name: str) -> None:
    with pytest.raises(LibraryError, match=r"no scale .*1\.\.9.*z"):
        scale_named(name)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("loud", "valence 'loud' is no number"),
        ("", "valence is empty"),
        ("10", r"valence 10 is outside of 1\.\.9"),
        ("nan", r"valence nan is outside of 1\.\.9"),
        ("-inf", "outside"),
    ],
)
def test_numbers_that_are_none_of_the_scale_are_told(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        scale_named("1..9").ours(text, "valence")


def test_standard_scores_far_out_are_the_end_and_absurd_ones_are_mistakes() -> None:
    assert scale_named("z").ours("4.2", "arousal") == 1
    with pytest.raises(ValueError, match="no standard score"):
        scale_named("z").ours("20", "arousal")
    with pytest.raises(ValueError, match="no standard score"):
        scale_named("z").ours("nan", "arousal")


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ([-0.9, 0.2, 0.8], "-1..1"),
        ([0.0, 0.5, 1.0], "-1..1"),  # too few to say that none is negative
        ([n / 50 for n in range(51)], "0..1"),
        ([1.2, 3.4, 4.9], "1..5"),
        ([1.2, 3.4, 8.9], "1..9"),
        ([0.2, 3.4, 8.9], "0..10"),
        ([12.0, 50.0, 99.0], "0..100"),
        ([-2.2, 0.1, 2.8], "z"),
        ([-9.0, 0.1, 8.0], "-10..10"),
        ([*[1 + n / 50 for n in range(400)], 999.0], "1..9"),  # one of them is a mistake
    ],
)
def test_the_scale_is_told_by_the_numbers(values: list[float], name: str) -> None:
    found = likely_scale(values)
    assert found is not None
    assert found.name == name


def test_numbers_of_no_usual_scale_tell_nothing() -> None:
    assert likely_scale([]) is None
    assert likely_scale([float("nan")]) is None
    assert likely_scale([-500.0, 7.0]) is None


@given(st.floats(1, 9), st.floats(1, 9))
def test_order_is_kept(one: float, other: float) -> None:
    scale = scale_named("1..9")
    assert (one <= other) == (scale.ours(repr(one), "v") <= scale.ours(repr(other), "v")) or abs(one - other) < 1e-12
