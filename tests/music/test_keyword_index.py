from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from robotd.music import keyword_index
from robotd.music.keyword_index import ALIKE_FROM, KeywordIndex
from robotd.music.table import song_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


class Angles:
    """Words are directions in a plane, given in degrees."""

    def __init__(self, **degrees: float) -> None:
        self.degrees = degrees

    def vectors(self, words: Sequence[str]) -> NDArray[np.float32]:
        angles = np.radians([self.degrees[word] for word in words])
        return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def index(*songs: dict[str, float], words: Angles | None = None) -> KeywordIndex:
    known = sorted({word for song in songs for word in song})
    table = song_table(
        range(len(songs)),
        [(0, 0)] * len(songs),
        words=tuple(known),
        keyword_offsets=np.cumsum([0, *map(len, songs)]),
        keyword_ids=[known.index(word) for song in songs for word in song],
        keyword_weights=[weight for song in songs for weight in song.values()],
    )
    return KeywordIndex(table, words)


def matches(songs: KeywordIndex, *keywords: tuple[str, float]) -> list[float]:
    asked = songs.look_up(keywords)
    found = [float(match) for match in songs.match(asked)]
    assert found == pytest.approx([songs.match_of(asked, row) or 0.0 for row in range(len(found))], abs=1e-6)
    return found


def test_the_same_word_is_alike_whatever_its_case() -> None:
    assert matches(index({"Home": 1.0}, {"tea": 1.0}, {}), ("home", 0.3)) == [1, 0, 0]


def test_words_in_common_make_phrases_alike_and_function_words_do_not() -> None:
    songs = index({"feels like home": 1.0}, {"sad home": 1.0}, {"the end": 1.0})
    assert matches(songs, ("home", 1.0)) == pytest.approx([1, 0.5**0.5, 0])
    assert matches(songs, ("the sea", 1.0)) == [0, 0, 0]


def test_likeness_begins_where_chance_ends() -> None:
    halfway = float(np.degrees(np.arccos((1 + ALIKE_FROM) / 2)))
    words = Angles(rain=0, storm=halfway, tea=61)
    assert matches(index({"storm": 1.0}, {"tea": 1.0}, words=words), ("rain", 1.0)) == pytest.approx([0.5, 0], abs=1e-5)


def test_only_the_nearest_words_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keyword_index, "NEAR_WORDS", 2)
    songs = index({"a": 1.0}, {"b": 1.0}, {"c": 1.0}, words=Angles(a=10, b=20, c=30, text=0))
    found = matches(songs, ("text", 1.0))
    assert found[0] > found[1] > 0
    assert found[2] == 0


def test_shared_words_are_told_by_how_much_they_count() -> None:
    songs = index({"home": 0.2, "rain": 0.8, "tea": 1.0})
    asked = songs.look_up((("home", 0.9), ("rain", 0.9)))
    shared = songs.shared(asked, 0)
    assert [pair[:2] for pair in shared] == [("rain", "rain"), ("home", "home")]
    assert [much for *_, much in shared] == pytest.approx([0.4, 0.1])


def test_faintly_alike_words_count_but_are_not_named() -> None:
    faint = float(np.degrees(np.arccos(0.6)))
    songs = index({"storm": 1.0}, words=Angles(rain=0, storm=faint))
    assert matches(songs, ("rain", 1.0)) == pytest.approx([0.2], abs=1e-5)
    assert not songs.shared(songs.look_up((("rain", 1.0),)), 0)


def test_a_library_or_a_text_without_keywords_matches_nothing() -> None:
    assert matches(index({}, {}), ("home", 1.0)) == [0, 0]
    assert matches(index({"home": 1.0})) == [0]
    assert matches(index({"home": 1.0}), ("home", 0.0)) == [0]
