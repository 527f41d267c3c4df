"""From a feeling to its answer: when to recommend, and what the band hears."""

from __future__ import annotations

import logging
import sqlite3
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from robotd.emotion import UNKNOWN, quadrant_at
from robotd.errors import LibraryError
from robotd.music.recommendation import Wish

if TYPE_CHECKING:
    from robotd.config import Config
    from robotd.daemon.switches import Mode
    from robotd.emotion import Feeling
    from robotd.express.midi.band import Band
    from robotd.music.recommend import Recommender
    from robotd.music.recommendation import Recommendation
    from robotd.perceive.said import Said

log = logging.getLogger(__name__)

#: What was said counts for songs for so long.
SAID_COUNTS_S = 300.0


class Answer:
    """Answers feelings by the mode: `recommend` songs, `compose` music, `both`, or `off`.

    A recommendation follows a new label, or new words, or `refresh_s` without either, but never sooner than
    `min_interval_s` after the last. A mood set by hand takes the place of what is felt until it is cleared.
    """

    def __init__(self, config: Config, recommender: Recommender | None, mode: Mode) -> None:
        self.mode: Mode = mode
        self.mood: tuple[float, float] | None = None
        self._config = config.recommend
        self._recommender = recommender
        self._answered: str | None = None
        self._answered_said: Said | None = None
        self._answered_at_s = float("-inf")
        self._trouble: str | None = None

    @property
    def trouble(self) -> str | None:
        """Why the last recommendation failed, in a few words; None: it did not."""
        return self._trouble

    def configure(self, config: Config) -> None:
        """Take new settings."""
        self._config = config.recommend
        if self._recommender is not None:
            self._recommender.configure(config.recommend, config.taste)

    def perform(self, feeling: Feeling, band: Band) -> None:
        """Let the band follow the feeling, or rest."""
        point = self.point(feeling)
        if point is None or self.mode not in {"compose", "both"}:
            band.rest()
        else:
            band.feel(*point, quadrant_at(*point) if self.mood else feeling.quadrant or quadrant_at(*point))

    def due(self, feeling: Feeling, said: Said | None = None) -> Wish | None:
        """Return what songs are to be recommended for, and take note of it; None while it is not time for any.

        Args:
            feeling: of now.
            said: what was said last, if anything; it counts for some minutes.
        """
        point = self.point(feeling)
        if point is None or self._recommender is None or self.mode not in {"recommend", "both"}:
            return None
        fresh = said if said is not None and feeling.time_s - said.time_s <= SAID_COUNTS_S else None
        label = f"mood {point}" if self.mood else feeling.label
        # That words have become old is no news.
        news = label != self._answered or (fresh is not None and fresh is not self._answered_said)
        waited_s = feeling.time_s - self._answered_at_s
        if waited_s < (self._config.min_interval_s if news else self._config.refresh_s):
            return None
        self._answered, self._answered_said, self._answered_at_s = label, said, feeling.time_s
        now = datetime.now().astimezone()
        wish = Wish(*point, hour=now.hour + now.minute / 60)
        if fresh is None:
            return wish
        return replace(wish, emotions=fresh.emotions, keywords=fresh.keywords, listener=fresh.listener)

    def recommend(self, wish: Wish) -> Recommendation | None:
        """Return songs for a wish, None if there are none (asks the library: for one thread at a time)."""
        assert self._recommender is not None
        try:
            found = self._recommender.recommend(wish)
        except LibraryError as error:
            trouble = _trouble(error)
            if trouble != self._trouble:
                log.warning("nothing to recommend: %s", error)
            self._trouble = trouble
            return None
        if self._trouble is not None:
            log.info("songs are recommended again")
        self._trouble = None
        return found

    def forget_times(self) -> None:
        """Begin anew with the times of another input."""
        self._answered, self._answered_said, self._answered_at_s = None, None, float("-inf")

    def point(self, feeling: Feeling | None) -> tuple[float, float] | None:
        """Return the point that is answered: the mood set by hand, else what is felt; None where that is unknown."""
        if self.mood is not None:
            return self.mood
        if feeling is None or feeling.label == UNKNOWN or feeling.valence is None or feeling.arousal is None:
            return None
        return feeling.valence, feeling.arousal


def _trouble(error: LibraryError) -> str:
    """Return in a few words why nothing can be recommended; without a path, as it is published."""
    if "is damaged" in str(error):
        return "song library damaged"
    return "no song library" if isinstance(error.__cause__, sqlite3.Error) else "no songs to recommend"
