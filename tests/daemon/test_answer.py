"""When songs are recommended, and what is told where they can't be."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from robotd.config import Config
from robotd.daemon.answer import Answer
from robotd.emotion import EMOTIONS, Emotion, Feeling, Quadrant
from robotd.music.library import Library
from robotd.music.recommend import Recommender, Wish
from robotd.perceive.said import Said

CONFIG = Config.model_validate({"recommend": {"min_interval_s": 30, "refresh_s": 240}})
EVEN = (1 / len(EMOTIONS),) * len(EMOTIONS)


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with Library(tmp_path / "library.db") as opened:
        yield opened


@pytest.fixture
def answer(library: Library) -> Answer:
    return Answer(CONFIG, Recommender(library), "recommend")


def feeling(time_s: float, emotion: Emotion = Emotion.HAPPY) -> Feeling:
    return Feeling(time_s, emotion.value, EVEN, 0.5, 0.5, Quadrant.Q1, 0.5, {}, 0.0)


def due_times(answer: Answer, texts: tuple[Said, ...] = (), until_s: int = 600) -> list[int]:
    """Return the seconds at which something is recommended for one feeling, with texts that come at their times."""
    found = []
    for time_s in range(until_s):
        said = next((text for text in reversed(texts) if text.time_s <= time_s), None)
        if answer.due(feeling(time_s), said) is not None:
            found.append(time_s)
    return found


def test_a_feeling_that_lasts_is_answered_now_and_then(answer: Answer) -> None:
    assert due_times(answer) == [0, 240, 480]


def test_new_words_are_news_and_words_that_grow_old_are_none(answer: Answer) -> None:
    assert due_times(answer, (Said(10.0, EVEN, ()),)) == [0, 30, 270, 510]


def test_every_newer_text_is_news_but_not_sooner_than_the_least_interval(answer: Answer) -> None:
    texts = (Said(100.0, EVEN, ()), Said(110.0, EVEN, ()), Said(450.0, EVEN, ()))
    assert due_times(answer, texts) == [0, 100, 130, 370, 450]


def test_another_feeling_is_news(answer: Answer) -> None:
    assert answer.due(feeling(0)) is not None
    assert answer.due(feeling(29, Emotion.SAD)) is None
    assert answer.due(feeling(30, Emotion.SAD)) is not None


def take_away(library: Library) -> None:
    """Move a library that is open away, with its log."""
    for path in list(library.path.parent.glob(f"{library.path.name}*")):
        path.rename(path.with_name(f"away-{path.name}"))


def test_what_is_wrong_is_kept_and_told_once_and_so_is_its_end(
    library: Library, answer: Answer, caplog: pytest.LogCaptureFixture
) -> None:
    def troubles() -> list[str | None]:
        return [answer.trouble for _ in range(3) if answer.recommend(Wish(0, 0)) is None]

    caplog.set_level(logging.INFO, "robotd.daemon.answer")
    assert (troubles(), caplog.messages) == ([], [])
    library.remove_source("album")
    assert troubles() == ["no songs to recommend"] * 3
    take_away(library)
    library.path.mkdir()
    assert troubles() == ["no song library"] * 3
    library.path.rmdir()
    assert (troubles(), answer.trouble) == ([], None)
    no_songs, no_library, ended = caplog.messages
    assert no_songs.startswith("nothing to recommend: the library has no songs")
    assert no_library.startswith(f"nothing to recommend: can't use the library {library.path}")
    assert ended == "songs are recommended again"


def test_a_damaged_library_is_named_without_its_path(library: Library, answer: Answer) -> None:
    take_away(library)
    library.path.write_bytes(b"nonsense" * 1000)
    assert answer.recommend(Wish(0, 0)) is None
    assert answer.trouble == "song library damaged"
