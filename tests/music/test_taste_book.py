from __future__ import annotations

import sqlite3
import threading
from typing import TYPE_CHECKING

import numpy as np
import pytest

from robotd.errors import LibraryError
from robotd.music import taste_book
from robotd.music.taste_book import Offer, Opinion, TasteBook

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from robotd.music.library import FeedbackKind

CONTEXT, SONG = np.array([0.5, -0.5], np.float32), np.array([1, 2, 3], np.float32)


def opinion(
    song_id: int, kind: FeedbackKind, reward: float, *, by: str = "r1", listener: str = "anna", time: float = 0.0
) -> Opinion:
    return Opinion(listener, by, song_id, kind, reward, CONTEXT, SONG, time)


@pytest.fixture
def book(tmp_path: Path) -> Iterator[TasteBook]:
    with TasteBook(tmp_path / "taste.sqlite3") as opened:
        yield opened


def test_a_recommendation_is_remembered_over_a_restart(tmp_path: Path) -> None:
    with TasteBook(tmp_path / "t") as book:
        book.add_offer("r1", Offer("anna", CONTEXT, (5, 3, 9)))
    with TasteBook(tmp_path / "t") as book:
        offer = book.offer("r1")
        assert offer is not None
        assert (offer.listener, offer.song_ids, offer.context.tolist()) == ("anna", (5, 3, 9), [0.5, -0.5])
        assert book.offer("r2") is None


def test_the_latest_songs_are_told_latest_first_and_each_once(book: TasteBook) -> None:
    book.add_offer("r1", Offer("anna", CONTEXT, (1, 2)))
    book.add_offer("r2", Offer("anna", CONTEXT, (3, 1)))
    book.add_offer("r3", Offer("ben", CONTEXT, (7,)))
    assert book.latest_songs("anna", 10) == [1, 3, 2]
    assert book.latest_songs("anna", 2) == [1, 3]


def at(monkeypatch: pytest.MonkeyPatch, time_s: float) -> None:
    """Set the clock of the book."""
    monkeypatch.setattr("robotd.music.taste_book.time.time", lambda: time_s)


def test_songs_judged_without_a_recommendation_stand_at_their_time_among_those_recommended(
    book: TasteBook, monkeypatch: pytest.MonkeyPatch
) -> None:
    at(monkeypatch, 10)
    book.add_offer("r1", Offer("anna", CONTEXT, (1, 2)))
    book.add_opinion(opinion(8, "played", 0.5, by="", time=15))
    book.add_opinion(opinion(9, "played", 0.5, by="", time=5))
    at(monkeypatch, 20)
    book.add_offer("r2", Offer("anna", CONTEXT, (3,)))
    assert book.latest_songs("anna", 10) == [3, 8, 2, 1, 9]
    assert book.latest_songs("anna", 2) == [3, 8]


@pytest.mark.parametrize("first", ["played", "like"])
def test_a_song_played_again_and_again_is_a_recent_one_whatever_was_thought_of_it(
    book: TasteBook, first: FeedbackKind
) -> None:
    book.add_opinion(opinion(1, first, 0.5, by="", time=1))
    book.add_opinion(opinion(2, "played", 0.5, by="", time=2))
    assert book.add_opinion(opinion(1, "played", 0.5, by="", time=3)) == "kept"
    assert book.latest_songs("anna", 10) == [1, 2]


def test_a_memory_of_an_earlier_release_is_taken_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as earlier, sqlite3.connect(tmp_path / "t") as database:
        earlier.setattr(TasteBook, "MIGRATIONS", TasteBook.MIGRATIONS[:1])
        with TasteBook(tmp_path / "t"):
            pass
        for song_id, time in ((1, 5.0), (2, 9.0), (3, 7.0)):
            database.execute(
                "INSERT INTO opinions (listener, recommendation_id, song_id, kind, reward, context, song, time) "
                "VALUES ('anna', '', ?, 'like', 1, ?, ?, ?)",
                (song_id, CONTEXT.tobytes(), SONG.tobytes(), time),
            )
    database.close()
    with TasteBook(tmp_path / "t") as book:
        assert book.latest_songs("anna", 10) == [2, 3, 1]
        assert [told.time for told in book.opinions("anna")] == [5.0, 9.0, 7.0]


def test_a_thumb_twice_counts_once(book: TasteBook) -> None:
    assert [book.add_opinion(opinion(1, "like", 1.0)) for _ in range(3)] == ["new", "kept", "kept"]
    assert book.add_opinion(opinion(1, "dislike", -1.0)) == "replaced"
    assert [(told.kind, told.reward) for told in book.opinions("anna")] == [("dislike", -1.0)]


def test_what_was_done_does_not_take_the_place_of_what_was_said(book: TasteBook) -> None:
    assert book.add_opinion(opinion(1, "skip", -0.5)) == "new"
    assert book.add_opinion(opinion(1, "rating", 0.5)) == "replaced"
    assert book.add_opinion(opinion(1, "played", 0.5)) == "kept"
    assert book.opinions("anna")[0].kind == "rating"


def test_the_same_song_of_another_recommendation_or_listener_is_another_opinion(book: TasteBook) -> None:
    for told in (opinion(1, "like", 1.0), opinion(1, "like", 1.0, by="r2"), opinion(1, "like", 1.0, listener="ben")):
        assert book.add_opinion(told) == "new"
    assert book.listeners() == {"anna": 2, "ben": 1}


def test_a_song_is_disliked_while_the_last_word_is_a_thumb_down(book: TasteBook) -> None:
    book.add_opinion(opinion(1, "dislike", -1.0, time=1))
    book.add_opinion(opinion(2, "dislike", -1.0, time=1))
    book.add_opinion(opinion(2, "like", 1.0, by="r2", time=2))
    assert book.disliked("anna") == [1]
    assert book.disliked("ben") == []


@pytest.mark.parametrize(("kind", "reward"), [("skip", -0.8), ("skip", 0.0), ("played", 0.5)])
def test_what_is_merely_done_later_does_not_lift_a_thumb_down(
    book: TasteBook, kind: FeedbackKind, reward: float
) -> None:
    book.add_opinion(opinion(1, "dislike", -1.0, time=1))
    book.add_opinion(opinion(1, kind, reward, by="r2", time=2))
    assert book.disliked("anna") == [1]


def test_one_or_two_stars_are_a_thumb_down_and_a_skip_is_none(book: TasteBook) -> None:
    for song_id, reward in enumerate((-1.0, -0.5, 0.0, 0.5), 1):
        book.add_opinion(opinion(song_id, "rating", reward))
    book.add_opinion(opinion(9, "skip", -0.8))
    assert book.disliked("anna") == [1, 2]


def test_the_same_word_again_is_the_last_word(book: TasteBook) -> None:
    book.add_opinion(opinion(1, "dislike", -1.0, time=1))
    book.add_opinion(opinion(1, "like", 1.0, by="r2", time=2))
    assert book.disliked("anna") == []
    assert book.add_opinion(opinion(1, "dislike", -1.0, time=3)) == "kept"
    assert book.disliked("anna") == [1]


def test_numbers_come_back_as_they_were_in_order(book: TasteBook) -> None:
    for i in range(4):
        book.add_opinion(opinion(i, "like", 1.0, time=float(i)))
    found = book.opinions("anna")
    assert [told.song_id for told in found] == [0, 1, 2, 3]
    assert (found[0].context.tolist(), found[0].song.tolist()) == (CONTEXT.tolist(), SONG.tolist())


def test_reset_forgets_one_listener(book: TasteBook) -> None:
    book.add_offer("r1", Offer("anna", CONTEXT, (1,)))
    book.add_opinion(opinion(1, "like", 1.0))
    book.add_opinion(opinion(1, "like", 1.0, listener="ben"))
    before = book.version
    assert book.reset("anna") == 1
    assert (book.opinions("anna"), book.offer("r1"), len(book.opinions("ben"))) == ([], None, 1)
    assert book.version != before


def test_old_things_are_dropped(book: TasteBook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(taste_book, "KEPT_RECOMMENDATIONS", 3)
    monkeypatch.setattr(taste_book, "KEPT_OPINIONS", 2)
    for i in range(6):
        book.add_offer(f"r{i}", Offer("anna", CONTEXT, (i,)))
        book.add_opinion(opinion(i, "like", 1.0))
    assert [book.offer(f"r{i}") is not None for i in range(6)] == [False] * 3 + [True] * 3
    assert [told.song_id for told in book.opinions("anna")] == [4, 5]
    assert book.latest_songs("anna", 10) == [5, 4, 3]


def test_another_process_is_noticed(tmp_path: Path) -> None:
    with TasteBook(tmp_path / "t") as ours, TasteBook(tmp_path / "t") as theirs:
        before = ours.version
        theirs.add_opinion(opinion(1, "like", 1.0))
        assert ours.version != before
        assert len(ours.opinions("anna")) == 1


def test_threads_may_write_at_once(book: TasteBook) -> None:
    def write(first: int) -> None:
        for i in range(25):
            book.add_opinion(opinion(first + i, "like", 1.0))

    threads = [threading.Thread(target=write, args=(100 * i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(book.opinions("anna")) == 100


@pytest.mark.parametrize("content", [b"no database at all, but long enough to be taken for one" * 9, b""])
def test_a_foreign_file_is_told_and_an_empty_one_is_taken(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "t"
    path.write_bytes(content)
    if not content:
        with TasteBook(path) as book:
            assert book.listeners() == {}
        return
    with pytest.raises(LibraryError, match="damaged or no memory of taste"), TasteBook(path):
        pass
    assert path.read_bytes() == content


def test_another_programs_database_is_left_alone(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "t") as foreign:
        foreign.execute("CREATE TABLE theirs (x)")
    foreign.close()
    with pytest.raises(LibraryError, match="another program"), TasteBook(tmp_path / "t"):
        pass


def test_a_newer_file_is_left_alone(tmp_path: Path) -> None:
    with TasteBook(tmp_path / "t"):
        pass
    with sqlite3.connect(tmp_path / "t") as newer:
        newer.execute("PRAGMA user_version = 99")
    newer.close()
    with pytest.raises(LibraryError, match="newer robotd"), TasteBook(tmp_path / "t"):
        pass


def test_a_closed_book_says_so(tmp_path: Path) -> None:
    book = TasteBook(tmp_path / "t")
    with book:
        pass
    with pytest.raises(LibraryError, match="closed"):
        book.listeners()
