"""The player against a real MPD."""

from __future__ import annotations

import logging
import signal
import threading
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pytest

from robotd.config import Player
from robotd.errors import LibraryError
from robotd.express.mpd import MpdPlayer, Reaction, player
from tests.express.mpd.recommended import recommendation, track
from tests.servers.mpd import Mpd, write_song
from tests.servers.mqtt import HOST, eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    import mpd

LONG_S = 30.0


class Diary:
    """Remembers reactions."""

    def __init__(self) -> None:
        self.reactions: list[Reaction] = []

    async def note(self, reaction: Reaction) -> None:
        self.reactions.append(reaction)

    async def wait_for(self, count: int) -> list[Reaction]:
        await eventually(lambda: len(self.reactions) >= count, lambda: f"{count} reactions: {self.reactions}")
        return self.reactions


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Mpd]:
    server = Mpd(tmp_path)
    for name in ("a", "b", "c", "d"):
        write_song(server.music / f"{name}.flac", seconds=LONG_S)
    for name in ("short1", "short2"):
        write_song(server.music / f"{name}.flac", seconds=2.5)
    (server.music / "deep").mkdir()
    write_song(server.music / "deep" / "tagged.flac", seconds=LONG_S, artist="Ann Other", title="Known by name")
    with server:
        yield server


@pytest.fixture
def someone(server: Mpd) -> Iterator[mpd.MPDClient]:
    client = server.someone()
    yield client
    client.disconnect()


def config_of(server: Mpd, **more: Any) -> Player:
    return Player.model_validate({"kind": "mpd", "host": HOST, "port": server.port, "music_dir": server.music} | more)


def player_of(server: Mpd, diary: Diary, **more: Any) -> MpdPlayer:
    return MpdPlayer(config_of(server, **more), diary.note)


def files(client: mpd.MPDClient) -> list[str]:
    return [song["file"] for song in client.playlistid()]


def playing(client: mpd.MPDClient) -> str | None:
    status = client.status()
    return client.currentsong()["file"] if status["state"] == "play" else None


async def jump(client: mpd.MPDClient, player: MpdPlayer, second: int) -> None:
    """Listen on from a later second of the song that plays; return when the player has seen it."""
    client.seekcur(second)
    await eventually(lambda: player._listening._current and player._listening._current.at_s >= second)


async def test_plays_when_nothing_plays_and_hears_songs_to_their_end(server: Mpd, someone: mpd.MPDClient) -> None:
    diary = Diary()
    async with player_of(server, diary) as player:
        player.play(recommendation("r1", server.music / "short1.flac", server.music / "short2.flac"))
        reactions = await diary.wait_for(2)
        assert reactions == [Reaction(1, "r1", "played", 1.0), Reaction(2, "r1", "played", 1.0)]
        assert playing(someone) is None
        # The queue has run out, so the next songs play at once; what is over is cleared away.
        player.play(recommendation("r2", server.music / "a.flac"))
        await eventually(lambda: playing(someone) == "a.flac")
        assert files(someone) == ["a.flac"]


async def test_a_skip_is_told_with_its_second(server: Mpd, someone: mpd.MPDClient) -> None:
    diary = Diary()
    async with player_of(server, diary) as player:
        player.play(recommendation("r1", server.music / "a.flac", server.music / "b.flac"))
        await eventually(lambda: playing(someone) == "a.flac")
        await jump(someone, player, 12)
        before_s = float(someone.status()["elapsed"])
        someone.next()
        (reaction,) = await diary.wait_for(1)
        assert (reaction.song_id, reaction.recommendation_id, reaction.kind) == (1, "r1", "skip")
        assert 12.0 <= before_s <= reaction.value < LONG_S - 2
        assert playing(someone) == "b.flac"


async def test_who_stops_the_music_may_just_leave(server: Mpd, someone: mpd.MPDClient) -> None:
    diary = Diary()
    async with player_of(server, diary) as player:
        player.play(recommendation("r1", server.music / "a.flac"))
        await eventually(lambda: player.diagnostics()["playing"] == 1)
        await jump(someone, player, 12)
        someone.stop()
        await eventually(lambda: player.diagnostics()["playing"] is None)
        assert diary.reactions == []


async def test_a_song_taken_out_while_it_plays_is_skipped(server: Mpd, someone: mpd.MPDClient) -> None:
    diary = Diary()
    async with player_of(server, diary) as player:
        player.play(recommendation("r1", server.music / "a.flac", server.music / "b.flac"))
        await eventually(lambda: player.diagnostics()["playing"] == 1)
        await jump(someone, player, 12)
        someone.delete(0)
        assert (await diary.wait_for(1))[0].kind == "skip"
        player.play(recommendation("r2", server.music / "c.flac"))
        await eventually(lambda: files(someone) == ["b.flac", "c.flac"])


@pytest.mark.parametrize(
    ("how", "order", "plays"),
    [
        ("next", ["a.flac", "c.flac", "d.flac", "b.flac"], "a.flac"),
        ("end", ["a.flac", "b.flac", "c.flac", "d.flac"], "a.flac"),
        ("now", ["a.flac", "c.flac", "d.flac", "b.flac"], "c.flac"),
    ],
)
async def test_other_peoples_songs_stay(
    server: Mpd, someone: mpd.MPDClient, how: Literal["next", "end", "now"], order: list[str], plays: str
) -> None:
    diary = Diary()
    for name in ("a", "b"):
        someone.add(f"{name}.flac")
    someone.play(0)
    async with player_of(server, diary, queue=how) as player:
        player.play(recommendation("r1", server.music / "c.flac", server.music / "d.flac"))
        await eventually(lambda: files(someone) == order and playing(someone) == plays)
        await eventually(lambda: player.diagnostics()["playing"] == (1 if how == "now" else None))
        # Theirs are none of our business, and what we cut ourselves says nothing of the listener.
        someone.playid(someone.playlistid()[0]["id"])
        someone.seekcur(20)
        await eventually(lambda: player.diagnostics()["playing"] is None)
        player.play(recommendation("r2", server.music / "short1.flac"))
        await eventually(lambda: "short1.flac" in files(someone))
        assert [file for file in files(someone) if file != "short1.flac"] == ["a.flac", "b.flac"]
        assert all(reaction.song_id == 1 and reaction.kind == "skip" for reaction in diary.reactions)


async def test_newer_songs_take_the_place_of_those_that_wait(server: Mpd, someone: mpd.MPDClient) -> None:
    diary = Diary()
    async with player_of(server, diary) as player:
        player.play(recommendation("r1", server.music / "a.flac", server.music / "b.flac", server.music / "c.flac"))
        await eventually(lambda: playing(someone) == "a.flac")
        player.play(recommendation("r2", server.music / "d.flac"))
        await eventually(lambda: files(someone) == ["a.flac", "d.flac"])
        assert playing(someone) == "a.flac"
        assert diary.reactions == []
        assert player.diagnostics() == {"connected": True, "playing": 1, "queued": 4, "reactions": 0}


@pytest.mark.parametrize("hush", ["pause", "stop"])
async def test_stays_silent_for_who_wants_silence(server: Mpd, someone: mpd.MPDClient, hush: str) -> None:
    someone.add("a.flac")
    someone.play(0)
    someone.pause(1) if hush == "pause" else someone.stop()
    async with player_of(server, Diary()) as player:
        player.play(recommendation("r1", server.music / "b.flac"))
        await eventually(lambda: files(someone) == ["a.flac", "b.flac"])
        await eventually(lambda: player.diagnostics()["queued"] == 1)
        assert someone.status()["state"] == hush


async def test_songs_that_mpd_does_not_have_are_told(
    server: Mpd, someone: mpd.MPDClient, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "robotd")
    elsewhere = write_song(tmp_path / "elsewhere.flac", seconds=1)
    (server.music / "piece.mid").write_bytes(b"MThd")
    strange = [
        track(1, elsewhere.as_uri()),
        track(2, (server.music / "piece.mid").as_uri(), "robotd", "Album piece"),
        track(3, "spotify:track:abc", "Nobody", "Nothing"),
        track(4, "spotify:track:def", "Nobody", 'x"\nclear'),
    ]
    async with player_of(server, Diary()) as player:
        player.play(recommendation("r1", *strange))
        await eventually(lambda: "nothing of recommendation r1 can be played" in caplog.text)
        someone.add("b.flac")
        player.play(recommendation("r2", *strange, track(5, (server.music / "a.flac").as_uri())))
        await eventually(lambda: playing(someone) == "a.flac")
        assert files(someone) == ["b.flac", "a.flac"]
    assert f"unknown - song: {elsewhere} is not below player.music_dir, {server.music}" in caplog.text
    assert "robotd - Album piece: MPD's database does not hold piece.mid" in caplog.text
    assert "Nobody - Nothing: MPD can't play spotify:track:abc, and it has no song" in caplog.text
    assert "can't be said to MPD" in caplog.text


@pytest.mark.parametrize("uri", ["spotify:track:abc", "file:///far/away/tagged.flac"])
async def test_finds_songs_by_name(server: Mpd, someone: mpd.MPDClient, uri: str) -> None:
    async with player_of(server, Diary()) as player:
        player.play(recommendation("r1", track(1, uri, "Ann Other", "Known by name")))
        await eventually(lambda: playing(someone) == "deep/tagged.flac")


async def test_over_the_local_socket_mpd_tells_where_its_music_lies(tmp_path: Path) -> None:
    with Mpd(tmp_path, socket=True) as server:
        song = write_song(server.music / 'späte "Rosen" \'n \\ tea.flac', seconds=LONG_S)
        someone = server.someone()
        someone.update()
        await eventually(lambda: "updating_db" not in someone.status())
        async with player_of(server, Diary(), host=str(server.socket), music_dir=None) as player:
            player.play(recommendation("r1", song))
            await eventually(lambda: playing(someone) == song.name)
        someone.disconnect()


async def test_without_music_dir_and_socket_says_so(server: Mpd, caplog: pytest.LogCaptureFixture) -> None:
    async with player_of(server, Diary(), music_dir=None) as player:
        player.play(recommendation("r1", server.music / "a.flac"))
        await eventually(lambda: "is not below player.music_dir, which is not set" in caplog.text)


async def test_plays_from_the_net(server: Mpd) -> None:
    diary = Diary()
    with _served(server.music) as address:
        async with player_of(server, diary) as player:
            player.play(recommendation("r1", track(7, f"{address}/short1.flac"), track(8, f"{address}/a.flac")))
            assert await diary.wait_for(1) == [Reaction(7, "r1", "played", 1.0)]
            await eventually(lambda: player.diagnostics()["playing"] == 8)


async def test_a_song_that_can_not_be_read_was_not_skipped(server: Mpd) -> None:
    diary = Diary()
    (server.music / "c.flac").unlink()
    async with player_of(server, diary) as player:
        player.play(recommendation("r1", *(server.music / f"{name}.flac" for name in ("short1", "c", "short2"))))
        # On a busy machine the first, of a second, may be over before it is seen.
        await eventually(lambda: any(reaction.song_id == 3 for reaction in diary.reactions), lambda: "the third song")
        assert {(reaction.song_id, reaction.kind) for reaction in diary.reactions} <= {(1, "played"), (3, "played")}


async def test_after_mpd_was_killed_it_plays_again(
    server: Mpd, someone: mpd.MPDClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "robotd")
    diary = Diary()
    async with player_of(server, diary) as player:
        player.play(recommendation("r1", server.music / "a.flac", server.music / "b.flac"))
        await eventually(lambda: player.diagnostics()["playing"] == 1)
        await jump(someone, player, 12)
        someone.next()
        await diary.wait_for(1)
        server.kill()
        await eventually(lambda: player.trouble is not None)
        assert not player.connected
        player.play(recommendation("r2", server.music / "short1.flac"))
        server.start()
        # Nothing of what was before the crash is told again, or anew.
        assert (await diary.wait_for(2))[1] == Reaction(1, "r2", "played", 1.0)
        assert diary.reactions[0].recommendation_id == "r1"
        assert player.trouble is None
    assert caplog.text.count("lost MPD at") == 1
    assert caplog.text.count("connected to MPD at") == 2
    assert "Traceback" not in caplog.text
    assert not [record for record in caplog.records if record.name == "asyncio" and record.levelno >= logging.ERROR]


async def test_songs_stay_ours_over_a_restart_that_keeps_the_queue(server: Mpd) -> None:
    diary = Diary()
    async with player_of(server, diary) as player:
        player.play(recommendation("r1", server.music / "a.flac", server.music / "b.flac"))
        await eventually(lambda: player.diagnostics()["playing"] == 1)
        server.stop()
        await eventually(lambda: not player.connected)
        server.start()
        await player.wait_connected()
        later = server.someone()
        await eventually(lambda: player.diagnostics()["playing"] == 1)
        await jump(later, player, 12)
        later.next()
        assert (await diary.wait_for(1))[0].kind == "skip"
        later.disconnect()


async def test_a_frozen_mpd_is_lost_and_found(
    server: Mpd, someone: mpd.MPDClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(player, "LOOK_S", 0.2)
    monkeypatch.setattr(player, "REPLY_TIMEOUT_S", 1.0)
    diary = Diary()
    async with player_of(server, diary) as mpd_player:
        mpd_player.play(recommendation("r1", server.music / "a.flac", server.music / "b.flac"))
        await eventually(lambda: mpd_player.diagnostics()["playing"] == 1)
        server.signal(signal.SIGSTOP)
        await eventually(lambda: not mpd_player.connected)
        server.signal(signal.SIGCONT)
        await mpd_player.wait_connected()
        assert diary.reactions == []
        await jump(someone, mpd_player, 12)
        someone.next()
        assert (await diary.wait_for(1))[0].kind == "skip"
        await eventually(lambda: mpd_player.diagnostics()["playing"] == 2)
        await jump(someone, mpd_player, 12)
        someone.next()
        assert [reaction.song_id for reaction in await diary.wait_for(2)] == [1, 2]


@pytest.mark.parametrize(
    ("password", "told"),
    [("wrong", "refuses the password"), (None, "without a password: check player.password")],
)
async def test_a_wrong_password_is_told_once(
    tmp_path: Path,
    password: str | None,
    told: str,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(player, "LAST_RETRY_S", 0.01)
    with Mpd(tmp_path, password="right") as server:
        async with player_of(server, Diary(), password=password) as mpd_player:
            await eventually(lambda: mpd_player.trouble is not None and told in mpd_player.trouble)
            assert not mpd_player.connected
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert "right" not in caplog.text


async def test_the_right_password(tmp_path: Path) -> None:
    with Mpd(tmp_path, password="right") as server:
        song = write_song(server.music / "a.flac", seconds=LONG_S)
        someone = server.someone()
        someone.update()
        await eventually(lambda: "updating_db" not in someone.status())
        async with player_of(server, Diary(), password="right") as mpd_player:
            mpd_player.play(recommendation("r1", song))
            await eventually(lambda: playing(someone) == "a.flac")
        # Leaving does not silence the music.
        assert playing(someone) == "a.flac"
        someone.disconnect()


async def test_waits_for_mpd_but_not_for_ever(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "robotd")
    server = Mpd(tmp_path)
    song = write_song(server.music / "a.flac", seconds=LONG_S)
    async with player_of(server, Diary()) as mpd_player:
        mpd_player.play(recommendation("old", song, ttl_s=0.0))
        await eventually(lambda: "can't reach MPD at" in caplog.text)
        with server:
            await eventually(lambda: "recommendation old came to no player in time" in caplog.text)
            mpd_player.play(recommendation("new", song))
            someone = server.someone()
            await eventually(lambda: playing(someone) == "a.flac")
            someone.disconnect()


async def test_goes_on_when_feedback_is_refused(
    server: Mpd, someone: mpd.MPDClient, caplog: pytest.LogCaptureFixture
) -> None:
    async def refuse(reaction: Reaction) -> None:
        raise LibraryError(f"no song {reaction.song_id} in the library")

    async with MpdPlayer(config_of(server), refuse) as mpd_player:
        mpd_player.play(recommendation("r1", server.music / "a.flac", server.music / "b.flac"))
        await eventually(lambda: mpd_player.diagnostics()["playing"] == 1)
        await jump(someone, mpd_player, 12)
        someone.next()
        await eventually(lambda: "feedback was lost: no song 1 in the library" in caplog.text)
        assert mpd_player.connected


@contextmanager
def _served(folder: Path) -> Iterator[str]:
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer((HOST, 0), partial(Quiet, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://{HOST}:{server.server_port}"
        server.shutdown()
        thread.join()
