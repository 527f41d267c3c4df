from __future__ import annotations

import csv
import gzip
from typing import TYPE_CHECKING

import numpy as np
import pytest

from export.data.situnes import INTERACTIONS, ITEMS, read_situnes

if TYPE_CHECKING:
    from pathlib import Path

LISTENS = (
    # stage, user, item, inter, rating, before, after
    ("2", "7", "30", "5", "4", "0.1", "-0.2", "0.3", "0.4"),
    ("1", "7", "20", "9", "2", "", "", "-0.5", "0.1"),
    ("2", "3", "20", "1", "5", "0.0", "0.5", "0.2", "0.2"),
)
COLUMNS = (
    *("stage", "user_id", "item_id", "inter_id", "rating"),
    *("emo_pre_valence", "emo_pre_arousal", "emo_post_valence", "emo_post_arousal"),
)
SONGS = (("30", "B", "pop", "50", "1.0", "0.25", "110"), ("20", "A", "rock", "10", "0.5", "0.5", "220"))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "music" / "annotations"
    folder.mkdir(parents=True)
    tables = {
        INTERACTIONS: (COLUMNS, LISTENS),
        ITEMS: (("item_id", "artist", "general_genre", "popularity", "valence", "energy", "tempo"), SONGS),
    }
    for name, (columns, rows) in tables.items():
        with gzip.open(folder / name, "wt", newline="") as file:
            csv.writer(file).writerows([columns, *rows])
    return tmp_path


def test_listens_are_read_in_the_order_of_each_persons_time(data: Path) -> None:
    found = read_situnes(data)
    assert found.user.tolist() == [3, 7, 7]
    assert found.stage.tolist() == [2, 1, 2]
    assert found.rating.tolist() == [5, 2, 4]
    assert found.before[0].tolist() == [0.0, 0.5]
    assert np.isnan(found.before[1]).all()
    assert found.after[2].tolist() == [0.3, 0.4]


def test_songs_are_a_library_of_ours(data: Path) -> None:
    found = read_situnes(data)
    assert found.table.ids.tolist() == [20, 30]
    assert found.table.points.tolist() == [[0.0, 0.0], [1.0, -0.5]]
    assert found.popularity.tolist() == [10, 50]
    assert found.table.ids[found.row].tolist() == [20, 20, 30]
    assert found.table.genres == ("pop", "rock")


def test_what_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="SiTunes is not in"):
        read_situnes(tmp_path)
