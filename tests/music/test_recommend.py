from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from robotd.config import Recommend
from robotd.errors import LibraryError
from robotd.music.library import Library, Song
from robotd.music.recommend import Recommender

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Shelf(Library):
    """A library that lives in a list."""

    def __init__(self, *songs: Song) -> None:
        self.content = songs

    @property
    def version(self) -> tuple[int, int]:
        return id(self.content), len(self.content)

    def songs(self) -> tuple[Song, ...]:
        return self.content


def song(number: int, artist: str, valence: float, arousal: float) -> Song:
    return Song(number, f"Song {number}", artist, f"x:{number}", valence, arousal, "test")


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with Library(tmp_path / "library.db") as opened:
        yield opened


def test_the_album_answers_every_mood_with_pieces_of_its_quadrant(library: Library) -> None:
    for valence, arousal in ((0.7, 0.5), (-0.6, 0.5), (-0.6, -0.4), (0.6, -0.4)):
        found = Recommender(library).recommend(valence, arousal, 3)
        assert len(found.tracks) == 3
        for track in found.tracks:
            assert track.valence * valence > 0
            assert track.arousal * arousal > 0


def test_a_recommendation_says_why_and_is_ready_to_be_published(library: Library) -> None:
    found = Recommender(library, Recommend(ttl_s=45, tracks=2)).recommend(0.6, -0.5)
    payload = found.payload()
    assert payload["tracks"][0]["why"] == (
        "close to your calm, low-energy mood (valence +0.6, arousal -0.5; 0.10 away)"
    )
    assert payload["from"] == payload["to"] == {"valence": 0.6, "arousal": -0.5}
    assert (payload["ttl_s"], len(payload["tracks"]), len(payload["id"])) == (45, 2, 32)
    assert found.tracks[0].score == pytest.approx(1 - 0.1 / (2 * math.sqrt(2)))
    assert found.id != Recommender(library).recommend(0.6, -0.5).id


@given(st.floats(-1, 1), st.floats(-1, 1), st.integers(1, 9))
def test_tracks_are_the_nearest_and_scores_fall(valence: float, arousal: float, count: int) -> None:
    shelf = Shelf(*(song(i, f"artist {i}", math.sin(i), math.cos(2 * i)) for i in range(9)))
    tracks = Recommender(shelf).recommend(valence, arousal, count).tracks
    distances = sorted(math.dist((s.valence, s.arousal), (valence, arousal)) for s in shelf.content)
    assert [math.dist((t.valence, t.arousal), (valence, arousal)) for t in tracks] == pytest.approx(distances[:count])
    assert all(0 <= track.score <= 1 for track in tracks)


def test_what_was_recommended_rests_until_there_is_nothing_else() -> None:
    shelf = Shelf(*(song(i, str(i), i / 10, 0) for i in range(6)))
    recommender = Recommender(shelf)
    heard = [[t.song_id for t in recommender.recommend(0, 0, 2, exclude_recent=4).tracks] for _ in range(4)]
    assert heard == [[0, 1], [2, 3], [4, 5], [0, 1]]


def test_no_artist_comes_twice_in_a_row_if_another_is_near() -> None:
    shelf = Shelf(song(1, "A", 0, 0), song(2, "A", 0.01, 0), song(3, "B", 0.1, 0), song(4, "A", 0.12, 0))
    tracks = Recommender(shelf).recommend(0, 0, 3).tracks
    assert [track.artist for track in tracks] == ["A", "B", "A"]


def test_another_artist_far_away_is_no_reason_to_go_there() -> None:
    shelf = Shelf(song(1, "A", 0, 0), song(2, "A", 0.01, 0), song(3, "B", 0.9, 0.9))
    assert [t.song_id for t in Recommender(shelf).recommend(0, 0, 2).tracks] == [1, 2]


def test_more_than_there_is_gives_what_there_is() -> None:
    assert len(Recommender(Shelf(song(1, "A", 0, 0))).recommend(0, 0, 5).tracks) == 1


def test_an_import_is_noticed(library: Library, tmp_path: Path) -> None:
    recommender = Recommender(library)
    assert recommender.recommend(0, 0, 1).tracks[0].uri != "x:1"
    (tmp_path / "s.csv").write_text("title,artist,uri,valence,arousal\nHere,A,x:1,0,0\n")
    library.import_csv(tmp_path / "s.csv")
    assert recommender.recommend(0, 0, 1).tracks[0].uri == "x:1"


def test_an_empty_library_is_told() -> None:
    with pytest.raises(LibraryError, match="no songs"):
        Recommender(Shelf()).recommend(0, 0)
