from __future__ import annotations

import json
import logging
import sqlite3
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from robotd.config import Limits, Recommend, RelevanceWeights
from robotd.config import Taste as TasteConfig
from robotd.emotion import EMOTIONS
from robotd.errors import CommandError, LibraryError
from robotd.music import database
from robotd.music.library import Entry, Library
from robotd.music.made_up import choosing
from robotd.music.recommend import JOURNEY_LAPSES_S, Recommender, Wish
from robotd.music.taste_book import TasteBook

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from robotd.music.library import FeedbackKind

SAD, CALM = (-0.6, -0.4), (0.6, -0.5)
#: One mood, no journey.
STAY = {"target": "stay"}


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with Library(tmp_path / "library.db") as opened:
        yield opened


@pytest.fixture
def book(tmp_path: Path) -> Iterator[TasteBook]:
    with TasteBook(tmp_path / "taste.db") as opened:
        yield opened


def entry(number: int, valence: float = 0.0, arousal: float = 0.0, **facts: object) -> Entry:
    told = {"title": f"Song {number}", "artist": f"artist {number}", "uri": f"x:{number}"} | facts
    return Entry(valence=valence, arousal=arousal, **told)  # type: ignore[arg-type]


def fill(library: Library, *entries: Entry) -> list[int]:
    """Put songs in the place of the album and return their ids."""
    library.remove_source("album")
    library.put(entries, "test")
    return [song.id for song in library.songs()]


def wish(point: tuple[float, float], **more: object) -> Wish:
    return Wish(*point, **more)  # type: ignore[arg-type]


def test_the_album_answers_every_mood_with_pieces_of_its_quadrant(library: Library) -> None:
    for point in ((0.7, 0.5), (-0.6, 0.5), (-0.6, -0.4), (0.6, -0.4)):
        found = Recommender(library).recommend(wish(point, steps=3, **STAY))
        assert len(found.tracks) == 3
        for track in found.tracks:
            assert track.valence * point[0] > 0
            assert track.arousal * point[1] > 0


def test_a_recommendation_is_ready_to_be_published(library: Library) -> None:
    config = Recommend(ttl_s=45, tracks=2)
    found = Recommender(library, config).recommend(wish(CALM, **STAY))
    payload = json.loads(json.dumps(found.payload()))
    assert payload["from"] == payload["to"] == {"valence": 0.6, "arousal": -0.5}
    assert (payload["ttl_s"], payload["listener"], len(payload["id"])) == (45, "default", 32)
    assert [len(payload[part]) for part in ("tracks", "steps")] == [2, 2]
    first = payload["tracks"][0]
    assert first["why"] == "close to your calm, low-energy mood"
    assert first["parts"] == {"feeling": first["score"], "lyrics": None, "keywords": None, "liking": None}
    assert {"song_id", "title", "artist", "uri", "valence", "arousal", "expected"} < first.keys()
    assert found.id != Recommender(library).recommend(wish(CALM)).id


def test_a_text_chooses_by_its_words_and_its_emotion_and_says_so(library: Library) -> None:
    sad = tuple(0.86 if emotion.value == "sad" else 0.02 for emotion in EMOTIONS)
    happy = tuple(0.86 if emotion.value == "happy" else 0.02 for emotion in EMOTIONS)
    ids = fill(
        library,
        entry(1, *SAD, lyrics_emotions=happy, keywords=(("beach", 0.9),)),
        entry(2, -0.5, -0.4, lyrics_emotions=sad, keywords=(("rain", 0.8), ("home", 0.7))),
        entry(3, *SAD),
    )
    said = {"emotions": sad, "keywords": (("rain", 0.6), ("home", 0.5))}
    found = Recommender(library).recommend(wish(SAD, steps=3, **STAY, **said))
    best = found.tracks[0]
    assert best.song_id == ids[1]
    assert best.why == (
        "close to your sad, low-energy mood; its lyrics are sad like your words; "
        "shares 'rain' and 'home' with what you said"
    )
    parts = {track.song_id: track.parts for track in found.tracks}
    assert parts[ids[0]].keywords == 0.0
    assert (parts[ids[2]].lyrics, parts[ids[2]].keywords) == (None, None)
    silent = Recommend(weights=RelevanceWeights(feeling=1, lyrics=0, keywords=0))
    assert Recommender(library, silent).recommend(wish(SAD, steps=1, **STAY, **said)).tracks[0].song_id != ids[1]


def test_a_journey_is_told_from_where_to_where(library: Library) -> None:
    payload = Recommender(library).recommend(wish(SAD, steps=6)).payload()
    assert payload["from"] == payload["steps"][0] == {"valence": -0.6, "arousal": -0.4}
    assert payload["to"] == payload["steps"][-1] == {"valence": 0.6, "arousal": 0.5}
    assert len(payload["tracks"]) == 6
    assert not payload["replanned"]


def test_a_mood_that_moves_otherwise_is_met_anew(library: Library) -> None:
    recommender = Recommender(library)
    first = recommender.recommend(wish(SAD, steps=6))
    for track in first.tracks[:4]:
        recommender.feedback(first.id, track.song_id, "played")
    again = recommender.recommend(wish((-0.8, -0.8), steps=6))
    assert again.plan.replanned
    assert again.plan.step == pytest.approx(first.plan.step / 2)
    on_course = recommender.recommend(wish(again.plan.steps[1], steps=6))
    assert not on_course.plan.replanned
    assert not recommender.recommend(wish((0.9, 0.9), steps=6, listener="ben")).plan.replanned


def test_a_listeners_journeys_are_his_own_and_another_target_begins_a_new_one(library: Library) -> None:
    recommender = Recommender(library)
    recommender.recommend(wish(SAD, steps=4))
    assert not recommender.recommend(wish((0.9, 0.9), steps=4, target="calm")).plan.replanned


def test_a_journey_lapses_and_with_it_its_smaller_steps(library: Library) -> None:
    now_s, low = 0.0, (-0.8, -0.6)
    recommender = Recommender(library, clock=lambda: now_s)
    step = recommender.recommend(wish((0.2, 0.1))).plan.step
    while now_s <= JOURNEY_LAPSES_S:
        assert recommender.recommend(wish(low)).plan.step == step / 2
        now_s += 240
    assert recommender.recommend(wish(low)).plan.step == step


@pytest.mark.parametrize("step", [0.2, 0.8])
def test_another_step_holds_from_its_reload_on(library: Library, step: float) -> None:
    recommender = Recommender(library, Recommend(step=0.4))
    recommender.recommend(wish(SAD))
    recommender.configure(Recommend(step=step))
    assert recommender.recommend(wish(SAD)).plan.step == step


def test_other_settings_leave_a_journey_alone(library: Library) -> None:
    recommender = Recommender(library, Recommend(step=0.4))
    recommender.recommend(wish((0.2, 0.1)))
    recommender.configure(Recommend(step=0.4, rest=0))
    assert recommender.recommend(wish((-0.8, -0.6))).plan.replanned


def test_what_was_recommended_rests_also_after_a_restart(library: Library, book: TasteBook) -> None:
    fill(library, *(entry(i, i / 100) for i in range(12)))
    heard = [
        [track.title for track in Recommender(library, book=book).recommend(wish((0, 0), steps=3, **STAY)).tracks]
        for _ in range(3)
    ]
    assert heard == [[f"Song {i}" for i in range(first, first + 3)] for first in (0, 3, 6)]


@pytest.mark.parametrize("kind", ["played", "like"])
def test_songs_judged_without_a_recommendation_do_not_crowd_out_what_rests(
    library: Library, kind: FeedbackKind
) -> None:
    ids = fill(library, *(entry(i, i / 1000) for i in range(100)))
    recommender = Recommender(library)
    for song_id in ids[-30:]:
        recommender.feedback(None, song_id, kind)
    recommender.configure(Recommend(), TasteConfig(enabled=False))
    heard = [[track.title for track in recommender.recommend(wish((0, 0), steps=3, **STAY)).tracks] for _ in range(3)]
    assert heard == [[f"Song {i}" for i in range(first, first + 3)] for first in (0, 3, 6)]


def test_a_listener_does_not_rest_songs_for_another(library: Library) -> None:
    recommender = Recommender(library)
    for listener in ("anna", "ben"):
        assert recommender.recommend(wish(CALM, steps=1, listener=listener)).tracks[0].title == "Tea at Four"


def test_of_resting_songs_the_one_that_rested_longest_comes_first(library: Library) -> None:
    fill(library, *(entry(i) for i in range(3)))
    recommender = Recommender(library)
    heard = [recommender.recommend(wish((0, 0), steps=1, **STAY)).tracks[0].title for _ in range(6)]
    assert heard == ["Song 0", "Song 1", "Song 2"] * 2


def test_a_fitting_song_that_rests_is_better_than_one_that_does_not_fit(library: Library) -> None:
    fill(library, entry(1, *CALM), entry(2, -0.8, 0.8))
    recommender = Recommender(library)
    assert [recommender.recommend(wish(CALM, steps=1)).tracks[0].title for _ in range(3)] == ["Song 1"] * 3


def test_without_rest_and_without_being_noted_songs_come_again(library: Library) -> None:
    for recommender, note in ((Recommender(library, Recommend(rest=0)), True), (Recommender(library), False)):
        titles = {recommender.recommend(wish(CALM, steps=1), note=note).tracks[0].title for _ in range(3)}
        assert titles == {"Tea at Four"}


def test_what_is_not_noted_is_not_known(library: Library) -> None:
    recommender = Recommender(library)
    found = recommender.recommend(wish(CALM), note=False)
    with pytest.raises(CommandError, match=f"no recommendation '{found.id}' is known"):
        recommender.feedback(found.id, found.tracks[0].song_id, "like")


def test_limits_are_kept_and_those_of_the_wish_count(library: Library) -> None:
    fill(library, entry(1, genre="rock", year=1975), entry(2, 0.5, genre="jazz", year=1999))
    recommender = Recommender(library, Recommend(limits=Limits(genres=("jazz",))))
    assert [track.title for track in recommender.recommend(wish((0, 0), steps=3)).tracks] == ["Song 2"]
    limits = Limits(to_year=1980)
    assert [track.title for track in recommender.recommend(wish((0, 0), limits=limits)).tracks] == ["Song 1"]
    with pytest.raises(LibraryError, match="within the limits: genre polka"):
        recommender.recommend(wish((0, 0), limits=Limits(genres=("polka",))))


def test_an_import_is_noticed(library: Library) -> None:
    recommender = Recommender(library)
    assert recommender.recommend(wish((0, 0), steps=1)).tracks[0].uri != "x:1"
    library.put([entry(1)], "test")
    assert recommender.recommend(wish((0, 0), steps=1)).tracks[0].uri == "x:1"


def take_away(library: Library) -> None:
    """Move a library that is open away, with its log."""
    for path in library.path.parent.glob(f"{library.path.name}*"):
        path.rename(path.with_name(f"away-{path.name}"))


def test_a_library_in_the_place_of_another_is_opened(library: Library, tmp_path: Path) -> None:
    recommender = Recommender(library)
    recommender.recommend(wish((0, 0)))
    with Library(tmp_path / "new.db") as new:
        fill(new, entry(1))
    take_away(library)
    (tmp_path / "new.db").rename(library.path)
    assert [track.title for track in recommender.recommend(wish((0, 0))).tracks] == ["Song 1"]


def test_a_library_moved_away_is_made_anew(library: Library) -> None:
    fill(library, entry(1))
    recommender = Recommender(library)
    recommender.recommend(wish((0, 0)))
    take_away(library)
    assert recommender.feedback(None, 5, "like").song_id == 5
    assert len(recommender.recommend(wish((0, 0), steps=12)).tracks) == 12
    assert library.path.exists()


def test_a_damaged_library_in_the_place_of_another_is_told_until_it_is_mended(library: Library, tmp_path: Path) -> None:
    recommender = Recommender(library)
    with Library(tmp_path / "copy.db") as copy:
        fill(copy, entry(1))
    take_away(library)
    library.path.write_bytes(b"nonsense" * 1000)
    for _ in range(2):
        with pytest.raises(LibraryError, match="is damaged"):
            recommender.recommend(wish((0, 0)))
    (tmp_path / "copy.db").replace(library.path)
    assert recommender.recommend(wish((0, 0))).tracks[0].title == "Song 1"


def test_where_nothing_can_be_noted_songs_are_recommended_all_the_same(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "robotd.music.recommend")
    monkeypatch.setattr(database, "BUSY_S", 0)
    other = sqlite3.connect(tmp_path / "taste.db", isolation_level=None)
    with TasteBook(tmp_path / "taste.db") as book:
        recommender = Recommender(library, book=book)
        other.execute("BEGIN IMMEDIATE")
        assert all(recommender.recommend(wish(CALM)).tracks for _ in range(3))
        other.execute("ROLLBACK")
        found = recommender.recommend(wish(CALM))
        assert book.offer(found.id) is not None
    other.close()
    told, ended = caplog.messages
    assert told.endswith("songs are recommended all the same, though it can't be written")
    assert ended == "the memory of taste can be written again"


def test_where_nothing_is_remembered_any_more_songs_are_recommended_all_the_same(
    library: Library, caplog: pytest.LogCaptureFixture
) -> None:
    with TasteBook(None) as book:
        recommender = Recommender(library, book=book)
    assert all(recommender.recommend(wish(CALM)).tracks for _ in range(2))
    assert [message.rpartition(" ")[2] for message in caplog.messages] == ["read", "written"]


def test_an_empty_library_is_told(library: Library) -> None:
    fill(library)
    with pytest.raises(LibraryError, match="no songs"):
        Recommender(library).recommend(wish((0, 0)))


def test_feedback_is_kept_and_a_thumb_twice_counts_once(library: Library, book: TasteBook) -> None:
    recommender = Recommender(library, book=book)
    found = recommender.recommend(wish(CALM, listener="anna"))
    song = found.tracks[0].song_id
    assert [recommender.feedback(found.id, song, "like").counted for _ in range(2)] == ["new", "kept"]
    changed = recommender.feedback(found.id, song, "dislike")
    assert (changed.counted, changed.reward, changed.listener) == ("replaced", -1.0, "anna")
    assert recommender.feedback(found.id, song, "played", 1.0).counted == "kept"
    (opinion,) = book.opinions("anna")
    assert (opinion.kind, opinion.context[:2].tolist()) == ("dislike", pytest.approx(CALM))


def test_feedback_is_learnt_while_a_scan_writes_the_library(library: Library, book: TasteBook) -> None:
    recommender = Recommender(library, book=book)
    scan = sqlite3.connect(library.path)
    scan.execute("BEGIN IMMEDIATE")
    assert recommender.feedback(None, 3, "like").counted == "new"
    scan.close()
    assert book.listeners() == {"default": 1}


def test_feedback_without_a_recommendation_is_about_the_song_alone(library: Library, book: TasteBook) -> None:
    recommender = Recommender(library, book=book)
    assert recommender.feedback(None, 3, "rating", 5).listener == "default"
    assert recommender.feedback(None, 3, "rating", 1, listener="ben").reward == -1.0
    assert not book.opinions("default")[0].context.any()


def test_feedback_that_makes_no_sense_is_told_and_nothing_is_kept(library: Library, book: TasteBook) -> None:
    recommender = Recommender(library, book=book)
    found = recommender.recommend(wish(CALM, steps=1))
    other = next(song.id for song in library.songs() if song.id != found.tracks[0].song_id)
    with pytest.raises(CommandError, match="no recommendation 'nonsense' is known"):
        recommender.feedback("nonsense", other, "like")
    with pytest.raises(CommandError, match="is not in the recommendation"):
        recommender.feedback(found.id, other, "like")
    with pytest.raises(LibraryError, match="no song 999"):
        recommender.feedback(found.id, 999, "like")
    with pytest.raises(CommandError, match="from 1 to 5"):
        recommender.feedback(found.id, found.tracks[0].song_id, "rating", 7)
    assert book.listeners() == {}


def test_thumbs_teach_what_is_liked_in_which_mood(library: Library, book: TasteBook) -> None:
    fill(
        library,
        *(entry(i, *CALM, genre="jazz", tempo_bpm=70) for i in range(20)),
        *(entry(100 + i, *CALM, genre="metal", tempo_bpm=160) for i in range(20)),
    )
    recommender = Recommender(library, Recommend(rest=0, diversity=0), book=book)
    assert recommender.recommend(wish(CALM, steps=1)).tracks[0].liking is None
    for _ in range(10):
        found = recommender.recommend(wish(CALM, steps=2))
        for track in found.tracks:
            recommender.feedback(found.id, track.song_id, "like" if int(track.title.split()[1]) >= 100 else "dislike")
    learnt = recommender.recommend(wish(CALM, steps=4))
    assert all(int(track.title.split()[1]) >= 100 for track in learnt.tracks)
    assert all((track.liking or 0) > 0 for track in learnt.tracks)
    assert any("of a kind that you like" in track.why for track in learnt.tracks)
    again = Recommender(library, book=book, taste=TasteConfig(enabled=False))
    assert again.recommend(wish(CALM, steps=1)).tracks[0].liking is None


def test_another_listener_has_learnt_nothing_from_it(library: Library) -> None:
    recommender = Recommender(library)
    found = recommender.recommend(wish(CALM, listener="anna"))
    recommender.feedback(found.id, found.tracks[0].song_id, "like")
    assert recommender.taste_of("anna") is not None
    assert recommender.taste_of("ben") is None


def test_a_reset_elsewhere_is_noticed(library: Library, book: TasteBook, tmp_path: Path) -> None:
    recommender = Recommender(library, book=book)
    recommender.feedback(None, 3, "like")
    assert recommender.taste_of() is not None
    with TasteBook(tmp_path / "taste.db") as other:
        other.reset("default")
    assert recommender.taste_of() is None


def test_a_song_with_thumbs_down_does_not_come_again_while_there_are_others(library: Library) -> None:
    fill(library, *(entry(i, 0.5, i / 10) for i in range(4)))
    recommender = Recommender(library, Recommend(rest=0))
    first = recommender.recommend(wish((0.5, 0), steps=1))
    recommender.feedback(first.id, first.tracks[0].song_id, "dislike")
    for _ in range(5):
        assert recommender.recommend(wish((0.5, 0), steps=1)).tracks[0].song_id != first.tracks[0].song_id


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.floats(-1, 1), st.floats(-1, 1), st.integers(1, 15), st.sampled_from(("uplift", "calm", "focus", "stay")))
def test_whatever_is_wished_the_answer_is_whole(
    library: Library, valence: float, arousal: float, steps: int, target: str
) -> None:
    found = Recommender(library).recommend(wish((valence, arousal), steps=steps, target=target))
    assert len({track.song_id for track in found.tracks}) == len(found.tracks) == min(steps, 12)
    assert all(0 <= track.score <= 1 for track in found.tracks)
    for before, after in zip(found.tracks, found.tracks[1:], strict=False):
        if before.valence < 0 <= after.valence and len(found.tracks) < 6:
            assert (before.arousal >= 0) == (after.arousal >= 0)


def test_the_measured_choice_is_a_real_one() -> None:
    picks = choosing(3000, steps=4, target="uplift")()
    assert isinstance(picks, list)
    assert len({pick.row for pick in picks}) == 4
    assert all(np.isfinite(pick.score) and pick.liking is not None for pick in picks)
