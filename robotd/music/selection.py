"""Which songs of a shortlist are played, and in which order: relevant, liked, and not all alike."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import numpy as np

from robotd.music.journey import Point, expected_moods, too_sudden
from robotd.music.relevance import Shortlist
from robotd.music.table import FEATURES, UNKNOWN
from robotd.music.taste import SongFeatures, joint_features

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from robotd.config import Recommend
    from robotd.config import Taste as TasteConfig
    from robotd.music.journey import Plan
    from robotd.music.relevance import Relevance, Text
    from robotd.music.table import SongTable

#: So many songs a step are looked at closely.
SHORTLIST = 64
#: Another artist than the one before is taken, unless his song scores so much less.
SAME_ARTIST = 0.1
#: On a journey a song lies within this share of a step of its place. What is farther away costs so much for its
#: distance beyond that: more than any words may weigh, so that it is only taken where there is nothing nearer.
REACH, BEYOND_REACH = 0.5, 1.5
#: For what was said a song may lie so far from the mood, before that costs, too.
FAR = 0.6
#: So many songs within reach are a choice, beside those that it will have used up, and those that rest.
ENOUGH = 8
#: A jump that is too sudden is only made where there is nothing else.
SUDDEN = 10.0
#: A song shall not be like the last ones before it, so many.
REMEMBERED = 6
#: How alike two songs are by their genre, and by their sound; the same artist is alike altogether.
GENRE_SHARE, SOUND_SHARE = 0.4, 0.6
#: Where a song sounds; its place in the plane is wanted, and no reason to call songs alike.
_SOUND = slice(2, len(FEATURES) - 1)
_ANALYSED = len(FEATURES) - 1


@dataclass(frozen=True, slots=True)
class Pick:
    """A chosen song.

    Attributes:
        row: of the table.
        place: the wanted place in the plane of feelings.
        score: relevance and liking, 0..1.
        liking: how much the listener is expected to like it, -1..1; None: nothing is known of the listener.
        tried: whether it was chosen to learn whether it is liked.
        expected: the mood that is to be expected after it.
    """

    row: int
    place: Point
    score: float
    liking: float | None
    tried: bool
    expected: Point


class Expects(Protocol):
    """Tells what a listener will think of songs, as `taste.Taste` does."""

    def expect(self, features: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the reward to be expected of songs, [n] -1..1, and its deviation, [n]."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Moment:
    """For whom and when songs are chosen.

    Attributes:
        context: [len(CONTEXT)] of `taste.context_features`.
        taste: what has been learnt of the listener; None: nothing, or not to be used.
        bars: [n] 0, or -inf for songs that may not be chosen; None: all may.
        costs: by row, how much less a song is worth now, for instance because it was heard lately.
    """

    context: NDArray[np.float32]
    taste: Expects | None = None
    bars: NDArray[np.float32] | None = None
    costs: Mapping[int, float] = field(default_factory=dict)


class Selector:
    """Chooses songs of a library.

    Args:
        relevance: the library.
    """

    def __init__(self, relevance: Relevance) -> None:
        self.relevance = relevance
        self.songs = SongFeatures(relevance.table)

    def choose(self, plan: Plan, text: Text, moment: Moment, config: Recommend, taste: TasteConfig) -> list[Pick]:
        """Choose a song for each step of a plan.

        Each is the best by relevance, expected liking and newness to what was chosen before it (maximal marginal
        relevance: Carbonell & Goldstein, "The use of MMR, diversity-based reranking", SIGIR 1998). Of songs that are
        as good, the one is taken after which the mood is expected nearest to the goal. No artist comes twice in a
        row while another one is about as good. From a low mood no song jumps to the opposite quadrant.

        Args:
            plan: the way.
            text: what was said.
            moment: for whom and when.
            config: the diversity.
            taste: how much liking counts, and how much a try may cost.

        Returns:
            one for each step; fewer if there are not so many songs.
        """
        candidates = self._candidates(plan, text, moment, taste)
        goal = None if plan.goal == plan.start else np.array(plan.goal)
        reach = _reach(plan, text)
        mood, before = plan.start, plan.start
        picks: list[Pick] = []
        for place in plan.steps:
            aim = _Aim(place, goal, config.diversity, reach, self._last(picks, plan))
            pick = self._pick(mood, aim, candidates[place], picks)
            if pick is not None and too_sudden(aim.last, self.relevance.table.points[[pick.row]])[0]:
                # No song near this place will do: one near the place before it is a smaller step.
                pick = self._pick(mood, aim, candidates[before], picks) or pick
            if pick is not None:
                picks.append(pick)
                mood = pick.expected
            before = place
        return picks

    def _candidates(self, plan: Plan, text: Text, moment: Moment, config: TasteConfig) -> dict[Point, _Candidates]:
        """Return the songs that are relevant to each place, with what is liked and what they cost."""
        places = list(dict.fromkeys(plan.steps))
        # With as many more as may fall behind by their costs, none that belongs there is missed.
        most = max(SHORTLIST, 2 * len(plan.steps)) + len(moment.costs)
        points = np.array(places, np.float32)
        reach = _reach(plan, text)
        if math.isinf(reach):
            shortlists = self.relevance.shortlist(points, text, most, moment.bars)
        else:
            near = [self.relevance.near(point, reach, text, most, moment.bars) for point in points]
            enough = ENOUGH + len(plan.steps) + len(moment.costs)
            shortlists = [
                found if len(found.rows) >= enough else self._nearest(point, text, most, moment.bars)
                for point, found in zip(points, near, strict=True)
            ]
        shortlists = [self._with_others(*one, text, moment.bars) for one in zip(points, shortlists, strict=True)]
        rows = np.concatenate([shortlist.rows for shortlist in shortlists])
        scores = np.concatenate([shortlist.scores for shortlist in shortlists])
        liking, spread = np.full(len(rows), np.nan, np.float32), np.zeros(len(rows), np.float32)
        if moment.taste is not None and len(rows):
            liking, spread = moment.taste.expect(joint_features(moment.context, self.songs.of(rows)))
            scores += np.float32(config.weight) * liking
        costs = np.array([moment.costs.get(row, 0.0) for row in rows.tolist()], np.float32)
        # Words would outweigh any rest: a song that rests has no credit for them.
        costs += np.where(costs > 0, text.share_of(rows), 0)
        # A try costs no more than `explore`, however little is known.
        tempting = np.float32(config.explore) * np.minimum(spread, 1)
        ends = np.cumsum([len(shortlist.rows) for shortlist in shortlists])[:-1]
        columns = (np.split(column, ends) for column in (rows, scores, liking, costs, tempting))
        return {place: _Candidates(*parts) for place, *parts in zip(places, *columns, strict=True)}

    def _nearest(
        self, point: NDArray[np.float32], text: Text, most: int, bars: NDArray[np.float32] | None
    ) -> Shortlist:
        """Return the songs nearest to a place, whatever was said."""
        (nearest,) = self.relevance.shortlist(point[None], text.unsaid, most, bars)
        return Shortlist(nearest.rows, self.relevance.scores(nearest.rows, point, text))

    def _with_others(
        self, point: NDArray[np.float32], shortlist: Shortlist, text: Text, bars: NDArray[np.float32] | None
    ) -> Shortlist:
        """Return a shortlist to which others' songs were added, if all were one artist's."""
        artists = np.unique(self.relevance.table.artist[shortlist.rows])
        if len(artists) != 1 or artists[0] == UNKNOWN:
            return shortlist
        theirs = np.where(self.relevance.table.artist == artists[0], np.float32(-np.inf), np.float32(0))
        (others,) = self.relevance.shortlist(point[None], text, ENOUGH, theirs if bars is None else theirs + bars)
        return Shortlist(
            np.concatenate([shortlist.rows, others.rows]), np.concatenate([shortlist.scores, others.scores])
        )

    def _last(self, picks: list[Pick], plan: Plan) -> NDArray[np.float32]:
        """Return where the song before the next one lies; before the first: where the mood is."""
        return self.relevance.table.points[picks[-1].row] if picks else np.array(plan.start, np.float32)

    def _pick(self, mood: Point, aim: _Aim, songs: _Candidates, picks: list[Pick]) -> Pick | None:
        """Pick the next song, None if there is none left."""
        table, rows = self.relevance.table, songs.rows
        points = table.points[rows]
        moods = expected_moods(mood, points)
        worth = (1 - aim.diversity) * songs.scores - songs.costs - aim.distance(moods, points)
        worth -= SUDDEN * too_sudden(aim.last, points)
        if picks:
            chosen = np.array([pick.row for pick in picks])
            worth -= aim.diversity * likeness(table, rows, chosen[-REMEMBERED:]).max(axis=1)
            artist = table.artist[chosen[-1]]
            if artist != UNKNOWN:
                worth -= SAME_ARTIST * (table.artist[rows] == artist)
            worth[(rows[:, None] == chosen).any(axis=1)] = -np.inf
        worth_a_try = worth + songs.tempting
        best = int(worth_a_try.argmax()) if len(rows) else -1
        if best < 0 or worth_a_try[best] == -np.inf:
            return None
        return Pick(
            row=int(rows[best]),
            place=aim.place,
            score=min(max(float(songs.scores[best]), 0.0), 1.0),
            liking=None if np.isnan(songs.liking[best]) else float(songs.liking[best]),
            tried=int(worth.argmax()) != best,
            expected=Point(*moods[best].tolist()),
        )


def _reach(plan: Plan, text: Text) -> float:
    """Return how far from its place a song may lie at no cost."""
    if plan.goal != plan.start:
        return REACH * plan.step
    return math.inf if text.score is None else FAR


@dataclass(frozen=True, slots=True, eq=False)
class _Candidates:
    """Songs that may be picked for a place, [k] each; `liking` is NaN where nothing is known of the listener."""

    rows: NDArray[np.int64]
    scores: NDArray[np.float32]
    liking: NDArray[np.float32]
    costs: NDArray[np.float32]
    tempting: NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class _Aim:
    """What a song is picked for."""

    place: Point
    goal: NDArray[np.float64] | None
    diversity: float
    reach: float
    last: NDArray[np.float32]

    def distance(self, moods: NDArray[np.float64], songs: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return how far the moods are from the goal after songs at these places, with what lies beyond reach."""
        away = np.hypot(*(songs - np.array(self.place)).T)
        costs: NDArray[np.float64] = BEYOND_REACH * np.maximum(away - self.reach, 0)
        return costs if self.goal is None else costs + np.hypot(*(moods - self.goal).T)


def likeness(table: SongTable, rows: NDArray[np.int64], others: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return how alike songs are, [len(rows), len(others)] 0..1: by artist, genre and sound, as far as known."""
    genre, artist = (
        (column[rows, None] == column[others]) & (column[others] != UNKNOWN) for column in (table.genre, table.artist)
    )
    features, other_features = table.features[rows], table.features[others]
    analysed = (features[:, _ANALYSED, None] > 0) & (other_features[:, _ANALYSED] > 0)
    alike: NDArray[np.float64] = GENRE_SHARE * genre
    if analysed.any():
        away = ((features[:, None, _SOUND] - other_features[None, :, _SOUND]) ** 2).mean(axis=2)
        alike += SOUND_SHARE * np.exp(-away) * analysed
    return np.where(artist, 1.0, alike)
