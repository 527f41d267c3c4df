"""Recommends songs: relevant to what a person feels and says, on a way to a better mood, and to the person's taste."""

from __future__ import annotations

import logging
import threading
import time
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from robotd.config import Recommend
from robotd.config import Taste as TasteConfig
from robotd.errors import CommandError, LibraryError
from robotd.music.journey import Point, plan
from robotd.music.limits import bars
from robotd.music.opinion import reward_of
from robotd.music.reasons import why
from robotd.music.recommendation import Noted, Recommendation, Track, Wish
from robotd.music.relevance import Relevance
from robotd.music.selection import Moment, Selector
from robotd.music.taste import CONTEXT, Taste, context_features
from robotd.music.taste_book import Offer, Opinion, TasteBook

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from robotd.config import Limits, Target
    from robotd.music.journey import Plan
    from robotd.music.keyword_index import Words
    from robotd.music.library import FeedbackKind, Library
    from robotd.music.relevance import Text
    from robotd.music.selection import Pick
    from robotd.music.table import SongTable

log = logging.getLogger(__name__)

__all__ = ["Noted", "Recommendation", "Recommender", "Track", "Wish"]

#: So much less is a song worth that was recommended or judged lately, and twice as much the very last one: in a large
#: library others are always nearer than that, in a small one a fitting song comes again before one that does not fit.
RESTING = 0.05
#: So much less is a song worth that the listener has turned thumbs down on.
DISLIKED = 0.6
#: After so long a journey that was begun is over.
JOURNEY_LAPSES_S = 1800.0


@dataclass(slots=True)
class _Journey:
    """A way that a listener is being led."""

    recommendation_id: str
    plan: Plan
    target: Target
    begun_s: float
    #: The places of the songs that were heard.
    heard: set[int] = field(default_factory=set)


class Recommender:
    """Recommends songs of a library, and learns from feedback; any thread may call any method.

    Args:
        library: read again only when it has changed.
        config: how songs are chosen.
        taste: how much liking counts.
        book: what was recommended and thought; None: nothing is remembered over a restart.
        words: tells how alike two words are; None: only the same word is alike.
        clock: the time in seconds, by which journeys lapse.
    """

    def __init__(
        self,
        library: Library,
        config: Recommend | None = None,
        taste: TasteConfig | None = None,
        *,
        book: TasteBook | None = None,
        words: Words | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._library = library
        self._config = config or Recommend()
        self._taste_config = taste or TasteConfig()
        self._book = book or TasteBook(None).__enter__()
        self._words = words
        self._clock = clock
        self._file = _identity(library.path)
        self._lock = threading.RLock()
        self._version: tuple[int, int] | None = None
        self._selector: Selector | None = None
        self._barred: tuple[Limits, NDArray[np.float32] | None] | None = None
        self._journeys: dict[str, _Journey] = {}
        self._tastes: dict[str, Taste | None] = {}
        self._tastes_version: tuple[int, int] | None = None
        #: What can't be done with the book.
        self._failing: set[str] = set()

    def configure(self, config: Recommend, taste: TasteConfig | None = None) -> None:
        """Take new settings; another step begins journeys anew."""
        with self._lock:
            if config.step != self._config.step:
                self._journeys.clear()
            self._config = config
            self._taste_config = taste or self._taste_config
            self._tastes.clear()

    def recommend(self, wish: Wish, *, note: bool = True) -> Recommendation:
        """Return songs for a wish.

        Songs that were recommended or judged last rest, and so do songs that the listener has turned thumbs down
        on, unless no other comes near. Where what is remembered can't be read or written, that is told once, and
        songs are recommended without it.

        Args:
            wish: what is wanted.
            note: remember it: its songs rest from now on, and feedback can name it.

        Raises:
            LibraryError: the library has no songs, none within the limits, or can't be read.
        """
        with self._lock:
            return self._recommend(wish, note=note)

    def feedback(
        self,
        recommendation_id: str | None,
        song_id: int,
        kind: FeedbackKind,
        value: float | None = None,
        listener: str | None = None,
    ) -> Noted:
        """Take note of what a listener thought of a song, and learn from it.

        Args:
            recommendation_id: what brought the song; None: nothing of ours.
            song_id: the song.
            kind: what happened.
            value: see `opinion.reward_of`.
            listener: who; None: for whom it was recommended, else as configured.

        Raises:
            CommandError: the recommendation is not known or did not bring the song, or the value is impossible.
            LibraryError: there is no such song, or a file can't be written.
        """
        with self._lock:
            return self._feedback(recommendation_id, song_id, kind, value, listener)

    def taste_of(self, listener: str | None = None) -> Taste | None:
        """Return what has been learnt of a listener, None if that is nothing."""
        with self._lock:
            return self._taste(listener or self._config.listener)

    def _recommend(self, wish: Wish, *, note: bool) -> Recommendation:
        selector = self._refreshed()
        listener = wish.listener or self._config.listener
        journey = self._journey(wish, listener)
        way = self._plan(wish, journey)
        text = selector.relevance.read(wish.emotions, wish.keywords, self._config.weights, self._config.unknown)
        context = context_features(wish.valence, wish.arousal, wish.emotions, wish.hour)
        taste, costs = self._remembered(selector.relevance.table, listener)
        bars = self._bars(selector.relevance, wish.limits or self._config.limits)
        moment = Moment(context, taste, bars, costs)
        picks = selector.choose(way, text, moment, self._config, self._taste_config)
        tracks = tuple(self._track(selector.relevance, pick, way, text, wish) for pick in picks)
        made = Recommendation(uuid.uuid4().hex, self._config.ttl_s, way, listener, tracks)
        if note:
            self._note(made.id, Offer(listener, context, tuple(track.song_id for track in tracks)))
            begun_s = self._clock() if journey is None else journey.begun_s
            self._journeys[listener] = _Journey(made.id, way, self._target(wish), begun_s)
        return made

    def _remembered(self, table: SongTable, listener: str) -> tuple[Taste | None, dict[int, float]]:
        """Return a listener's taste and what songs cost; nothing where that can't be read."""
        try:
            taste = self._taste(listener) if self._taste_config.enabled else None
            costs = self._costs(table, listener)
        except LibraryError as error:
            self._tell_memory("read", error)
            return None, {}
        self._tell_memory("read", None)
        return taste, costs

    def _note(self, recommendation_id: str, offer: Offer) -> None:
        """Remember a recommendation, if that can be; what is known of tastes stays as it is."""
        try:
            before = self._book.version
            self._book.add_offer(recommendation_id, offer)
            foreign, edits = self._book.version
        except LibraryError as error:
            self._tell_memory("written", error)
            return
        self._tell_memory("written", None)
        if self._tastes_version == before and foreign == before[0]:
            self._tastes_version = foreign, edits

    def _tell_memory(self, act: str, error: LibraryError | None) -> None:
        """Tell once that the memory of taste can't be `read` or `written`, and once that it can be again."""
        if error is not None and act not in self._failing:
            log.warning("%s; songs are recommended all the same, though it can't be %s", error, act)
            self._failing.add(act)
        elif error is None and act in self._failing:
            log.info("the memory of taste can be %s again", act)
            self._failing.remove(act)

    def _target(self, wish: Wish) -> Target:
        return self._config.target if wish.target is None else wish.target

    def _journey(self, wish: Wish, listener: str) -> _Journey | None:
        """Return the journey that the listener is on, None if a new one begins."""
        journey, target = self._journeys.get(listener), self._target(wish)
        if journey is None or journey.target != target or target == "stay":
            return None
        return journey if self._clock() - journey.begun_s <= JOURNEY_LAPSES_S else None

    def _plan(self, wish: Wish, journey: _Journey | None) -> Plan:
        """Plan a way, or go on with a journey."""
        mood, target = Point(wish.valence, wish.arousal), self._target(wish)
        count, step = wish.steps or self._config.tracks, self._config.step
        if journey is None:
            return plan(mood, target, count, step)
        return journey.plan.follow(mood, target, count, step, played=max(journey.heard, default=-1) + 1)

    def _follow_file(self) -> None:
        """Open the library anew where its file was replaced or taken away: what is open then is what it was before.

        Raises:
            LibraryError: it can't be opened; the next time it is tried again.
        """
        if self._file is not None and self._file == _identity(self._library.path):
            return
        self._file = self._selector = None
        self._library.__exit__(None, None, None)
        self._library.__enter__()
        self._file = _identity(self._library.path)
        log.info("the library %s was replaced: it was opened anew", self._library.path)

    def _refreshed(self) -> Selector:
        self._follow_file()
        version = self._library.version
        if self._selector is None or version != self._version:
            table = self._library.table()
            if not len(table):
                raise LibraryError(
                    "the library has no songs: add some with `robotd library scan DIR` or "
                    "`robotd library import FILE.csv`"
                )
            self._selector = Selector(Relevance(table, self._words))
            self._version, self._barred = version, None
        return self._selector

    def _bars(self, relevance: Relevance, limits: Limits) -> NDArray[np.float32] | None:
        """Return what keeps songs beyond the limits out; asked anew only for other limits."""
        if self._barred is None or self._barred[0] != limits:
            self._barred = limits, bars(relevance.table, limits)
        return self._barred[1]

    def _costs(self, table: SongTable, listener: str) -> dict[int, float]:
        """Return, by row, how much less songs are worth that were heard lately or are disliked."""
        latest = self._book.latest_songs(listener, self._config.rest)
        costs = {song_id: RESTING * (2 - place / len(latest)) for place, song_id in enumerate(latest)}
        costs |= dict.fromkeys(self._book.disliked(listener), DISLIKED)
        ids = np.array(list(costs), np.int64)
        rows = np.searchsorted(table.ids, ids).clip(max=len(table) - 1)
        there = table.ids[rows] == ids
        return {row: costs[song_id] for row, song_id in zip(rows[there].tolist(), ids[there].tolist(), strict=True)}

    def _track(self, relevance: Relevance, pick: Pick, way: Plan, text: Text, wish: Wish) -> Track:
        table = relevance.table
        song = self._library.song(int(table.ids[pick.row]))
        parts = relevance.parts(pick.row, np.array(pick.place, np.float32), text)
        shared = relevance.keywords.shared(text.asked, pick.row) if text.asked else ()
        both = None if wish.emotions is None or parts.lyrics is None else (wish.emotions, table.lyrics[pick.row])
        reason = why(pick, way, parts, shared, both)
        return Track(
            song_id=song.id,
            title=song.title,
            artist=song.artist,
            uri=song.uri,
            valence=song.valence,
            arousal=song.arousal,
            score=pick.score,
            parts=parts,
            liking=pick.liking,
            why=reason,
            expected=pick.expected,
        )

    def _feedback(
        self, recommendation_id: str | None, song_id: int, kind: FeedbackKind, value: float | None, listener: str | None
    ) -> Noted:
        selector = self._refreshed()
        song = self._library.song(song_id)
        reward = reward_of(kind, value, song.duration_s)
        offer = None
        if recommendation_id is not None:
            offer = self._book.offer(recommendation_id)
            if offer is None:
                raise CommandError(f"no recommendation {recommendation_id!r} is known: give the `id` of one of ours")
            if song_id not in offer.song_ids:
                raise CommandError(f"song {song_id} ({song.title}) is not in the recommendation {recommendation_id}")
        who = listener or (offer.listener if offer else self._config.listener)
        row = selector.relevance.table.row(song_id)
        if row is None:
            raise LibraryError(f"song {song_id} ({song.title}) is not there any more: its file is missing")
        opinion = Opinion(
            who,
            recommendation_id or "",
            song_id,
            kind,
            reward,
            offer.context if offer else np.zeros(len(CONTEXT), np.float32),
            selector.songs.of(np.array([row]))[0],
            time.time(),
        )
        counted = self._book.add_opinion(opinion)
        journey = self._journeys.get(who)
        if offer is not None and journey is not None and journey.recommendation_id == recommendation_id:
            journey.heard.add(offer.song_ids.index(song_id))
        return Noted(song_id, who, reward, counted)

    def _taste(self, listener: str) -> Taste | None:
        version = self._book.version
        if version != self._tastes_version:
            self._tastes, self._tastes_version = {}, version
        if listener not in self._tastes:
            self._tastes[listener] = Taste.of(self._book.opinions(listener), self._taste_config.forgetting)
        return self._tastes[listener]


def _identity(path: Path) -> tuple[int, int] | None:
    """Return what tells a file from another one of the same path; None: there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
