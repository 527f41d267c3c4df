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
from robotd.perceive.features.tokens import LENGTH, PAD, UNKNOWN
from robotd.perceive.keywords import Keyword, Keyworder, candidates_of, marginal
from robotd.perceive.manifest import load_manifest

#: Pieces and their vectors: weather, home, and what says little.
PIECES = {
    PAD: (0, 0, 0),
    UNKNOWN: (9, 9, 9),
    "rain": (1, 0, 0),
    "storm": (1, 0.25, 0),
    "home": (0, 1, 0),
    "house": (0, 1, 0.25),
    "the": (0, 0, 0.05),
    "##s": (0, 0, 0.1),
}


def gathering(folder: Path, **changes: Any) -> Path:
    """Put a keywords model of a few words into a folder, its manifest changed as asked."""
    graph = helper.make_graph(
        [helper.make_node("Gather", ["table", "tokens"], ["vectors"])],
        "gathering",
        [helper.make_tensor_value_info("tokens", TensorProto.INT64, [1, LENGTH])],
        [helper.make_tensor_value_info("vectors", TensorProto.FLOAT, [1, LENGTH, 3])],
        [numpy_helper.from_array(np.array(list(PIECES.values()), np.float32), "table")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    content, vocabulary = bytes(model.SerializeToString()), "".join(f"{piece}\n" for piece in PIECES).encode()
    (folder / "gathering.onnx").write_bytes(content)
    (folder / "gathering.txt").write_bytes(vocabulary)
    entry: dict[str, Any] = {
        "task": "keywords",
        "format": "onnx",
        "file": "gathering.onnx",
        "sha256": hashlib.sha256(content).hexdigest(),
        "vocabulary": {"file": "gathering.txt", "sha256": hashlib.sha256(vocabulary).hexdigest()},
        "input": {"name": "tokens", "shape": [1, LENGTH], "dtype": "int64", "meaning": "tokens"},
        "outputs": [{"name": "vectors", "shape": [1, LENGTH, 3], "meaning": "vectors"}],
        "licence": "none",
    }
    (folder / "manifest.yaml").write_text(yaml.safe_dump({"version": 1, "models": {"gathering": entry | changes}}))
    return folder


def keyworder_of(folder: Path) -> Keyworder:
    return Keyworder(load_manifest(folder), Runtime(), "gathering")


@pytest.fixture
def few(tmp_path: Path) -> Keyworder:
    return keyworder_of(gathering(tmp_path))


def test_vectors_are_of_length_one_and_unknown_words_have_none(few: Keyworder) -> None:
    vectors = few.vectors(["rain", "zzz", "Rain", "", "rains", "мне"])
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx([1, 0, 1, 0, 1, 0])
    assert vectors[0] @ vectors[2] == pytest.approx(1)
    assert vectors[4] == pytest.approx(np.array([1, 0, 0.1]) / np.hypot(1, 0.1))
    assert few.vectors([]).shape == (0, 3)


def test_many_words_have_the_vectors_that_they_have_alone(few: Keyworder) -> None:
    words = ["rain", "zzz", "home", "rain home", ""] * 3_000
    together = few.vectors(words)
    assert together[-5:] == pytest.approx(np.concatenate([few.vectors([word]) for word in words[-5:]]))
    assert together[:5] == pytest.approx(together[-5:])


def test_what_differs_is_named_before_what_says_the_same_again(few: Keyworder) -> None:
    found = few.keywords("Rain, storm, home.", 2, longest=1)
    assert [keyword.word for keyword in found] == ["storm", "home"]
    assert found[0].weight > found[1].weight


def test_a_pair_is_two_neighbours_in_a_clause() -> None:
    assert candidates_of("The rain home; at home. Storm", 2) == ["rain", "home", "rain home", "storm"]
    assert candidates_of("cold rain!", 2) == ["cold", "rain", "cold rain"]
    assert candidates_of("cold! rain", 2) == ["cold", "rain"]
    assert candidates_of("cold rain", 1) == ["cold", "rain"]
    assert candidates_of("I can't. You're 22 …", 2) == []


@pytest.mark.parametrize(
    ("text", "candidates"),
    [
        ("rain🙂snow", ["rain", "snow"]),
        ("cold rain 👍🏽 snow 1️⃣ home 🇩🇪 sea", ["cold", "rain", "cold rain", "snow", "home", "sea"]),
        ("rain :) snow ;-( home <3 sea xD tea T_T ^_^", ["rain", "snow", "home", "sea", "tea"]),
        ("cold + rain → home™", ["cold", "rain", "home"]),
        ("I 😢", []),
    ],
)
def test_emoji_and_signs_end_a_clause_and_are_no_words(text: str, candidates: list[str]) -> None:
    assert candidates_of(text) == candidates


def test_addresses_and_accents_are_read_as_ever() -> None:
    assert candidates_of("see https://rain.example/?q=cold=snow the café crème") == ["cafe", "creme", "cafe creme"]
    assert candidates_of("don’t say e\u0301clair") == ["eclair"]


def test_a_run_of_letters_without_end_is_no_word(few: Keyworder) -> None:
    assert candidates_of(f"{'a' * 41} rain {'b' * 40}") == ["rain", "b" * 40, f"rain {'b' * 40}"]
    assert few.keywords("rain" * 2_500) == ()


@pytest.mark.parametrize("text", ["", "the", "!!!", "мне грустно", "zzz"])
def test_where_nothing_can_be_read_there_are_no_keywords(few: Keyworder, text: str) -> None:
    assert few.keywords(text) == ()


@given(st.integers(0, 8), st.integers(0, 8), st.floats(0, 1))
def test_marginal_relevance_chooses_as_many_as_it_may_and_none_twice(count: int, most: int, diversity: float) -> None:
    rng = np.random.default_rng(count)
    vectors = rng.normal(size=(count, 4)).astype(np.float32)
    likeness = rng.random(count).astype(np.float32)
    chosen = marginal(vectors, likeness, most, diversity)
    assert len(set(chosen)) == len(chosen) == min(count, most)
    if chosen:
        assert chosen[0] == likeness.argmax()


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"vocabulary": None}, "has no vocabulary"),
        ({"task": "words"}, "is a words model, not a keywords model"),
        ({"sha256": "0"}, "sha256 differs"),
    ],
)
def test_a_model_that_does_not_fit_is_refused(tmp_path: Path, changes: dict[str, Any], problem: str) -> None:
    with pytest.raises(ModelError, match=problem):
        keyworder_of(gathering(tmp_path, **changes))


@pytest.fixture(scope="module")
def shipped() -> Keyworder:
    return Keyworder(load_manifest(), Runtime())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("i miss home, it rains", {"home", "rains"}),
        ("My dog died yesterday and I am so sad", {"dog", "sad"}),
        ("We danced all night at the party, what fun!", {"party"}),
        ("I'm worried about the exam tomorrow", {"exam"}),
    ],
)
def test_the_shipped_model_finds_what_a_text_is_about(shipped: Keyworder, text: str, words: set[str]) -> None:
    found = shipped.keywords(text, 5, longest=1)
    assert words <= {keyword.word for keyword in found}
    assert all(0 < keyword.weight <= 1 for keyword in found)
    assert found == tuple(sorted(found, key=lambda keyword: -keyword.weight))
    assert all(isinstance(keyword, Keyword) for keyword in shipped.keywords(text))


@pytest.mark.parametrize(
    ("word", "like", "unlike"),
    [("rain", "storm", "guitar"), ("home", "house", "anger"), ("sea", "ocean", "exam"), ("rains", "rain", "party")],
)
def test_the_shipped_model_knows_which_words_are_alike(shipped: Keyworder, word: str, like: str, unlike: str) -> None:
    one, near, far = shipped.vectors([word, like, unlike])
    assert one @ near > 0.5 > one @ far


def test_a_whole_song_is_read(shipped: Keyworder) -> None:
    found = shipped.keywords("Lonely rain on the road, I am driving home. " * 500)
    assert {"rain", "lonely rain"} & {keyword.word for keyword in found}
