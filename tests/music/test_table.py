from __future__ import annotations

import numpy as np
import pytest

from robotd.music.table import FEATURES, GEMS, MID_LEVEL, MOODS, song_table
from robotd.perceive.manifest import load_manifest
from robotd.perceive.song import MID_LEVEL_NAMES


def test_what_is_not_given_is_unknown() -> None:
    table = song_table([3, 5], [[0.4, 0], [0, -0.4]])
    assert np.isnan(table.lyrics).all()
    assert (table.artist == -1).all()
    assert (table.year == 0).all()
    assert table.features[:, :2].tolist() == pytest.approx(np.array([[1, 0], [0, -1]]))
    assert not table.features[:, 2:].any()
    assert table.keywords(1) == ()


def test_a_song_is_found_by_its_id() -> None:
    table = song_table([3, 5, 900], np.zeros((3, 2)))
    assert [table.row(song_id) for song_id in (3, 900, 4, 901, -1)] == [0, 2, None, None, None]
    assert song_table([], []).row(1) is None


@pytest.mark.parametrize(
    ("ids", "columns", "problem"),
    [
        ([2, 1], {}, "ids must rise"),
        ([1, 1], {}, "ids must rise"),
        ([1, 2], {"artist": [0]}, r"artist is \[1\], not \[2\]"),
        ([1, 2], {"lyrics": np.zeros((2, 7))}, r"lyrics is \[2, 7\], not \[2, 8\]"),
        ([1, 2], {"keyword_offsets": [0, 1, 2], "keyword_ids": [0], "keyword_weights": [1]}, "keyword_offsets"),
    ],
)
def test_columns_that_do_not_fit_are_refused(ids: list[int], columns: dict[str, object], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        song_table(ids, np.zeros((2, 2)), **columns)


def test_the_names_are_those_of_the_models() -> None:
    manifest = load_manifest()
    assert manifest.entry("song_a2e", "song").labels == MOODS
    assert manifest.entry("song_gems", "song").labels == GEMS
    assert MID_LEVEL_NAMES == MID_LEVEL
    assert len(set(FEATURES)) == len(FEATURES)
