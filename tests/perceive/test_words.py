from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import yaml
from onnx import TensorProto, helper, numpy_helper

from robotd.config import Runtime
from robotd.emotion import Emotion
from robotd.errors import MediaError, ModelError
from robotd.perceive.features.tokens import LENGTH, PAD, UNKNOWN
from robotd.perceive.manifest import load_manifest
from robotd.perceive.words import WordsReader, read_lines

#: Pieces, and what each adds to the logits of joy, sadness and love.
PIECES = {
    PAD: (0, 0, 0),
    UNKNOWN: (0, 0, 0),
    "glad": (2, 0, 0),
    "sad": (0, 2, 0),
    "sweetheart": (0, 0, 2),
    "oh": (0, 0, 0),
}


def adding(folder: Path, **changes: Any) -> Path:
    """Put a words model that adds up its words into a folder, its manifest changed as asked."""
    table = np.array(list(PIECES.values()), np.float32)
    nodes = [
        helper.make_node("Gather", ["table", "tokens"], ["each"]),
        helper.make_node("ReduceSum", ["each", "axis"], ["logits"], keepdims=0),
    ]
    graph = helper.make_graph(
        nodes,
        "adding",
        [helper.make_tensor_value_info("tokens", TensorProto.INT64, [1, LENGTH])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, 3])],
        [numpy_helper.from_array(table, "table"), numpy_helper.from_array(np.array([1]), "axis")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    content, vocabulary = bytes(model.SerializeToString()), "".join(f"{piece}\n" for piece in PIECES).encode()
    (folder / "adding.onnx").write_bytes(content)
    (folder / "adding.txt").write_bytes(vocabulary)
    entry: dict[str, Any] = {
        "task": "words",
        "format": "onnx",
        "file": "adding.onnx",
        "sha256": hashlib.sha256(content).hexdigest(),
        "vocabulary": {"file": "adding.txt", "sha256": hashlib.sha256(vocabulary).hexdigest()},
        "input": {"name": "tokens", "shape": [1, LENGTH], "dtype": "int64", "meaning": "tokens"},
        "outputs": [{"name": "logits", "shape": [1, 3], "meaning": "logits"}],
        "labels": ["joy", "sadness", "love"],
        "licence": "none",
    }
    (folder / "manifest.yaml").write_text(yaml.safe_dump({"version": 1, "models": {"adding": entry | changes}}))
    return folder


def reader_of(folder: Path) -> WordsReader:
    return WordsReader("adding", load_manifest(folder), Runtime())


@pytest.fixture
def reader(tmp_path: Path) -> WordsReader:
    return reader_of(adding(tmp_path))


def test_own_labels_and_ours(reader: WordsReader) -> None:
    shares = reader.shares("Oh, sad sweetheart")
    assert list(shares) == ["joy", "sadness", "love"] == list(reader.labels)
    assert sum(shares.values()) == pytest.approx(1.0)
    assert shares["sadness"] == pytest.approx(shares["love"])

    reading = reader.read("Oh, sad sweetheart", 7.5)
    assert (reading.modality, reading.time_s) == ("words", 7.5)
    assert reading.probabilities[2] == pytest.approx(shares["joy"] + shares["love"])
    assert reading.label is Emotion.HAPPY


def test_a_long_text_is_the_mean_of_its_windows(reader: WordsReader) -> None:
    half_glad = "glad " * LENGTH + "sad " * LENGTH
    shares = reader.shares(half_glad)
    assert shares["joy"] == pytest.approx(0.5, abs=1e-6)
    assert shares["sadness"] == pytest.approx(0.5, abs=1e-6)


@pytest.mark.parametrize("text", ["", "   ", "\n", "-- ;)(".replace(";)", ""), "*"])
def test_a_text_without_words_is_told(reader: WordsReader, text: str) -> None:
    with pytest.raises(MediaError, match="has no words to read"):
        reader.read(text, 0.0)


def test_another_alphabet_is_told(reader: WordsReader) -> None:
    with pytest.raises(MediaError, match=r"'мне грустно': none of its words can be read \(English is wanted\)"):
        reader.read("мне грустно", 0.0)


def test_a_long_text_is_quoted_in_part(reader: WordsReader) -> None:
    with pytest.raises(MediaError, match=r"^'я{40}…': none"):
        reader.read("я" * 100_000, 0.0)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"vocabulary": None}, "has no vocabulary"),
        ({"vocabulary": {"file": "nowhere.txt", "sha256": "0"}}, r"nowhere\.txt is missing"),
        ({"vocabulary": {"file": "adding.txt", "sha256": "0"}}, "sha256 differs"),
        ({"task": "voice"}, "is a voice model, not a words model"),
        ({"labels": ["joy", "sadness", "boredom"]}, "adding: 'boredom' is not a valid Emotion"),
    ],
)
def test_a_model_that_does_not_fit_is_refused(tmp_path: Path, changes: dict[str, Any], problem: str) -> None:
    with pytest.raises(ModelError, match=problem):
        reader_of(adding(tmp_path, **changes))


def test_a_vocabulary_of_another_kind_is_refused(tmp_path: Path) -> None:
    adding(tmp_path)
    content = b"hello\nworld\n"
    (tmp_path / "adding.txt").write_bytes(content)
    described = {"file": "adding.txt", "sha256": hashlib.sha256(content).hexdigest()}
    with pytest.raises(ModelError, match=r"adding: a vocabulary begins with \[PAD\]"):
        reader_of(adding_kept(tmp_path, described))


def adding_kept(folder: Path, vocabulary: dict[str, str]) -> Path:
    manifest = yaml.safe_load((folder / "manifest.yaml").read_text())
    manifest["models"]["adding"]["vocabulary"] = vocabulary
    (folder / "manifest.yaml").write_text(yaml.safe_dump(manifest))
    return folder


def test_lines_keep_their_numbers(tmp_path: Path) -> None:
    file = tmp_path / "said.txt"
    file.write_bytes("\ufeffI am glad\r\n\r\n  so\u2028sad \nlast".encode())
    assert list(read_lines(file)) == [(1, "I am glad"), (3, "so\u2028sad"), (4, "last")]


def test_what_is_no_text_is_told(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match=r"nowhere\.txt: there is no such file"):
        list(read_lines(tmp_path / "nowhere.txt"))
    with pytest.raises(MediaError, match="can't be read"):
        list(read_lines(tmp_path))
    (tmp_path / "picture.png").write_bytes(b"\x89PNG\xff\xfe")
    with pytest.raises(MediaError, match="can't be read as text"):
        list(read_lines(tmp_path / "picture.png"))


@pytest.fixture(scope="module")
def shipped() -> WordsReader:
    return WordsReader("words", load_manifest(), Runtime())


@pytest.mark.parametrize(
    ("text", "emotion"),
    [
        ("I am so happy today!", Emotion.HAPPY),
        ("I AM SO HAPPY TODAY", Emotion.HAPPY),
        ("so happy 😀", Emotion.HAPPY),
        ("I'm furious with you", Emotion.ANGRY),
        ("I’m furious with you", Emotion.ANGRY),
        ("I am scared of the dark", Emotion.FEARFUL),
        ("I miss her so much, I can't stop crying", Emotion.SAD),
        ("😢", Emotion.SAD),
        ("That is disgusting", Emotion.DISGUST),
        ("I feel calm and relaxed", Emotion.CALM),
        ("The meeting is at ten.", Emotion.NEUTRAL),
        ("I feel wonderful. " * 100, Emotion.HAPPY),
    ],
)
def test_the_shipped_model_knows_plain_words(shipped: WordsReader, text: str, emotion: Emotion) -> None:
    assert shipped.read(text, 0.0).label is emotion


def test_the_shipped_lyrics_model_tells_grief_from_joy() -> None:
    reader = WordsReader("lyrics", load_manifest(), Runtime())
    glad = reader.read("dance sunshine smile happy party summer kiss", 0.0)
    grim = reader.read("grave tears goodbye lonely died cold crying", 0.0)
    assert glad.label is Emotion.HAPPY
    assert grim.label is Emotion.SAD
