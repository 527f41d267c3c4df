"""Whether songs move moods as expected: the measurement on made-up people, and on those of SiTunes where they are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from export.data.situnes import SiTunes, read_situnes
from export.taste import moves as moves_module
from export.taste.moves import OURS, Moves, Rival, correlation, measure_moves, same_mood
from export.taste.report import moves_report
from robotd.music import journey
from robotd.music.table import song_table

DATA = Path("../shared/data")
REST, KEEP, PULL = np.array([0.1, -0.1]), np.array([0.6, 0.5]), np.array([0.3, 0.5])


@pytest.fixture(autouse=True)
def _few_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(moves_module, "RESAMPLED", 100)


def people(count: int = 8, listens: int = 60, *, pull: np.ndarray = PULL) -> SiTunes:
    """Made-up people whose moods go by the formula, but for a little noise."""
    random = np.random.default_rng(2)
    n = count * listens
    table = song_table(range(1, 41), random.uniform(-1, 1, (40, 2)))
    row = random.integers(0, 40, n)
    before = random.uniform(-0.8, 0.8, (n, 2))
    after = REST + KEEP * before + pull * table.points[row] + random.normal(0, 0.05, (n, 2))
    liked = table.points[row, 0] > 0
    return SiTunes(
        table,
        popularity=random.uniform(0, 100, 40),
        user=np.repeat(np.arange(count), listens),
        stage=np.full(n, 2),
        row=row,
        rating=np.where(liked, 5.0, 1.0),
        before=before,
        after=after,
    )


def by_name(rivals: tuple[Rival, ...]) -> dict[str, Rival]:
    return {rival.name: rival for rival in rivals}


def test_the_law_of_made_up_moods_is_found() -> None:
    found = measure_moves(people(), 0.995)
    for axis, name in enumerate(("valence", "arousal")):
        wanted = (REST[axis], KEEP[axis], PULL[axis])
        assert found.coefficients[name] == pytest.approx(wanted, abs=0.02)
        rivals = by_name(found.agreement[name])
        assert rivals[OURS].figure.value > 0.9
        assert rivals[OURS].figure.value > rivals["mood alone"].figure.value + 0.1
        assert abs(rivals["random"].figure.value) < 0.2
    assert found.taste.value > 0.5


def test_the_song_that_is_chosen_is_the_better_one() -> None:
    chosen = by_name(measure_moves(people(), 0.995).chosen["all"])
    assert chosen[OURS].figure.value > 0.8
    assert chosen[OURS].figure.low <= chosen[OURS].figure.value <= chosen[OURS].figure.high
    assert chosen["random"].figure.value == pytest.approx(0.5, abs=0.1)
    ahead = chosen["random"].ahead
    assert ahead is not None
    assert ahead.low > 0.1


def test_songs_that_do_nothing_are_chosen_by_chance() -> None:
    chosen = by_name(measure_moves(people(pull=np.zeros(2)), 0.995).chosen["all"])
    assert chosen[OURS].figure.value == pytest.approx(0.5, abs=0.08)


def test_pairs_are_of_one_person_in_one_mood() -> None:
    user, before = np.array([1, 1, 1, 2]), np.array([[0, 0], [0.1, 0.1], [0.5, 0], [0, 0]])
    assert same_mood(user, before).tolist() == [[0, 1]]


def test_what_does_not_vary_agrees_with_nothing() -> None:
    assert correlation(np.ones(3), np.arange(3.0)) == 0
    assert correlation(np.arange(3.0), -np.arange(3.0)) == pytest.approx(-1)


def test_the_report_holds_every_figure() -> None:
    found = measure_moves(people(), 0.995)
    told = moves_report(found, "python -m export situnes")
    assert told.count(OURS) == 2 + 4
    assert f"{found.pairs:,} pairs" in told
    assert "{" not in told


@pytest.fixture(scope="module")
def real() -> Moves:
    try:
        situnes = read_situnes(DATA)
    except FileNotFoundError:
        pytest.skip("SiTunes is not at hand")
    return measure_moves(situnes, 0.995)


def test_journeys_expect_what_people_told(real: Moves) -> None:
    held = np.stack([journey._REST, journey._KEEP, journey._PULL], axis=1)
    assert held == pytest.approx(np.array(list(real.coefficients.values())), abs=0.002)


def test_foreseen_moves_agree_better_than_song_alone_chance_and_popularity(real: Moves) -> None:
    for rivals in real.agreement.values():
        of = by_name(rivals)
        for name in ("song's valence and arousal alone", "random", "most popular"):
            ahead = of[name].ahead
            assert ahead is not None
            assert ahead.low > 0


def test_chosen_songs_are_better_than_by_song_alone_chance_and_popularity(real: Moves) -> None:
    for rival in real.chosen["all"]:
        if rival.name != OURS:
            assert rival.ahead is not None
            assert rival.ahead.low > 0
