"""Recommended songs into MPD's queue."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

import mpd
from mpd.base import FailureResponseCode

from robotd.express.mpd.listening import Queued
from robotd.express.mpd.status import Status
from robotd.music.library.files import path_of

if TYPE_CHECKING:
    from robotd.config import Player
    from robotd.express.mpd.connection import Client
    from robotd.express.mpd.listening import Listening
    from robotd.music.recommendation import Recommendation, Track

log = logging.getLogger(__name__)

#: What MPD gets over the net by itself.
_STREAMS = ("http://", "https://")


class _UnplayableError(Exception):
    """MPD has no such song; the message says why."""


async def queue(client: Client, config: Player, recommendation: Recommendation, listening: Listening) -> int:
    """Put the songs of a recommendation into MPD's queue and return how many there are that it can play.

    What waits of an earlier recommendation makes way; other people's songs stay. If nothing plays because the
    queue ran out, the first one begins; if somebody paused or stopped the player, it stays silent.
    """
    folder = config.music_dir or await _music_dir(client)
    songs: list[tuple[Track, Queued]] = []
    unplayable: list[str] = []
    for track in recommendation.tracks:
        try:
            file, duration_s = await _file_of(client, track, folder)
        except _UnplayableError as reason:
            unplayable.append(f"{_name(track)}: {reason}")
        else:
            songs.append((track, Queued(track.song_id, recommendation.id, file, duration_s)))
    if not songs:
        log.warning("nothing of recommendation %s can be played:\n%s", recommendation.id, "\n".join(unplayable))
        return 0
    await _make_way(client, listening)
    status = Status.read(await client.status())
    # MPD takes a song from elsewhere only when it is added, and files may go at any time.
    added: list[int] = []
    for track, song in songs:
        place = [] if config.queue == "end" or status.place is None else [status.place + 1 + len(added)]
        try:
            mpd_id = int(await client.addid(song.file, *place))
        except mpd.CommandError as error:
            unplayable.append(f"{_name(track)}: {error}")
            continue
        listening.add(mpd_id, song)
        added.append(mpd_id)
    for why in unplayable:
        log.info("not played: %s", why)
    if added:
        await _begin(client, config, added[0], status, listening)
    return len(added)


async def _begin(client: Client, config: Player, first: int, status: Status, listening: Listening) -> None:
    if config.queue == "now" and status.playing and status.song is not None:
        listening.cut(status.song)
    elif not status.ran_out:
        return
    await client.playid(first)


async def _make_way(client: Client, listening: Listening) -> None:
    for mpd_id in listening.removable:
        try:
            await client.deleteid(mpd_id)
        except mpd.CommandError as error:
            if error.errno is not FailureResponseCode.NO_EXIST:
                raise
        listening.removed(mpd_id)


async def _music_dir(client: Client) -> Path | None:
    """Ask MPD where its music lies; it tells that only over its local socket."""
    try:
        told = await client.config()
    except mpd.CommandError:
        return None
    return Path(told) if told else None


async def _file_of(client: Client, track: Track, folder: Path | None) -> tuple[str, float | None]:
    """Return the uri of a song at MPD, and how long it is, if that is known.

    Raises:
        _UnplayableError: it has none.
    """
    if track.uri.startswith(_STREAMS):
        return _told(track.uri), None
    path = path_of(track.uri)
    if path is not None and folder is not None and path.is_relative_to(folder):
        file = _told(path.relative_to(folder).as_posix())
        if found := await client.find("file", file):
            return _found(found[0])
        why = f"MPD's database does not hold {file} (MPD can't play it, or `mpc update` is due)"
    elif path is not None:
        why = f"{path} is not below {f'player.music_dir, {folder}' if folder else 'player.music_dir, which is not set'}"
    else:
        why = f"MPD can't play {track.uri}"
    # Songs of a catalogue, and those that lie elsewhere on MPD's machine, are found by name.
    if track.artist and (found := await client.find("artist", _told(track.artist), "title", _told(track.title))):
        return _found(found[0])
    raise _UnplayableError(f"{why}, and it has no song of that artist and title")


def _found(song: dict[str, str]) -> tuple[str, float | None]:
    return song["file"], float(song.get("duration", 0)) or None


def _told(text: str) -> str:
    """Return a text that can be said to MPD, whose commands end with the line."""
    if not text.isprintable():
        raise _UnplayableError(f"{text!r} can't be said to MPD")
    return text


def _name(track: Track) -> str:
    return f"{track.artist or 'unknown'} - {track.title}"
