from __future__ import annotations

import pytest

from robotd.config import Limits
from robotd.errors import LibraryError
from robotd.music.limits import bars
from robotd.music.table import song_table

TABLE = song_table(
    [1, 2, 3, 4],
    [(0, 0)] * 4,
    genre=[0, 1, 2, -1],
    genres=("Indie Rock", "rockabilly", "Jazz-Rock"),
    year=[1969, 1985, 2001, 0],
    language=[0, 1, 0, -1],
    languages=("en", "de"),
    explicit=[0, 1, -1, 0],
)


def passing(**limits: object) -> list[int]:
    found = bars(TABLE, Limits.model_validate(limits))
    assert found is not None
    return [int(song) for song in TABLE.ids[found == 0]]


def test_without_limits_nothing_is_asked() -> None:
    assert bars(TABLE, Limits()) is None


def test_a_genre_is_also_its_kinds_but_no_other_word() -> None:
    assert passing(genres=["rock"]) == [1, 3]
    assert passing(genres=["ROCKABILLY", "jazz"]) == [2, 3]


def test_years_bound_on_either_side_and_unknown_ones_are_outside() -> None:
    assert passing(from_year=1980) == [2, 3]
    assert passing(to_year=1985) == [1, 2]
    assert passing(from_year=1970, to_year=1990) == [2]


def test_language() -> None:
    assert passing(languages=["EN"]) == [1, 3]


def test_the_parental_limit_has_two_degrees() -> None:
    assert passing(parental="explicit") == [1, 3, 4]
    assert passing(parental="strict") == [1, 4]


def test_limits_add_up() -> None:
    assert passing(languages=["en"], from_year=1980) == [3]


def test_limits_that_nothing_passes_are_told_with_what_each_would_leave() -> None:
    with pytest.raises(LibraryError, match=r"genre polka \(0 songs\), year from 1980 \(2 songs\)"):
        bars(TABLE, Limits(genres=("polka",), from_year=1980))
