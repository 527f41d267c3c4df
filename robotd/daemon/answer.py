"""From a feeling to its answer: when to recommend, and what the band hears."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from robotd.emotion import UNKNOWN, quadrant_at
from robotd.errors import LibraryError

if TYPE_CHECKING:
    from robotd.config import Recommend
    from robotd.daemon.switches import Mode
    from robotd.emotion import Feeling
    from robotd.express.midi.band import Band
    from robotd.music.recommend import Recommendation, Recommender

log = logging.getLogger(__name__)


class Answer:
    """Answers feelings by the mode: `recommend` songs, `compose` music, `both`, or `off`.

    A recommendation follows a new label, or `refresh_s` without one, but never sooner than `min_interval_s`
    after the last. A mood set by hand takes the place of what is felt until it is cleared.
    """

    def __init__(self, recommend: Recommend, recommender: Recommender | None, mode: Mode) -> None:
        self.mode: Mode = mode
        self.mood: tuple[float, float] | None = None
        self._config = recommend
        self._recommender = recommender
        self._answered: str | None = None
        self._answered_at_s = float("-inf")

    def configure(self, recommend: Recommend) -> None:
        """Take new settings."""
        self._config = recommend
        if self._recommender is not None:
            self._recommender.configure(recommend)

    def perform(self, feeling: Feeling, band: Band) -> None:
        """Let the band follow the feeling, or rest."""
        point = self.point(feeling)
        if point is None or self.mode not in {"compose", "both"}:
            band.rest()
        else:
            band.feel(*point, quadrant_at(*point) if self.mood else feeling.quadrant or quadrant_at(*point))

    def due(self, feeling: Feeling) -> tuple[float, float] | None:
        """Return the point to recommend songs for, and take note of it; None while it is not time for one."""
        point = self.point(feeling)
        if point is None or self._recommender is None or self.mode not in {"recommend", "both"}:
            return None
        label = f"mood {point}" if self.mood else feeling.label
        waited_s = feeling.time_s - self._answered_at_s
        if waited_s < (self._config.refresh_s if label == self._answered else self._config.min_interval_s):
            return None
        self._answered, self._answered_at_s = label, feeling.time_s
        return point

    def recommend(self, point: tuple[float, float]) -> Recommendation | None:
        """Return songs for a point, None if there are none (asks the library: for one thread at a time)."""
        assert self._recommender is not None
        try:
            return self._recommender.recommend(*point, count=self._config.tracks)
        except LibraryError as error:
            log.warning("nothing to recommend: %s", error)
            return None

    def forget_times(self) -> None:
        """Begin anew with the times of another input."""
        self._answered, self._answered_at_s = None, float("-inf")

    def point(self, feeling: Feeling | None) -> tuple[float, float] | None:
        """Return the point that is answered: the mood set by hand, else what is felt; None where that is unknown."""
        if self.mood is not None:
            return self.mood
        if feeling is None or feeling.label == UNKNOWN or feeling.valence is None or feeling.arousal is None:
            return None
        return feeling.valence, feeling.arousal
