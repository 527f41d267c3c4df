"""What was recommended to whom, and what they thought of it, in SQLite: what taste is learnt from."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from robotd.music.database import Database
from robotd.music.opinion import OUTRIGHT, THUMB_DOWN
from robotd.paths import state_directory

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from robotd.music.library import FeedbackKind
    from robotd.music.opinion import Counted

#: So many recommendations and opinions a listener are kept; by then older ones are long forgotten.
KEPT_RECOMMENDATIONS, KEPT_OPINIONS = 500, 2000


def taste_path() -> Path:
    """Return where tastes are kept."""
    return state_directory() / "taste.sqlite3"


@dataclass(frozen=True, slots=True, eq=False)
class Offer:
    """A recommendation that was made.

    Attributes:
        listener: to whom.
        context: [len(CONTEXT)] float32, the moment.
        song_ids: in order.
    """

    listener: str
    context: NDArray[np.float32]
    song_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Opinion:
    """What a listener thought of a song.

    Attributes:
        listener: who.
        recommendation_id: what brought the song; empty: nothing of ours.
        song_id: the song.
        kind: how it was told.
        reward: -1..1.
        context: [len(CONTEXT)] float32, the moment of the recommendation.
        song: [len(SONG_FEATURES)] float32, what the song was like; still there when it has left the library.
        time: in seconds since 1970.
    """

    listener: str
    recommendation_id: str
    song_id: int
    kind: FeedbackKind
    reward: float
    context: NDArray[np.float32]
    song: NDArray[np.float32]
    time: float


class TasteBook(Database):
    """The memory of taste; `with TasteBook(path) as book:`.

    Args:
        path: the file; None: in memory, forgotten in the end.
    """

    NOUN = "memory of taste"
    #: "rbtt".
    APPLICATION_ID = 0x72627474
    #: `context` and `song` are little-endian float32.
    MIGRATIONS: ClassVar[tuple[str, ...]] = (
        """
        CREATE TABLE recommendations (
            number INTEGER PRIMARY KEY,
            id TEXT NOT NULL UNIQUE,
            listener TEXT NOT NULL,
            context BLOB NOT NULL,
            time REAL NOT NULL
        );
        CREATE INDEX recommendations_by_listener ON recommendations (listener, number);
        CREATE TABLE offers (
            recommendation INTEGER NOT NULL REFERENCES recommendations (number) ON DELETE CASCADE,
            place INTEGER NOT NULL,
            song_id INTEGER NOT NULL,
            PRIMARY KEY (recommendation, place)
        ) WITHOUT ROWID;
        CREATE TABLE opinions (
            number INTEGER PRIMARY KEY,
            listener TEXT NOT NULL,
            recommendation_id TEXT NOT NULL,
            song_id INTEGER NOT NULL,
            kind TEXT NOT NULL,
            reward REAL NOT NULL CHECK (reward BETWEEN -1 AND 1),
            context BLOB NOT NULL,
            song BLOB NOT NULL,
            time REAL NOT NULL,
            UNIQUE (listener, recommendation_id, song_id)
        );
        """,
        # When anything was last told of the song, also what did not change the opinion.
        """
        ALTER TABLE opinions ADD COLUMN told REAL NOT NULL DEFAULT 0;
        UPDATE opinions SET told = time;
        """,
    )

    def add_offer(self, recommendation_id: str, offer: Offer) -> None:
        """Note a recommendation."""
        with self.writing() as database:
            number = database.execute(
                "INSERT INTO recommendations (id, listener, context, time) VALUES (?, ?, ?, ?)",
                (recommendation_id, offer.listener, _packed(offer.context), time.time()),
            ).lastrowid
            database.executemany(
                "INSERT INTO offers VALUES (?, ?, ?)",
                ((number, place, song_id) for place, song_id in enumerate(offer.song_ids)),
            )
            _prune(database, "recommendations", offer.listener, KEPT_RECOMMENDATIONS)

    def offer(self, recommendation_id: str) -> Offer | None:
        """Return a recommendation, None if it is not known (any more)."""
        with self.reading() as database:
            row = database.execute(
                "SELECT number, listener, context FROM recommendations WHERE id = ?", (recommendation_id,)
            ).fetchone()
            if row is None:
                return None
            number, listener, context = row
            songs = database.execute("SELECT song_id FROM offers WHERE recommendation = ? ORDER BY place", (number,))
            return Offer(listener, _unpacked(context), tuple(song_id for (song_id,) in songs))

    def latest_songs(self, listener: str, count: int) -> list[int]:
        """Return the songs that were recommended to a listener last, or judged by him, the latest first."""
        with self.reading() as database:
            offered = database.execute(
                "SELECT time, song_id FROM recommendations JOIN offers ON recommendation = number WHERE listener = ? "
                "ORDER BY number DESC, place DESC LIMIT ?",
                (listener, count),
            ).fetchall()
            # Songs of our recommendations are in the list above, at the time at which they were recommended.
            judged = database.execute(
                "SELECT told, song_id FROM opinions WHERE listener = ? AND recommendation_id = '' "
                "ORDER BY told DESC LIMIT ?",
                (listener, count),
            ).fetchall()
        # By their times alone: songs of one recommendation stay in their order.
        latest = sorted(judged + offered, key=lambda row: -row[0])
        return list(dict.fromkeys(song_id for _, song_id in latest))[:count]

    def add_opinion(self, opinion: Opinion) -> Counted:
        """Note an opinion. A listener has one opinion of a song of a recommendation: the last outright one.

        Returns:
            whether it is `new`, has `replaced` an earlier one, or the earlier one was `kept`, because it is the same
            (its time is that of the last time) or was outright and this one is not.
        """
        key = (opinion.listener, opinion.recommendation_id, opinion.song_id)
        with self.writing() as database:
            before = database.execute(
                "SELECT number, kind, reward FROM opinions "
                "WHERE listener = ? AND recommendation_id = ? AND song_id = ?",
                key,
            ).fetchone()
            if before is None:
                features = _packed(opinion.context), _packed(opinion.song)
                database.execute(
                    "INSERT INTO opinions "
                    "(listener, recommendation_id, song_id, kind, reward, context, song, time, told) "
                    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    (*key, opinion.kind, opinion.reward, *features, opinion.time, opinion.time),
                )
                _prune(database, "opinions", opinion.listener, KEPT_OPINIONS)
                return "new"
            number, kind, reward = before
            database.execute("UPDATE opinions SET told = ? WHERE number = ?", (opinion.time, number))
            if kind in OUTRIGHT and opinion.kind not in OUTRIGHT:
                return "kept"
            database.execute(
                "UPDATE opinions SET kind = ?, reward = ?, time = ? WHERE number = ?",
                (opinion.kind, opinion.reward, opinion.time, number),
            )
            return "kept" if (kind, reward) == (opinion.kind, opinion.reward) else "replaced"

    def opinions(self, listener: str) -> list[Opinion]:
        """Return all opinions of a listener, the oldest first."""
        with self.reading() as database:
            rows = database.execute(
                "SELECT listener, recommendation_id, song_id, kind, reward, context, song, time FROM opinions "
                "WHERE listener = ? ORDER BY number",
                (listener,),
            ).fetchall()
        return [
            Opinion(who, brought_by, song_id, kind, reward, _unpacked(context), _unpacked(song), told_at)
            for who, brought_by, song_id, kind, reward, context, song, told_at in rows
        ]

    def disliked(self, listener: str) -> list[int]:
        """Return the songs of which a listener's last outright word was a thumb down, or as good as one.

        What was merely done since, such as hearing one out, changes nothing of that.
        """
        with self.reading() as database:
            rows = database.execute(
                "SELECT song_id, kind, reward FROM opinions WHERE listener = ? ORDER BY time, number", (listener,)
            )
            last = {song_id: reward for song_id, kind, reward in rows if kind in OUTRIGHT}
        return [song_id for song_id, reward in last.items() if reward <= THUMB_DOWN]

    def listeners(self) -> dict[str, int]:
        """Return everyone who has an opinion, with how many."""
        with self.reading() as database:
            return dict(database.execute("SELECT listener, count(*) FROM opinions GROUP BY listener ORDER BY listener"))

    def reset(self, listener: str) -> int:
        """Forget a listener altogether, and return how many opinions that were."""
        with self.writing() as database:
            database.execute("DELETE FROM recommendations WHERE listener = ?", (listener,))
            return database.execute("DELETE FROM opinions WHERE listener = ?", (listener,)).rowcount


def _prune(database: sqlite3.Connection, table: str, listener: str, kept: int) -> None:
    """Drop a listener's oldest rows beyond so many."""
    database.execute(
        f"DELETE FROM {table} WHERE listener = ? AND number <= "  # noqa: S608 - our own names
        f"(SELECT number FROM {table} WHERE listener = ? ORDER BY number DESC LIMIT 1 OFFSET ?)",
        (listener, listener, kept),
    )


def _packed(numbers: NDArray[np.float32] | Sequence[float]) -> bytes:
    return np.asarray(numbers, "<f4").tobytes()


def _unpacked(packed: Any) -> NDArray[np.float32]:
    return np.frombuffer(packed, "<f4").astype(np.float32)
