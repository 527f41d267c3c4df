"""Whether listeners hear what was composed: halves, intervals, figures, and the measurement as a whole."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from robotd.emotion import Quadrant, quadrant_at
from robotd.music.bar import SCALES, Bar, Mode, Note
from robotd.music.compose.judge import notes_of
from robotd.music.compose.studio import Tally

if TYPE_CHECKING:
    from robotd.music.compose.judge import Judge

torch = pytest.importorskip("torch", reason="torch is not installed (pip install robotd[export])")
pytest.importorskip("onnxscript", reason="onnxscript is not installed (pip install robotd[export])")

from export.data.emopia import QUADRANTS, Clip  # noqa: E402 - after the check for torch
from export.heard import listeners  # noqa: E402
from export.heard.composers import factory_of  # noqa: E402
from export.heard.figures import FIGURES, kolmogorov_smirnov, overlapping_area  # noqa: E402
from export.heard.measure import Answers, Heard, measure, wilson  # noqa: E402
from export.heard.pictures import draw_confusions, draw_distributions  # noqa: E402
from export.heard.pieces import compose, points  # noqa: E402
from export.heard.report import report  # noqa: E402
from export.heard.songs import first_half, part, read_songs, songs_of  # noqa: E402
from export.recipe import Recipe  # noqa: E402
from export.train.judge import Scores  # noqa: E402
from robotd.perceive.features.symbolic import NAMES  # noqa: E402

SAMPLES = st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=40).map(np.array)


class Careless:
    """Composes for whatever quadrant comes to its mind, unless a judge tells it to think again."""

    def __init__(self, seed: int, judge: Judge | None) -> None:
        self.rng = np.random.default_rng(seed)
        self.judge = judge
        self.tally = Tally()
        self.mind: Quadrant | None = None

    def bar(self, _valence: float, _arousal: float, index: int, quadrant: Quadrant | None = None) -> Bar:
        assert quadrant is not None
        while self.mind is None:
            thought = tuple(Quadrant)[self.rng.integers(4)]
            self.tally.tries += 1
            bars = [self.written(thought, index) for _ in range(3)]
            verdict = self.judge.hear(bars) if self.judge else None
            if verdict is None or verdict.quadrant is quadrant:
                self.mind = thought
        self.tally.judged += self.judge is not None
        self.tally.accepted += self.judge is not None
        return self.written(self.mind, index)

    ending = bar

    def written(self, quadrant: Quadrant, index: int) -> Bar:
        return written(quadrant, index, self.rng)


def written(quadrant: Quadrant, index: int, rng: np.random.Generator) -> Bar:
    """A broken chord of the tonic: major or minor, fast and loud or slow and soft."""
    gap, velocity = (0.25, 90) if quadrant in {Quadrant.Q1, Quadrant.Q2} else (0.5, 50)
    mode: Mode = "major" if quadrant in {Quadrant.Q1, Quadrant.Q4} else "minor"
    pitches = 60 + rng.choice([0, SCALES[mode][2], 7, 12], int(4 / gap))
    notes = tuple(Note(n * gap, gap, int(pitch), velocity) for n, pitch in enumerate(pitches))
    return Bar(index, notes, 100.0, 0, mode, quadrant)


@pytest.fixture(scope="module")
def songs() -> Scores:
    """Twelve songs a quadrant, four clips of each."""
    rng = np.random.default_rng(0)
    clips = []
    for song, quadrant in enumerate(tuple(Quadrant) * 12):
        for _ in range(4):
            notes = notes_of([written(quadrant, bar, rng) for bar in range(3)])
            clips.append(Clip(f"{song:02}", notes, QUADRANTS.index(quadrant.value)))
    return songs_of(clips)


@pytest.fixture(scope="module")
def heard(songs: Scores, tmp_path_factory: pytest.TempPathFactory) -> Heard:
    def shorter(recipe: Recipe) -> Recipe:
        return replace(recipe, schedule=replace(recipe.schedule, epochs=25, ema_decay=0.8))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(listeners, "longer", shorter)
        patch.setattr(listeners, "_TREES", 50)
        return measure(songs, Careless, tmp_path_factory.mktemp("checkpoints"), pieces=8, bars=6)


def test_no_song_is_in_both_halves_and_each_quadrant_is_in_both(songs: Scores) -> None:
    first = first_half(songs, 0)
    assert not set(songs.songs[first]) & set(songs.songs[~first])
    assert len(set(songs.songs[first])) == len(set(songs.songs[~first]))
    assert set(songs.labels[first]) == set(songs.labels[~first]) == {0, 1, 2, 3}
    assert (first == first_half(songs, 0)).all()
    assert (first != first_half(songs, 1)).any()


def test_halves_have_as_many_songs_of_every_quadrant() -> None:
    labels = np.repeat([0, 0, 0, 1, 1, 2, 2, 2, 2, 3], 3)
    songs = Scores(np.zeros((30, 1, 1), np.float32), labels, np.arange(30) // 3, {})
    first = first_half(songs, 3)
    assert first.sum() == 15
    for quadrant in range(4):
        assert abs(int(first[labels == quadrant].sum()) - int((~first)[labels == quadrant].sum())) <= 3


def test_a_part_is_tested_with_all_that_it_does_not_learn_from(songs: Scores) -> None:
    first = first_half(songs, 0)
    half = part(songs, first)
    others = half.tests["others"]
    assert len(half.labels) + len(others) == len(songs.labels)
    assert np.array_equal(others.inputs, songs.calibration[~first])
    assert half.songs.max() + 1 == len(set(songs.songs[first]))


@pytest.mark.parametrize(
    ("right", "count", "low", "high"), [(0, 10, 0.0, 0.278), (10, 10, 0.722, 1.0), (85, 100, 0.767, 0.907)]
)
def test_wilson_intervals(right: int, count: int, low: float, high: float) -> None:
    assert wilson(right, count) == pytest.approx((low, high), abs=1e-3)


def test_answers_tell_quadrants_and_signs() -> None:
    answers = Answers(np.array([0, 0, 1, 2, 3]), np.array([0, 3, 1, 1, 2]))
    assert answers.right == 2
    assert answers.of(0).share == 0.5
    assert answers.sign("valence") == pytest.approx(4 / 5)
    assert answers.sign("arousal") == pytest.approx(3 / 5)
    assert answers.confusion.tolist() == [[1, 0, 0, 1], [0, 1, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0]]


@given(SAMPLES, SAMPLES)
def test_the_distance_of_distributions(first: np.ndarray, second: np.ndarray) -> None:
    assert kolmogorov_smirnov(first, first) == 0.0
    assert 0.0 <= kolmogorov_smirnov(first, second) <= 1.0
    assert kolmogorov_smirnov(first, second) == kolmogorov_smirnov(second, first)
    assert kolmogorov_smirnov(first, second + 3e3) == pytest.approx(1.0)


def test_overlapping_areas() -> None:
    rng = np.random.default_rng(0)
    own, same, near, far = (rng.normal(mean, 1.0, 200) for mean in (0.0, 0.0, 2.0, 20.0))
    assert overlapping_area(own, same) > 0.95
    assert overlapping_area(own, same) > overlapping_area(own, near) > overlapping_area(own, far)
    assert overlapping_area(own, far) < 0.01
    assert overlapping_area(np.ones(5), np.ones(3)) == pytest.approx(1.0)
    assert overlapping_area(np.ones(5), np.full(3, 2.0)) < 0.01


def test_pieces_lie_in_their_quadrants_and_come_again() -> None:
    assert points(5, 0) == points(5, 0)
    assert points(5, 0) != points(5, 1)
    for number, valence, arousal in points(50, 0):
        assert quadrant_at(valence, arousal) is tuple(Quadrant)[number]
    once, again = (compose(Careless, None, pieces=2, bars=3, seed=4) for _ in range(2))
    assert [piece.bars for piece in once] == [piece.bars for piece in again]
    assert len({piece.bars for piece in once}) == len(once) == 8


def test_what_was_read_of_songs_is_kept(songs: Scores, tmp_path: Path) -> None:
    file = tmp_path / "kept.npz"
    np.savez(file, names=np.array(NAMES), features=songs.features, labels=songs.labels, songs=songs.songs)
    assert np.array_equal(read_songs(tmp_path / "nowhere", file).features, songs.features)
    np.savez(file, names=np.array(["another"]), features=songs.features, labels=songs.labels, songs=songs.songs)
    with pytest.raises(FileNotFoundError):
        read_songs(tmp_path / "nowhere", file)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")
def test_listeners_hear_when_a_judge_was_asked(heard: Heard) -> None:
    off, on = heard.settings
    assert [one.name for one in heard.listeners] == ["committee", "perceptron", "trees", "judge"]
    for name in off.answers:
        assert heard.real[name].share > 0.9
        assert on.answers[name].share > 0.8
        assert off.answers[name].share < 0.6
    assert all(piece.tally.judged == 6 and piece.tally.tries >= 1 for piece in on.pieces)
    assert not any(piece.tally.judged for piece in off.pieces)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")
def test_the_report_has_its_tables_and_pictures(heard: Heard, tmp_path: Path) -> None:
    text = report(heard, "the command")
    tables = [line for line in text.splitlines() if line.startswith("|")]
    assert sum(line.startswith("| judging on | committee |") for line in tables) == 1
    assert sum(line.startswith(f"| {FIGURES[0].name} | Q3 |") for line in tables) == 1
    assert "heard as wanted at last" in text
    for draw, name in ((draw_confusions, "composer_confusion.png"), (draw_distributions, "composer_distributions.png")):
        assert f"({name})" in text
        draw(tmp_path / name, heard)
        assert (tmp_path / name).stat().st_size > 2000


def test_the_composer_that_ships_is_one_to_listen_to() -> None:
    pieces = compose(factory_of("rules", "conditioned"), None, pieces=2, bars=6)
    assert {piece.bars[0].quadrant for piece in pieces} == set(Quadrant)
    for piece in pieces:
        assert [bar.index for bar in piece.bars] == list(range(6))
        assert piece.tally.stretches == 2
        assert len(piece.notes) > 10
