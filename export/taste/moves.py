"""How songs move the mood: what `robotd.music.journey` expects, fitted to SiTunes and put to the test.

The mood after a song is expected, on each axis, at rest + keep x mood before + pull x song. Everything is tested on
people from whom nothing was learnt: the three numbers of each axis come from all the others.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from robotd.music.journey import Point, goal_of
from robotd.music.taste import CONTEXT, SongFeatures, Taste, context_features, joint_features

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from robotd.config import Target

    from ..data.situnes import SiTunes

    Figure = Callable[[NDArray[np.int64]], float]

AXES = ("valence", "arousal")
TARGETS: tuple[Target, ...] = ("uplift", "calm", "focus")
OURS = "expected mood (ours)"
#: Two listens began in the same mood if the moods were so near.
SAME_MOOD = 0.2
RESAMPLED = 2000


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its 95 % interval over people (bootstrap: people are drawn with replacement)."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Rival:
    """What one way is worth.

    Attributes:
        name: the way.
        figure: what it reaches.
        ahead: how much more ours reaches; None for ours.
    """

    name: str
    figure: Estimate
    ahead: Estimate | None


@dataclass(frozen=True, slots=True)
class Moves:
    """What was found.

    Attributes:
        people: how many.
        listens: how many with a mood before and after.
        pairs: of listens of a person that began in the same mood.
        coefficients: by axis: rest, keep, pull, fitted to everybody.
        agreement: by axis: correlations of the moves that are told with those that were measured.
        chosen: by target, and `all`: of two songs heard in the same mood, how often the one that is chosen is the
            one after which the mood was nearer to the target.
        taste: correlation of expected liking with the rating, a listener's own listens only.
    """

    people: int
    listens: int
    pairs: int
    coefficients: dict[str, tuple[float, float, float]]
    agreement: dict[str, tuple[Rival, ...]]
    chosen: dict[str, tuple[Rival, ...]]
    taste: Estimate


@dataclass(frozen=True, slots=True, eq=False)
class _Listens:
    """Those that have a mood before and after: [n] each."""

    user: NDArray[np.int64]
    before: NDArray[np.float64]
    after: NDArray[np.float64]
    song: NDArray[np.float64]
    popularity: NDArray[np.float64]
    liking: NDArray[np.float64]
    rating: NDArray[np.float64]


def measure_moves(situnes: SiTunes, forgetting: float, seed: int = 0) -> Moves:
    """Fit and test.

    Args:
        situnes: the listens.
        forgetting: of taste, as configured.
        seed: of the intervals, and of what is random.
    """
    told = np.isfinite(situnes.before).all(axis=1)
    row = situnes.row[told]
    listens = _Listens(
        situnes.user[told],
        situnes.before[told],
        situnes.after[told],
        situnes.table.points[row].astype(np.float64),
        situnes.popularity[row],
        expected_liking(situnes, forgetting)[told],
        situnes.rating[told],
    )
    random = np.random.default_rng(seed)
    people = np.unique(listens.user)
    drawn = [random.choice(people, len(people)) for _ in range(RESAMPLED)]
    pairs = same_mood(listens.user, listens.before)
    ones = np.ones(len(listens.user))
    coefficients = {}
    for axis, name in enumerate(AXES):
        terms = np.stack([ones, listens.before[:, axis], listens.song[:, axis]], axis=1)
        rest, keep, pull = np.linalg.lstsq(terms, listens.after[:, axis], rcond=None)[0].tolist()
        coefficients[name] = (rest, keep, pull)
    taste = _estimate(lambda rows: correlation(listens.liking[rows], listens.rating[rows]), listens.user, drawn)
    return Moves(
        len(people),
        len(listens.user),
        len(pairs),
        coefficients,
        {name: _agreement(listens, axis, random, drawn) for axis, name in enumerate(AXES)},
        _chosen(listens, pairs, random, drawn),
        taste,
    )


def expected_liking(situnes: SiTunes, forgetting: float) -> NDArray[np.float64]:
    """Return how much each person is expected to like each song, by what he rated before it, [n] -1..1."""
    songs = SongFeatures(situnes.table).of(situnes.row)
    contexts = np.zeros((len(situnes.user), len(CONTEXT)), np.float32)
    for i in np.flatnonzero(np.isfinite(situnes.before).all(axis=1)):
        contexts[i] = context_features(*situnes.before[i].tolist())
    features = joint_features(contexts, songs)
    rewards = ((situnes.rating - 3) / 2).astype(np.float32)
    liking = np.zeros(len(situnes.user))
    for person in np.unique(situnes.user):
        listens = np.flatnonzero(situnes.user == person)
        for place, listen in enumerate(listens[1:], 1):
            past = listens[:place]
            taste = Taste.learn(features[past], rewards[past], forgetting)
            liking[listen] = taste.expect(features[listen : listen + 1])[0][0]
    return liking


def same_mood(user: NDArray[np.int64], before: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return pairs of listens of a person that began in the same mood, [pairs, 2]."""
    pairs = []
    for person in np.unique(user):
        listens = np.flatnonzero(user == person)
        away = np.hypot(*(before[listens][:, None] - before[listens][None]).transpose(2, 0, 1))
        a, b = np.nonzero(np.triu(away <= SAME_MOOD, k=1))
        pairs.append(np.stack([listens[a], listens[b]], axis=1))
    return np.concatenate(pairs)


def correlation(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Return Pearson's; 0 where one does not vary."""
    return 0.0 if np.ptp(a) == 0 or np.ptp(b) == 0 else float(np.corrcoef(a, b)[0, 1])


def _agreement(
    listens: _Listens, axis: int, random: np.random.Generator, drawn: Sequence[NDArray[np.int64]]
) -> tuple[Rival, ...]:
    """Compare what is told of each move with what was measured."""
    mood, song, ones = listens.before[:, axis], listens.song[:, axis], np.ones(len(listens.user))
    moved = listens.after[:, axis] - mood
    terms = {
        OURS: (ones, mood, song),
        "expected mood, with expected liking": (ones, mood, song, listens.liking),
        "mood alone": (ones, mood),
        "song's valence and arousal alone": (ones, song),
        "most popular": (ones, listens.popularity),
    }
    told = {name: _held_out(np.stack(columns, axis=1), moved, listens.user) for name, columns in terms.items()}
    told["random"] = random.permutation(moved)
    figures = {name: _agreeing(moves, moved) for name, moves in told.items()}
    return _rivals(figures, listens.user, drawn)


def _agreeing(told: NDArray[np.float64], moved: NDArray[np.float64]) -> Figure:
    return lambda rows: correlation(told[rows], moved[rows])


def _chosen(
    listens: _Listens, pairs: NDArray[np.int64], random: np.random.Generator, drawn: Sequence[NDArray[np.int64]]
) -> dict[str, tuple[Rival, ...]]:
    """Compare which of two songs is chosen with which led nearer to a target."""
    expected = _expected(listens)
    user = listens.user[pairs[:, 0]]
    moods = listens.before[pairs].mean(axis=1)
    right: dict[str, dict[str, NDArray[np.float64]]] = {}
    for target in TARGETS:
        goals = np.array([goal_of(target, Point(*mood)) for mood in moods.tolist()])[:, None]
        after = np.linalg.norm(listens.after[pairs] - goals, axis=2)
        # What is expected of both songs starts from the same mood, so that only the songs differ.
        nearness = {
            OURS: np.linalg.norm(expected(moods, pairs) - goals, axis=2),
            "song's valence and arousal alone": np.linalg.norm(listens.song[pairs] - goals, axis=2),
            "most popular": -listens.popularity[pairs],
            "random": random.normal(size=pairs.shape),
        }
        right[str(target)] = {name: _right(near, after) for name, near in nearness.items()}
    everything = {name: np.concatenate([of[name] for of in right.values()]) for name in right["uplift"]}
    figures = {target: {name: _share(shares) for name, shares in of.items()} for target, of in right.items()}
    found = {target: _rivals(of, user, drawn) for target, of in figures.items()}
    over_all = {name: _share(shares) for name, shares in everything.items()}
    return found | {"all": _rivals(over_all, np.tile(user, len(TARGETS)), drawn)}


def _expected(listens: _Listens) -> Callable[[NDArray[np.float64], NDArray[np.int64]], NDArray[np.float64]]:
    """Return a function that tells the mood after each song of pairs, [pairs, 2, 2], as the others' moods went."""
    user, ones = listens.user, np.ones(len(listens.user))
    fitted = {}
    for person in np.unique(user).tolist():
        others = user != person
        fitted[person] = [
            np.linalg.lstsq(
                np.stack([ones, listens.before[:, axis], listens.song[:, axis]], axis=1)[others],
                listens.after[others, axis],
                rcond=None,
            )[0]
            for axis in range(2)
        ]

    def tell(moods: NDArray[np.float64], pairs: NDArray[np.int64]) -> NDArray[np.float64]:
        rest, keep, pull = np.array([fitted[person] for person in user[pairs[:, 0]].tolist()]).transpose(2, 0, 1)
        told: NDArray[np.float64] = (rest + keep * moods)[:, None] + pull[:, None] * listens.song[pairs]
        return told

    return tell


def _right(near: NDArray[np.float64], after: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return for each pair 1 where the song taken for nearer was nearer, 0 where not, 1/2 where neither was."""
    agreed = np.diff(near, axis=1)[:, 0] * np.diff(after, axis=1)[:, 0]
    return (np.sign(agreed) + 1) / 2


def _share(right: NDArray[np.float64]) -> Figure:
    return lambda rows: float(right[rows].mean())


def _rivals(
    figures: dict[str, Figure], user: NDArray[np.int64], drawn: Sequence[NDArray[np.int64]]
) -> tuple[Rival, ...]:
    def lead(other: Figure) -> Figure:
        return lambda rows: figures[OURS](rows) - other(rows)

    return tuple(
        Rival(name, _estimate(figure, user, drawn), None if name == OURS else _estimate(lead(figure), user, drawn))
        for name, figure in figures.items()
    )


def _held_out(terms: NDArray[np.float64], moved: NDArray[np.float64], user: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the moves that are told of each person by what was fitted to all others."""
    told = np.zeros(len(moved))
    for person in np.unique(user):
        his = user == person
        told[his] = terms[his] @ np.linalg.lstsq(terms[~his], moved[~his], rcond=None)[0]
    return told


def _estimate(figure: Figure, user: NDArray[np.int64], drawn: Sequence[NDArray[np.int64]]) -> Estimate:
    """Return a figure of all rows, and between what it lies for people drawn anew."""
    rows = {person: np.flatnonzero(user == person) for person in np.unique(user).tolist()}
    resampled = [
        figure(np.concatenate([rows[person] for person in people.tolist() if person in rows])) for people in drawn
    ]
    low, high = np.percentile(resampled, (2.5, 97.5))
    return Estimate(figure(np.arange(len(user))), float(low), float(high))
