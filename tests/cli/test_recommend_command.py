from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import typer
from typer.testing import CliRunner

from robotd.cli import taste
from robotd.cli.recommend import recommend_command
from robotd.errors import CommandError, LibraryError, RobotdError
from robotd.music.library import Entry, Library
from robotd.music.recommend import Recommender
from robotd.music.taste_book import TasteBook, taste_path
from robotd.paths import library_path

if TYPE_CHECKING:
    from pathlib import Path

app = typer.Typer()
app.command("recommend")(recommend_command)
app.add_typer(taste.app, name="taste")

SAD = ("--valence", "-0.6", "--arousal", "-0.4")


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.chdir(tmp_path)


def run(*arguments: str) -> str:
    done = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def payload(*arguments: str) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(run("recommend", *arguments, "--json"))
    return told


def test_songs_for_a_mood_are_told_with_their_reasons() -> None:
    told = run("recommend", *SAD, "--tracks", "2")
    assert "for a mood that is sad, low-energy (-0.60, -0.40)" in told
    assert "Letters Unsent" in told
    assert "close to your sad, low-energy mood" in told


def test_a_journey_goes_where_it_is_told_to() -> None:
    told = payload(*SAD, "--steps", "5", "--target", "calm")
    assert (told["from"]["valence"], told["to"]) == (-0.6, {"valence": 0.5, "arousal": -0.4})
    assert len(told["tracks"]) == len(told["steps"]) == 5
    assert payload(*SAD, "--target", "0.2,-0.3")["to"] == {"valence": 0.2, "arousal": -0.3}
    assert payload(*SAD)["to"] == payload(*SAD)["from"]
    assert "to happy, lively" in run("recommend", *SAD, "--steps", "3")


def test_a_text_brings_its_words_and_if_need_be_the_mood() -> None:
    with Library(library_path()) as library:
        library.put(
            [
                Entry(title="Rainy", uri="x:1", valence=-0.5, arousal=-0.3, keywords=(("rain", 0.9), ("home", 0.8))),
                Entry(title="Sunny", uri="x:2", valence=-0.5, arousal=-0.3, keywords=(("beach", 0.9),)),
            ],
            "test",
        )
    best = payload(
        "--text", "i am so sad, i miss home and it rains", "--tracks", "1", "--valence", "-0.5", "--arousal", "-0.3"
    )
    assert best["tracks"][0]["title"] == "Rainy"
    assert best["tracks"][0]["parts"]["keywords"] > 0.3
    assert "'home'" in best["tracks"][0]["why"]
    alone = payload("--text", "i am so sad, i miss home and it rains")
    assert alone["from"]["valence"] < 0
    half = payload("--text", "i am so sad, i miss home and it rains", "--arousal", "0.5")
    assert half["from"] == alone["from"] | {"arousal": 0.5}
    other = payload("--text", "i am so sad, i miss home and it rains", "--valence", "0.5")
    assert other["from"] == alone["from"] | {"valence": 0.5}


@pytest.mark.parametrize("text", ["", " \n"])
def test_an_empty_text_is_none(text: str) -> None:
    assert payload(*SAD, "--text", text)["tracks"] == payload(*SAD)["tracks"]
    with pytest.raises(CommandError, match="give --valence and --arousal, or --text"):
        CliRunner().invoke(app, ["recommend", "--text", text, "--valence", "0.5"], catch_exceptions=False)


def test_limits_are_taken_from_the_command_line() -> None:
    with Library(library_path()) as library:
        library.put(
            [Entry(title="Old", uri="x:1", valence=0, arousal=0, year=1971, genre="rock", language="en")], "test"
        )
    for limit in (
        ("--limit-years", "1960-1980"),
        ("--limit-years", "1971"),
        ("--limit-genre", "rock"),
        ("--limit-language", "en"),
    ):
        assert [track["title"] for track in payload(*SAD, *limit)["tracks"]] == ["Old"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--arousal", "0.5"), "give --valence and --arousal, or --text"),
        ((*SAD, "--target", "happy"), "--target happy: give uplift, calm, focus, stay, or"),
        ((*SAD, "--target", "0.3,2"), "--target 0.3,2"),
        ((*SAD, "--steps", "2", "--tracks", "5"), "--steps and --tracks both say how many songs"),
        ((*SAD, "--listener", "../x"), "--listener '../x' is no name"),
        ((*SAD, "--listener", ""), "--listener '' is no name"),
        ((*SAD, "--limit-years", "19x-"), "from_year"),
        ((*SAD, "--limit-years", "1990-1980"), "from_year must not be after to_year"),
        ((*SAD, "--limit-parental", "very"), "parental"),
        ((*SAD, "--limit-genre", "polka"), r"genre polka \(0 songs\)"),
    ],
)
def test_what_makes_no_sense_is_told_in_a_line(arguments: tuple[str, ...], told: str) -> None:
    with pytest.raises(RobotdError, match=told):
        CliRunner().invoke(app, ["recommend", *arguments], catch_exceptions=False)


def test_only_what_is_noted_rests_and_can_be_judged() -> None:
    first = payload(*SAD, "--tracks", "1")
    noted = payload(*SAD, "--tracks", "1", "--note")
    assert first["tracks"] == noted["tracks"]
    after = payload(*SAD, "--tracks", "1")
    assert after["tracks"][0]["title"] != noted["tracks"][0]["title"]
    with Library(library_path()) as library, TasteBook(taste_path()) as book:
        recommender = Recommender(library, book=book)
        recommender.feedback(noted["id"], noted["tracks"][0]["song_id"], "like")
        with pytest.raises(CommandError, match="is known"):
            recommender.feedback(first["id"], first["tracks"][0]["song_id"], "like")


def teach(listener: str = "default") -> None:
    with Library(library_path()) as library, TasteBook(taste_path()) as book:
        recommender = Recommender(library, book=book)
        for song in library.songs():
            recommender.feedback(None, song.id, "like" if song.arousal > 0 else "dislike", listener=listener)


def test_a_taste_is_shown_with_the_last_opinions() -> None:
    assert "nothing is known of 'default' yet" in run("taste", "show")
    teach()
    told = run("taste", "show")
    assert "default: 12 opinions" in told
    assert "arousal" in told
    assert "Short Fuse" in told
    strongest = json.loads(run("taste", "show", "--json"))["effects"][0]
    assert (strongest["name"], strongest["reward"] > 0) == ("arousal", True)
    assert "there are opinions of: default (12)" in run("taste", "show", "--listener", "ben")


def test_a_song_that_left_the_library_is_still_an_opinion() -> None:
    teach()
    with Library(library_path()) as library:
        library.remove_source("album")
    assert "no longer in the library" in run("taste", "show")


def test_a_taste_is_reset_for_one_listener_after_asking() -> None:
    teach("anna")
    teach("ben")
    done = CliRunner().invoke(app, ["taste", "reset", "--listener", "anna"], input="n\n")
    assert isinstance(done.exception, CommandError)
    assert "12 opinions of anna forgotten" in run("taste", "reset", "--listener", "anna", "--yes")
    with TasteBook(taste_path()) as book:
        assert book.listeners() == {"ben": 12}


@pytest.mark.parametrize("command", [("show",), ("reset", "--yes")])
def test_an_empty_name_is_not_the_configured_listener(command: tuple[str, ...]) -> None:
    teach()
    with pytest.raises(CommandError, match="--listener is empty"):
        CliRunner().invoke(app, ["taste", *command, "--listener", ""], catch_exceptions=False)
    with TasteBook(taste_path()) as book:
        assert book.listeners() == {"default": 12}


def test_opinions_are_exported_a_line_each(tmp_path: Path) -> None:
    teach("anna")
    teach("ben")
    run("taste", "export", str(tmp_path / "taste.jsonl"))
    lines = [json.loads(line) for line in (tmp_path / "taste.jsonl").read_text().splitlines()]
    assert len(lines) == 24
    assert {line["listener"] for line in lines} == {"anna", "ben"}
    assert lines[0]["song"]["valence"] != 0
    run("taste", "export", str(tmp_path / "anna.jsonl"), "--listener", "anna")
    assert len((tmp_path / "anna.jsonl").read_text().splitlines()) == 12
    with pytest.raises(CommandError, match="can't be written"):
        CliRunner().invoke(app, ["taste", "export", str(tmp_path / "no" / "where")], catch_exceptions=False)


def test_a_damaged_memory_of_taste_is_told_and_left_as_it_is() -> None:
    taste_path().write_bytes(b"nonsense" * 200)
    with pytest.raises(LibraryError, match="damaged or no memory of taste"):
        CliRunner().invoke(app, ["recommend", *SAD], catch_exceptions=False)
    assert taste_path().read_bytes() == b"nonsense" * 200
