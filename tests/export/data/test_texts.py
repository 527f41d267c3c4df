from __future__ import annotations

import csv
import gzip
from pathlib import Path

import pytest

from export.data.texts import CLASSES, groups, read_lyrics, read_tags, read_texts


def table(file: Path, *rows: dict[str, str]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    opened = gzip.open if file.suffix == ".gz" else open
    with opened(file, "wt", encoding="utf-8", newline="") as lines:
        writer = csv.DictWriter(lines, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def test_a_class_a_text(tmp_path: Path) -> None:
    table(
        tmp_path / "text" / "emotion6_dev.csv.gz",
        {"id": "0", "text": "i feel fine, thanks", "label": "joy"},
        {"id": "1", "text": "i feel low", "label": "sadness"},
    )
    texts = read_texts(tmp_path, "emotion6", "dev")
    assert texts.texts == ("i feel fine, thanks", "i feel low")
    assert [CLASSES["emotion6"][row.argmax()] for row in texts.targets] == ["joy", "sadness"]
    assert texts.only(texts.targets[:, 0] > 0.0).texts == ("i feel low",)


def test_several_classes_share_a_text(tmp_path: Path) -> None:
    row = {"id": "a", "text": "Thanks, I love it", "labels": "love|gratitude", "ekman": "joy"}
    table(tmp_path / "text" / "goemotions_train.csv.gz", row)
    (target,) = read_texts(tmp_path, "goemotions").targets
    assert {CLASSES["goemotions"][n] for n in target.nonzero()[0]} == {"love", "gratitude"}
    assert target.max() == pytest.approx(0.5)


def test_ratings_lie_between_minus_one_and_one(tmp_path: Path) -> None:
    row = {"id": "a", "text": "Well.", "valence": "3.0", "arousal": "5.0", "dominance": "1.0"}
    table(tmp_path / "text" / "emobank_train.csv.gz", row)
    table(
        tmp_path / "music" / "lexicon" / "warriner2013.csv.gz",
        {"Word": "calm", "V.Mean.Sum": "7.0", "A.Mean.Sum": "1.0", "D.Mean.Sum": "5.0"},
    )
    assert read_texts(tmp_path, "emobank").targets.tolist() == [[0.0, 1.0, -1.0]]
    words = read_texts(tmp_path, "warriner")
    assert words.texts == ("calm",)
    assert words.targets.tolist() == [[0.5, -1.0, 0.0]]


def test_an_unknown_label_is_an_error(tmp_path: Path) -> None:
    table(tmp_path / "text" / "isear_train.csv.gz", {"id": "0", "text": "A dog bit me.", "label": "boredom"})
    with pytest.raises(ValueError, match="isear has no class 'boredom'; there are: joy, fear"):
        read_texts(tmp_path, "isear")


def test_a_missing_set_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"there is no .*meld_dev\.csv\.gz"):
        read_texts(tmp_path, "meld", "dev")


def test_lyrics_and_tags(tmp_path: Path) -> None:
    folder = tmp_path / "music" / "lexicon"
    song = {"artist": "A", "title": "T", "label_single": "Tension", "labels": "Power, Tension", "keywords": "fire war"}
    table(folder / "lyrics1160_gems_keywords.csv.gz", song)
    table(folder / "tags957_emotions8.csv", {"tag": "high energy", "anger": "0.0", "joy": "1.0"})
    (lyrics,) = read_lyrics(tmp_path)
    assert (lyrics.label, lyrics.labels, lyrics.keywords) == ("tension", ("power", "tension"), "fire war")
    assert read_tags(tmp_path) == {"high energy": {"anger": 0.0, "joy": 1.0}}


def test_copies_share_a_group() -> None:
    texts = [
        "I am glad!",
        "i am GLAD !",
        "I am sad.",
        "When I was a child my dog died on Sunday",
        "When I was a child my dog died, and I cried",
        "Last year, when I was a child my dog died on Sunday",
    ]
    numbers = groups(texts).tolist()
    assert numbers[0] == numbers[1] != numbers[2]
    assert numbers[3] == numbers[4]
    assert numbers[3] == numbers[5], "the same last eight words"
    assert len(set(numbers)) == 3
