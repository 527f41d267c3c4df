"""Nets that are run step by step."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from robotd.config import Runtime
from robotd.errors import ModelError
from robotd.music.compose.stepnet import Condition, StepNet, draws, sample, spread, take
from robotd.perceive.manifest import load_manifest

FEATURES, CLASSES = 2, 3


def adder(folder: Path, state: str = "sum", weight: float = 1.0) -> None:
    """Write a net whose state is the sum of what it was told, which it turns into logits (0, sum, -sum)."""
    tensor = helper.make_tensor_value_info
    nodes = [
        helper.make_node("ReduceSum", ["features", "axis"], ["now"], keepdims=1),
        helper.make_node("Add", ["sum", "now"], [f"{state}_next"]),
        helper.make_node("MatMul", [f"{state}_next", "weights"], ["logits"]),
    ]
    graph = helper.make_graph(
        nodes,
        "adder",
        [tensor("features", TensorProto.FLOAT, ["n", FEATURES]), tensor("sum", TensorProto.FLOAT, ["n", 1])],
        [tensor("logits", TensorProto.FLOAT, ["n", CLASSES]), tensor(f"{state}_next", TensorProto.FLOAT, ["n", 1])],
        [
            numpy_helper.from_array(np.array([1]), "axis"),
            numpy_helper.from_array(np.array([[0.0, weight, -weight]], np.float32), "weights"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.save(model, folder / "adder.onnx")


def described(folder: Path, **changed: Any) -> None:
    """Write the manifest of a folder with the net."""
    entry = {
        "task": "melody",
        "format": "onnx",
        "file": "adder.onnx",
        "sha256": hashlib.sha256((folder / "adder.onnx").read_bytes()).hexdigest(),
        "input": {"name": "features", "shape": [1, FEATURES], "meaning": "numbers"},
        "outputs": [{"name": "logits", "shape": [1, CLASSES], "meaning": "of what comes next"}],
        "licence": "none",
    }
    (folder / "manifest.yaml").write_text(yaml.safe_dump({"version": 1, "models": {"adder": entry | changed}}))


def opened(folder: Path) -> StepNet:
    return StepNet("adder", "melody", load_manifest(folder), Runtime())


@pytest.fixture
def net(tmp_path: Path) -> StepNet:
    adder(tmp_path)
    described(tmp_path)
    return opened(tmp_path)


def rows(*values: float) -> np.ndarray:
    return np.array([[value, 0.0] for value in values], np.float32)


def test_states_are_handed_from_step_to_step(net: StepNet) -> None:
    assert (net.features, net.classes) == (FEATURES, CLASSES)
    begin = net.start(2)
    logits, after = net.step(rows(1, 5), begin)
    assert logits.tolist() == [[0, 1, -1], [0, 5, -5]]
    logits, _ = net.step(rows(2, -1), after)
    assert logits.tolist() == [[0, 3, -3], [0, 4, -4]]
    assert begin["sum"].tolist() == [[0], [0]], "the states given are left as they were"
    # From the same states one may go on otherwise.
    assert net.step(rows(10, 10), after)[0][:, 1].tolist() == [11, 15]


def test_one_piece_is_taken_out_and_continued_by_several(net: StepNet) -> None:
    _, states = net.step(rows(1, 5), net.start(2))
    second = take(states, 1)
    assert second["sum"].tolist() == [[5]]
    logits, _ = net.step(rows(0, 1, 2), spread(second, 3))
    assert logits[:, 1].tolist() == [5, 6, 7]


@pytest.mark.parametrize(
    ("features", "states", "told"),
    [
        (np.zeros((1, 3), np.float32), {"sum": np.zeros((1, 1), np.float32)}, r"features is \[1, 3\]"),
        (np.zeros((1, 2)), {"sum": np.zeros((1, 1), np.float32)}, "float64, not"),
        (np.zeros((2, 2), np.float32), {"sum": np.zeros((1, 1), np.float32)}, r"sum is \[1, 1\]"),
        (np.zeros((1, 2), np.float32), {}, "the state sum is missing"),
    ],
)
def test_what_does_not_fit_is_refused(net: StepNet, features: Any, states: Any, told: str) -> None:
    with pytest.raises(ModelError, match=told):
        net.step(features, states)


def test_nonsense_is_not_handed_on(net: StepNet) -> None:
    with pytest.raises(ModelError, match="logits is not a number"):
        net.step(rows(float("inf")), net.start(1))


def test_a_net_of_another_encoding_is_refused(net: StepNet) -> None:
    net.expect(FEATURES, CLASSES)
    with pytest.raises(ModelError, match="takes 2 features and tells of 3 events, not 5 and 3"):
        net.expect(5, 3)


def test_a_changed_file_is_refused(tmp_path: Path) -> None:
    adder(tmp_path)
    described(tmp_path)
    adder(tmp_path, weight=2.0)
    with pytest.raises(ModelError, match="sha256 differs"):
        opened(tmp_path)


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "adder.onnx").write_bytes(b"not a net")
    described(tmp_path)
    with pytest.raises(ModelError, match=r"adder\.onnx can't be loaded"):
        opened(tmp_path)


@pytest.mark.parametrize("changed", [{"format": "tflite"}, {"task": "polyphony"}])
def test_a_model_of_another_kind_is_refused(tmp_path: Path, changed: dict[str, str]) -> None:
    adder(tmp_path)
    described(tmp_path, **changed)
    with pytest.raises(ModelError):
        opened(tmp_path)


def test_a_state_that_does_not_come_back_is_told(tmp_path: Path) -> None:
    adder(tmp_path, state="other")
    described(tmp_path)
    with pytest.raises(ModelError, match="each state must come out as it went in"):
        opened(tmp_path)


def test_the_feeling_as_a_net_takes_it() -> None:
    assert Condition(0.6, -0.5, minor=True).array.tolist() == pytest.approx([0.6, -0.5, 1, 1])
    assert Condition(0.6, -0.5, known=False).array.tolist() == [0, 0, 0, 0]


def test_samples_come_as_often_as_they_are_probable() -> None:
    chances = np.random.default_rng(0).random(20_000)
    logits = np.log(np.array([[0.5, 0.3, 0.2]], np.float32)).repeat(len(chances), axis=0)
    everything = np.ones_like(logits, bool)
    shares = np.bincount(sample(logits, everything, 1.0, chances)) / len(chances)
    np.testing.assert_allclose(shares, [0.5, 0.3, 0.2], atol=0.02)
    cool = np.bincount(sample(logits, everything, 0.5, chances)) / len(chances)
    np.testing.assert_allclose(cool, np.array([25, 9, 4]) / 38, atol=0.02)


@given(
    st.lists(st.floats(-50, 50, width=32), min_size=5, max_size=5),
    st.sets(st.integers(0, 4), min_size=1),
    st.floats(0, 1, exclude_max=True),
    st.floats(0.05, 20),
)
def test_only_what_is_allowed_is_drawn(logits: list[float], may: set[int], chance: float, temperature: float) -> None:
    allowed = np.array([[n in may for n in range(5)]])
    (drawn,) = sample(np.array([logits], np.float32), allowed, temperature, np.array([chance]))
    assert drawn in may


def test_the_chance_of_a_piece_is_its_own() -> None:
    alone = draws(7, 1)[0].random(5)
    np.testing.assert_array_equal(draws(7, 3)[0].random(5), alone)
    assert not np.array_equal(draws(7, 3)[1].random(5), alone)
    assert not np.array_equal(draws(8, 1)[0].random(5), alone)
