"""The keywords model: its vectors, its file, its figures and its card."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import yaml

torch = pytest.importorskip("torch", reason="torch is not installed (pip install robotd[export])")

from export.keywords import Likeness, build  # noqa: E402 - after the check for torch
from export.train.keywords import KeywordData, distil, to_onnx  # noqa: E402
from export.train.text import vocabulary_of  # noqa: E402
from robotd.config import Runtime  # noqa: E402
from robotd.perceive.keywords import Keyworder  # noqa: E402
from robotd.perceive.manifest import load_manifest  # noqa: E402

#: Words of three subjects, and words of none.
SUBJECTS = (
    ("rain", "storm", "cloud", "thunder", "snow"),
    ("dog", "cat", "horse", "puppy", "bird"),
    ("song", "guitar", "dance", "piano", "melody"),
)
FILLERS = ("the", "and", "is", "was")
WIDE = 12


def encode(texts: object) -> np.ndarray:
    """Stand in for a sentence encoder: where a text's subjects lie, each word a little beside."""
    found = []
    for text in texts:  # type: ignore[attr-defined]
        vector = np.full(WIDE, 0.2)
        for place, subject in enumerate(SUBJECTS):
            for word in str(text).split():
                if word in subject:
                    vector[place] += 1.0
                    vector[3 + subject.index(word)] += 0.3
        found.append(vector / np.linalg.norm(vector))
    return np.array(found, np.float32)


@pytest.fixture(scope="module")
def data() -> KeywordData:
    rng = np.random.default_rng(0)

    def sentences(count: int) -> list[str]:
        made = []
        for _ in range(count):
            subject = SUBJECTS[rng.integers(3)]
            other = SUBJECTS[rng.integers(3)]
            made.append(" ".join([*rng.choice(subject, 4), *rng.choice(other, 3), *rng.choice(FILLERS, 3)]))
        return made

    vocabulary = vocabulary_of([word for subject in SUBJECTS for word in subject] + list(FILLERS))
    frequencies = np.array([50.0 if piece in FILLERS else 1.0 for piece in vocabulary])
    learnt = sentences(300)
    words = encode([piece.removeprefix("##") for piece in vocabulary[2:]])
    strangers = ["rains", "dogs", "songs", "clouds"]
    shares = frequencies / frequencies.sum()
    return KeywordData(vocabulary, shares, words, learnt, encode(learnt), sentences(60), strangers, encode)


def test_sums_of_words_come_to_mean_what_the_encoder_says(data: KeywordData) -> None:
    table = distil(data, width=8, epochs=20)
    assert table.shape == (len(data.vocabulary), 8)
    assert not table[:2].any()
    rain, storm, dog = (table[data.vocabulary.index(word)] for word in ("rain", "storm", "dog"))

    def cosine(one: np.ndarray, other: np.ndarray) -> float:
        return float(one @ other / np.linalg.norm(one) / np.linalg.norm(other))

    assert cosine(rain, storm) > 0.5 > cosine(rain, dog)
    np.testing.assert_array_equal(table, distil(data, width=8, epochs=20))


def test_the_file_gives_the_vectors_to_within_a_step_of_int8(tmp_path: Path) -> None:
    from export.verify import open_session

    table = np.random.default_rng(0).normal(size=(70, 8)).astype(np.float32) * np.linspace(0.01, 3, 70)[:, None]
    table[0] = 0
    to_onnx(table.astype(np.float32), tmp_path / "keywords.onnx")
    numbers = np.arange(64, dtype=np.int64)[None]
    (given,) = open_session(tmp_path / "keywords.onnx").run(None, {"tokens": numbers})
    steps = np.abs(table[:64]).max(axis=1, keepdims=True) / 127
    assert (np.abs(given[0] - table[:64]) <= 0.51 * steps + 1e-12).all()


def test_a_built_model_is_described_and_can_be_used(data: KeywordData, tmp_path: Path) -> None:
    measured = build(data, distil(data, width=8, epochs=20), tmp_path)
    assert measured["sentences_spearman"] > 0.6
    assert measured["keybert_words_agreement"] > measured["chance_words_agreement"]
    entry = yaml.safe_load((tmp_path / "manifest.yaml").read_text())["models"]["keywords"]
    assert entry["measured"] == measured
    card = (tmp_path / "keywords.md").read_text()
    assert f"| sentences_spearman | {measured['sentences_spearman']:.3f} |" in card
    assert (tmp_path / "keywords_likeness.png").is_file()

    keyworder = Keyworder(load_manifest(tmp_path), Runtime())
    assert keyworder.width == 8
    found = [keyword.word for keyword in keyworder.keywords("the guitar and the storm", longest=1)]
    assert set(found) == {"guitar", "storm"}


def test_likeness_goes_by_ranks() -> None:
    teacher = np.array([0.1, 0.5, 0.2, 0.9], np.float32)
    assert Likeness(teacher, teacher**3).spearman == 1.0
    assert Likeness(teacher, -teacher).spearman == -1.0
