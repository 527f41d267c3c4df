"""The data and the nets of the score models."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed (pip install robotd[export])")

from export.recipe import Recipe  # noqa: E402 - after the check for torch
from export.train import judge, judge_notes  # noqa: E402 - after the check for torch
from export.train.loop import logits  # noqa: E402
from robotd.perceive.features.score import Notes, score_features  # noqa: E402
from robotd.perceive.features.symbolic import note_features  # noqa: E402


def notes(count: int) -> Notes:
    onset_s = np.linspace(10.0, 10.0 + 0.5 * (count - 1), count)
    return Notes(onset_s, np.full(count, 0.4), 60 + np.arange(count) % 12, np.full(count, 64))


def test_a_changed_clip_is_most_of_it_in_another_key() -> None:
    rng = np.random.default_rng(0)
    whole = notes(80)
    for _ in range(50):
        part = judge.changed(whole, rng)
        assert 0.55 * len(whole) <= len(part) <= len(whole)
        assert 0.94 <= np.diff(part.onset_s)[0] / 0.5 <= 1.06
        assert abs(int(np.median(part.pitch)) - int(np.median(whole.pitch))) <= 6
        assert (part.velocity >= 60).all()
        assert (part.velocity <= 68).all()


def test_no_net_is_trained_on_the_song_that_it_is_measured_with(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    songs = np.repeat(np.arange(20), 3)
    features = rng.standard_normal((60, 2, 14)).astype(np.float32)
    data = judge.Scores(features, np.arange(60) % 4, songs, {})
    measured: list[np.ndarray] = []

    def trained(_recipe: object, part: judge.Scores, _checkpoint: object) -> judge.Net:
        held_back = part.tests["fold"].groups
        assert held_back is not None
        assert not set(held_back) & set(part.songs)
        assert len(part.labels) + len(held_back) == len(songs)
        measured.append(held_back)
        return judge.Net()

    monkeypatch.setattr(judge, "train", trained)
    unseen = judge.out_of_fold(judge.RECIPE, data)
    assert unseen.shape == (60, 4)
    assert (unseen != 0).any(axis=1).all()
    assert sorted(np.concatenate(measured)) == songs.tolist()


@pytest.mark.parametrize(("recipe", "of"), [(judge.RECIPE, score_features), (judge_notes.RECIPE, note_features)])
def test_a_net_begins_with_the_spread_of_its_data(recipe: Recipe, of: judge.Features) -> None:
    data = judge.generate(of)
    net = recipe.net()
    assert recipe.start is not None
    recipe.start(net, data)
    standardised = net.standardise(torch.from_numpy(data.calibration)).numpy()
    assert np.abs(standardised.mean(axis=0)).max() < 0.5
    assert np.abs(standardised).max() <= 4.0
    assert logits(net, data.calibration).shape == (len(data.labels), 4)


def test_the_committee_gives_the_logarithm_of_its_members_mean() -> None:
    torch.manual_seed(0)
    net = judge_notes.Committee()
    inputs = np.random.default_rng(0).standard_normal((5, net.standardise.mean.shape[0])).astype(np.float32)
    shares = np.exp(logits(net, inputs))
    assert shares.sum(axis=1) == pytest.approx(1.0, abs=1e-5)
    net.train()
    net.dropout.eval()
    with torch.inference_mode():
        members = net(torch.from_numpy(inputs)).softmax(dim=2)
    assert members.shape == (5, judge_notes.MEMBERS, 4)
    assert members.mean(dim=1).numpy() == pytest.approx(shares, abs=1e-5)


def test_features_far_from_all_that_was_seen_are_held_near() -> None:
    standardise = judge.Standardise(2)
    standardise.learn(np.array([[1.0, 5.0], [3.0, 5.0]], np.float32))
    given = standardise(torch.tensor([[3.0, 5.0], [1e9, 7.0]])).numpy()
    assert given.tolist() == [[1.0, 0.0], [4.0, 4.0]]
