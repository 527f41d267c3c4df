"""What states of MPD, one after the other, say of our songs."""

from __future__ import annotations

import dataclasses

from hypothesis import given
from hypothesis import strategies as st

from robotd.express.mpd.listening import Listening, Queued, Reaction
from robotd.express.mpd.status import Status

FILES = {1: "one.ogg", 2: "two.ogg"}


def listening(*, duration_s: float | None = 100.0) -> Listening:
    """Ours is the song 1, which is called 11 in our library; 2 is somebody else's."""
    ears = Listening()
    ears.add(1, Queued(11, "r", FILES[1], duration_s))
    return ears


def at(song: int | None, at_s: float, state: str = "play", crossfade_s: float = 0.0) -> Status:
    return Status(state, song, 0, at_s, 100.0, crossfade_s)


def test_reads_what_mpd_says() -> None:
    told = {"state": "play", "song": "3", "songid": "17", "elapsed": "2.500", "duration": "60.1", "xfade": "5"}
    assert Status.read(told) == Status("play", 17, 3, 2.5, 60.1, 5.0)
    assert Status.read({"state": "stop"}).ran_out
    assert not Status.read({"state": "stop", "song": "3", "songid": "17"}).ran_out
    assert Status.read({"state": "play", "songid": "1", "song": "0", "duration": "0.000"}).duration_s is None


def test_heard_to_the_end() -> None:
    ears = listening()
    assert ears.look(at(1, 0), 50.0) is None
    assert ears.look(at(2, 0), 150.0) == Reaction(11, "r", "played", 1.0)


def test_a_fade_ends_a_song_earlier() -> None:
    ears = listening()
    ears.look(at(1, 0, crossfade_s=10.0), 0.0)
    assert ears.look(at(2, 0, crossfade_s=10.0), 90.0) == Reaction(11, "r", "played", 1.0)


def test_skipped() -> None:
    ears = listening()
    ears.look(at(1, 0), 0.0)
    assert ears.look(at(1, 10.0), 10.0) is None
    assert ears.look(at(2, 0), 12.5) == Reaction(11, "r", "skip", 12.5)


def test_time_stands_still_in_a_pause() -> None:
    ears = listening()
    ears.look(at(1, 0), 0.0)
    ears.look(at(1, 30.0, "pause"), 30.0)
    assert ears.look(at(2, 0), 500.0) == Reaction(11, "r", "skip", 30.0)


def test_what_was_jumped_over_was_not_heard() -> None:
    ears = listening()
    ears.look(at(1, 0), 0.0)
    ears.look(at(1, 80.0), 5.0)
    assert ears.look(at(2, 0), 25.0) == Reaction(11, "r", "played", 0.25)


def test_who_stops_the_music_may_just_leave() -> None:
    ears = listening()
    ears.look(at(1, 0), 0.0)
    assert ears.look(at(1, 0, "stop"), 50.0) is None
    # Nor is it judged if it is played again.
    ears.look(at(1, 0), 60.0)
    assert ears.look(at(2, 0), 65.0) is None


def test_the_last_song_is_skipped_into_silence() -> None:
    ears = listening()
    ears.look(at(1, 0), 0.0)
    assert ears.look(Status("stop"), 50.0) == Reaction(11, "r", "skip", 50.0)


def test_stopped_at_its_end() -> None:
    ears = listening()
    ears.look(at(1, 0), 0.0)
    assert ears.look(at(None, 0, "stop"), 100.0) == Reaction(11, "r", "played", 1.0)


def test_a_song_that_failed_was_not_skipped() -> None:
    ears = listening()
    ears.look(at(1, 0), 0.0)
    assert ears.look(dataclasses.replace(at(2, 0), error="Failed to decode one.ogg"), 0.1) is None
    assert ears.removable == (1,)


def test_mpd_may_forget_its_error_before_we_look() -> None:
    ears = listening()
    ears.look(at(1, 0), 0.0)
    assert ears.look(at(2, 0), 0.1) is None


def test_a_song_that_was_heard_is_not_blamed_for_the_next_one() -> None:
    ears = listening()
    ears.look(at(1, 0), 0.0)
    failed = dataclasses.replace(at(2, 0), error="Failed to decode two.ogg")
    assert ears.look(failed, 100.0) == Reaction(11, "r", "played", 1.0)


def test_a_stream_that_broke_off_was_not_skipped() -> None:
    ears = listening()
    ears.look(at(1, 0), 0.0)
    assert ears.look(dataclasses.replace(at(2, 0), error="connection reset"), 50.0) is None


def test_an_old_error_says_nothing() -> None:
    ears = listening()
    ears.look(dataclasses.replace(at(1, 0), error="old"), 0.0)
    assert ears.look(dataclasses.replace(at(2, 0), error="old"), 5.0) == Reaction(11, "r", "skip", 5.0)


def test_of_a_stream_nothing_is_known() -> None:
    ears = listening(duration_s=None)
    ears.look(Status("play", 1, 0, 0.0), 0.0)
    assert ears.look(at(2, 0), 5.0) is None


def test_what_we_cut_is_not_judged() -> None:
    ears = listening()
    ears.look(at(1, 0), 0.0)
    ears.cut(1)
    assert ears.look(at(2, 0), 5.0) is None
    assert ears.removable == (1,)


def test_a_song_that_plays_through_a_lost_connection_is_judged_at_its_end() -> None:
    ears = listening()
    ears.look(at(1, 0), 0.0)
    ears.resume(FILES, at(1, 60.0))
    assert ears.look(at(1, 60.0), 60.0) is None
    assert ears.look(at(2, 0), 100.0) == Reaction(11, "r", "played", 1.0)


def test_a_song_that_ended_unseen_is_not_judged() -> None:
    ears = listening()
    ears.look(at(1, 0), 0.0)
    ears.resume(FILES, at(2, 60.0))
    assert ears.look(at(2, 60.0), 160.0) is None
    assert ears.removable == ()


def test_an_id_that_is_another_song_now_is_not_ours() -> None:
    ears = listening()
    ears.resume({1: "other.ogg"}, at(1, 0))
    ears.look(at(1, 0), 0.0)
    assert ears.look(at(2, 0), 5.0) is None


@st.composite
def states(draw: st.DrawFn) -> Status:
    state = draw(st.sampled_from(("play", "play", "pause", "stop")))
    song = draw(st.sampled_from((1, 2, 3, None))) if state == "stop" else draw(st.sampled_from((1, 2, 3)))
    error = draw(st.sampled_from((None, None, "broken")))
    return Status(state, song, 0, draw(st.floats(0, 120)), draw(st.sampled_from((None, 100.0))), 0.0, error)


@given(seen=st.lists(st.tuples(states(), st.floats(0, 200), st.booleans()), max_size=30))
def test_whatever_happens_each_song_is_judged_once_and_sensibly(seen: list[tuple[Status, float, bool]]) -> None:
    ears = listening()
    ears.add(3, Queued(33, "r", "three.ogg", 100.0))
    told: list[Reaction] = []
    now_s = 0.0
    for status, later_s, was_away in seen:
        now_s += later_s
        if was_away:
            ears.resume(FILES | {3: "three.ogg"}, status)
        reaction = ears.look(status, now_s)
        told += [reaction] if reaction else []
    assert len({reaction.song_id for reaction in told}) == len(told)
    assert {reaction.song_id for reaction in told} <= {11, 33}
    for reaction in told:
        assert 0 <= reaction.value <= (1 if reaction.kind == "played" else 100)
