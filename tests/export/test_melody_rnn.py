"""Melodies as sequences to learn from, their nets, and the chain from there to a shipped step."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed (pip install robotd[export])")
pytest.importorskip("onnxscript", reason="onnxscript is not installed (pip install robotd[export])")

from export.build import build  # noqa: E402 - after the check for torch
from export.data.grids import Grid  # noqa: E402
from export.recipe import Recipe, Schedule  # noqa: E402
from export.recipes import recipe_named  # noqa: E402
from export.sequence import PADDING, bits, event_figures, step_logits  # noqa: E402
from export.train import melody_rnn  # noqa: E402
from export.train.attention import StepRNN  # noqa: E402
from export.train.loop import logits, next_event, train  # noqa: E402
from export.train.scores import Sequences, condition_of, examples  # noqa: E402
from export.verify import open_session  # noqa: E402
from robotd.config import Runtime  # noqa: E402
from robotd.music.compose.grid import GridNote  # noqa: E402
from robotd.music.compose.melody import Melodist  # noqa: E402
from robotd.music.compose.melody_encoding import EVENTS, FEATURES, decode, event_of  # noqa: E402
from robotd.music.compose.stepnet import Condition, StepNet  # noqa: E402
from robotd.perceive.manifest import load_manifest  # noqa: E402


def grid(*notes: tuple[int, int, int], bars: int = 4, quadrant: int | None = None, **changed: Any) -> Grid:
    """A piece whose notes (start, end, pitch) are all melody."""
    start, end, pitch = np.array(notes, np.int64).reshape(-1, 3).T
    ones = np.ones(len(start), np.int64)
    made = Grid("song", start, end, pitch, 80 * ones, ones > 0, 16 * bars, False, 100.0, quadrant, "emopia", "train")
    return replace(made, **changed)


def scale(*starts: int) -> list[tuple[int, int, int]]:
    return [(start, start + 2, 60 + n % 12) for n, start in enumerate(starts)]


class Row:
    """A piece whose events are counted up, each told of by its own number."""

    def __init__(self, length: int, group: int = 0) -> None:
        self.length, self.group = length, group

    def __len__(self) -> int:
        return self.length

    def window(self, start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
        numbers = np.arange(start, stop)
        return np.stack([np.full(stop - start, self.group), numbers], axis=1).astype(np.float32), numbers


def test_a_melody_is_taken_out_of_a_piece_with_its_feeling() -> None:
    notes = scale(*range(0, 32, 4))
    whole = grid(*notes, (0, 64, 40), bars=2, quadrant=2, minor=True, melody=np.array([True] * 8 + [False]))
    (melody,) = melody_rnn.melodies([whole])
    held = [GridNote(start, start + 4, pitch) for start, _, pitch in notes[:-1]]
    assert decode(melody.events) == (*held, GridNote(28, 30, notes[-1][2]))
    assert melody.condition.tolist() == pytest.approx([-0.6, -0.5, 1, 1])
    assert condition_of(replace(whole, quadrant=None)) == Condition(known=False, minor=True)
    features, events = melody.window(5, 20)
    assert features.shape == (15, FEATURES)
    np.testing.assert_array_equal(events, melody.events[5:20])
    np.testing.assert_array_equal(features, melody.window(0, 32)[0][5:20])


def test_pieces_with_hardly_a_melody_are_left_out() -> None:
    assert melody_rnn.melodies([grid(*scale(0, 4, 8))]) == []
    assert melody_rnn.melodies([grid(bars=4)]) == []


def test_accompaniment_in_a_found_melody_is_taken_out_and_the_note_above_it_held() -> None:
    notes = [GridNote(0, 4, 76), GridNote(4, 6, 55), GridNote(6, 8, 77), GridNote(40, 44, 55)]
    assert melody_rnn.upper(notes) == [GridNote(0, 6, 76), GridNote(6, 8, 77), GridNote(40, 44, 55)]


def test_of_several_silent_bars_one_is_left() -> None:
    notes = [GridNote(0, 8, 60), GridNote(72, 100, 62)]
    short, steps = melody_rnn.without_rests(notes, 128)
    assert short == [GridNote(0, 8, 60), GridNote(40, 68, 62)]
    assert steps == 6 * 16
    first, steps = melody_rnn.without_rests([GridNote(32, 36, 60)], 48)
    assert (first, steps) == ([GridNote(0, 4, 60)], 16)


def test_an_epoch_goes_through_every_event_once() -> None:
    pieces = [Row(5, 0), Row(16, 1), Row(40, 2), Row(33, 3)]
    data = Sequences(pieces, {}, length=16, batch=3)
    rng = np.random.default_rng(0)
    for _ in range(5):
        batches = list(data.batches(rng))
        assert len(batches) == data.steps
        seen = [
            (int(row[0]), int(row[1]))
            for inputs, targets in batches
            for window, events in zip(inputs, targets, strict=True)
            for row, event in zip(window, events, strict=True)
            if event != PADDING
        ]
        assert sorted(seen) == [(piece.group, event) for piece in pieces for event in range(len(piece))]
        for inputs, targets in batches:
            assert inputs.shape[:2] == targets.shape
            assert targets.shape[1] <= 16
            assert not inputs[targets == PADDING].any()


def test_some_windows_of_other_pieces_come_beside() -> None:
    own, other = [Row(16, 0)] * 10, [Row(16, 1)] * 100
    data = Sequences(own, {}, length=16, batch=4, beside=other, share=0.5)
    batches = list(data.batches(np.random.default_rng(0)))
    groups = np.concatenate([inputs[:, 0, 0] for inputs, _ in batches])
    assert (groups == 0).sum() == 10
    assert (groups == 1).sum() == 5
    assert len(batches) == data.steps == 4


def test_whole_pieces_are_padded_for_a_test() -> None:
    found = examples([Row(3, 7), Row(9, 8)], most=6)
    assert found.truth.tolist() == [[0, 1, 2, *[PADDING] * 3], [0, 1, 2, 3, 4, 5]]
    assert found.groups is not None
    assert found.groups.tolist() == [7, 8]


def test_bits_of_events() -> None:
    said = np.log(np.array([[[0.5, 0.25, 0.25], [0.125, 0.75, 0.125], [1.0, 1e-9, 1e-9]]], np.float32))
    truth = np.array([[0, 2, PADDING]])
    np.testing.assert_allclose(bits(said, truth), [[1, 3, 0]], rtol=1e-5)
    found = event_figures(said.repeat(4, axis=0), truth.repeat(4, axis=0))
    assert (found.events, found.accuracy) == (8, 0.5)
    assert found.bits == pytest.approx(2)
    assert found.low == pytest.approx(found.high)
    loss = next_event(torch.from_numpy(said), torch.from_numpy(truth))
    assert loss.item() / np.log(2) == pytest.approx(2)


@pytest.mark.parametrize("window", [0, 3, 40])
def test_steps_give_what_the_whole_sequence_gives(window: int) -> None:
    torch.manual_seed(0)
    net = StepRNN(5, 4, width=8, layers=2, window=window).eval()
    inputs = torch.randn(2, 50, 5)
    with torch.inference_mode():
        whole = net(inputs)
        states = [torch.zeros(2, *shape) for shape in net.states.values()]
        for step in range(50):
            now, *states = net.step(inputs[:, step], *states)
            torch.testing.assert_close(now, whole[:, step])


def test_attention_sees_as_far_back_as_its_window_and_nothing_that_comes() -> None:
    torch.manual_seed(0)
    net = StepRNN(5, 4, width=8, layers=1, window=6).eval()
    net.lstm = Same()
    inputs = torch.randn(1, 20, 8)
    changed = inputs.clone()
    changed[:, 9] += 1.0
    with torch.inference_mode():
        moved = (net(changed) - net(inputs)).abs().amax(dim=2)[0]
    assert (moved > 0).nonzero()[:, 0].tolist() == [9, *range(10, 16)]


class Same(torch.nn.Module):  # type: ignore[name-defined,misc]  # torch is untyped here
    """A layer that gives what it takes."""

    def forward(self, inputs: Any) -> tuple[Any, None]:
        return inputs, None


def test_the_net_tells_probabilities_and_counts_a_repetition_for_the_event_it_repeats() -> None:
    torch.manual_seed(0)
    net = melody_rnn.Net().eval()
    net.expect(np.full(EVENTS, 1 / EVENTS))
    with torch.no_grad():
        net.last.weight.zero_()
        net.last.bias[EVENTS] = 20.0
    c = event_of(60)
    (melody,) = melody_rnn.melodies([grid(*scale(0, *range(20, 32, 2), 32, 34), bars=4)])
    features, _ = melody.window(0, 32)
    with torch.inference_mode():
        shares = net(torch.from_numpy(features[None]))[0].exp().numpy()
    np.testing.assert_allclose(shares.sum(axis=1), 1.0, atol=1e-4)
    assert shares[16].argmax() == c, "a bar ago there was a C"
    assert shares[16, c] > 0.99


def test_what_is_tested_is_not_learnt_and_quadrants_have_their_own() -> None:
    made = melody_rnn.generate()
    data = melody_rnn.prepared(made)
    names = ["emopia_val", *(f"emopia_val_Q{n}" for n in (1, 2, 3, 4)), "pop909_val"]
    assert list(data.tests) == names
    assert data.base is not None
    assert list(data.base.tests) == ["pop909_val"]
    labelled = sum(one.split == "train" and one.quadrant is not None for one in made)
    assert len(data.pieces) == labelled
    assert len(data.base.pieces) == sum(one.split == "train" and one.quadrant is None for one in made)
    third = melody_rnn.prepared(made, 2)
    assert next(iter(third.tests)) == "emopia_val_Q3"
    assert all(piece.window(0, 1)[0][0, -4:-2].tolist() == pytest.approx([-0.6, -0.5]) for piece in third.pieces)
    assert 0 < len(third.pieces) < labelled


@pytest.fixture(scope="module")
def small() -> Recipe:
    torch.set_num_threads(1)  # beside other work more of them wait for one another
    recipe = recipe_named("melody_rnn")
    assert recipe.base is not None
    short = Schedule(epochs=3, learning_rate=3e-3, ema_decay=0.5, choose=False)
    return replace(recipe, schedule=short, base=replace(recipe.base, schedule=short))


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")
def test_a_step_that_is_shipped_tells_what_the_net_tells_and_composes(small: Recipe, tmp_path: Path) -> None:
    data = small.generate()
    net = train(small, data, tmp_path / "melody_rnn.pt")
    measured = build(small, data, net, tmp_path)
    assert measured["emopia_val_bits"] == pytest.approx(measured["emopia_val_bits_float"], abs=0.02)
    assert measured["emopia_val_bits"] < np.log2(EVENTS) - 1, "it has learnt something"
    assert measured["same_as_float"] > 0.95
    inputs = data.calibration[:3, :40]
    given = step_logits(open_session(tmp_path / "melody_rnn.onnx"), inputs)
    np.testing.assert_allclose(np.exp(given), np.exp(logits(net, inputs)), atol=0.05)

    entry = load_manifest(tmp_path).entry("melody_rnn", "melody")
    assert [output.name for output in entry.outputs] == ["logits", *(f"{state}_next" for state in small.states)]
    assert entry.outputs[0].shape == (1, EVENTS)
    card = (tmp_path / "melody_rnn.md").read_text()
    assert "| input | `ring` [1, 40, 128] float32: a state" in card
    assert "bits an event" in card
    assert (tmp_path / "melody_rnn_events.png").stat().st_size > 1000

    melodist = Melodist(StepNet("melody_rnn", "melody", load_manifest(tmp_path), Runtime()))
    start = melodist.listen([GridNote(0, 8, 60), GridNote(8, 16, 64)], 1, Condition(0.6, 0.5))
    twice = [melodist.compose(start, condition=Condition(0.6, 0.5), seed=1, candidates=2) for _ in range(2)]
    assert [one.notes for one in twice[0]] == [one.notes for one in twice[1]]
    assert twice[0][0].notes != twice[0][1].notes


def test_a_net_begins_with_its_base_which_is_trained_once(small: Recipe, tmp_path: Path) -> None:
    data = small.generate()
    still = replace(small, schedule=replace(small.schedule, epochs=1, learning_rate=0.0))
    net = train(still, data, tmp_path / "melody_rnn.pt")
    base = torch.load(tmp_path / "melody_rnn_base.pt", weights_only=True)
    for name, weights in net.state_dict().items():
        torch.testing.assert_close(weights, base["best"][name])
    written = (tmp_path / "melody_rnn_base.pt").stat().st_mtime_ns
    train(replace(still, name="melody_rnn_q2"), data, tmp_path / "melody_rnn_q2.pt")
    assert (tmp_path / "melody_rnn_base.pt").stat().st_mtime_ns == written


def test_a_checkpoint_of_other_data_is_not_gone_on_from(small: Recipe, tmp_path: Path) -> None:
    base = small.base
    assert base is not None
    data = base.generate()
    train(base, data, tmp_path / "base.pt")
    fewer = replace(data, pieces=data.pieces[:8])
    assert fewer.steps != data.steps
    train(base, fewer, tmp_path / "base.pt")
    assert torch.load(tmp_path / "base.pt", weights_only=True)["steps"] == fewer.steps
