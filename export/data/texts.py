"""Short English texts with emotions: six public sets, Warriner's rated words, listeners' tags and keywords of lyrics.

The layout: `text/<set>_<part>.csv.gz` (`train`, `dev`), `music/lexicon/warriner2013.csv.gz`,
`music/lexicon/lyrics1160_gems_keywords.csv.gz` and `music/lexicon/tags957_emotions8.csv`, all UTF-8 with a header
line. Sources:

- emotion6: Saravia et al. 2018 (CARER, EMNLP); goemotions: Demszky et al. 2020 (ACL); meld: Poria et al. 2019 (ACL);
- isear: Scherer & Wallbott 1994 (J. Personality and Social Psychology 66(2)); shortmsg5: lines of DailyDialog (Li et
  al. 2017), Emotion-Stimulus (Ghazi et al. 2015) and ISEAR; emobank: Buechel & Hahn 2017 (EACL);
- warriner: Warriner, Kuperman & Brysbaert 2013 (Behavior Research Methods 45).
"""

from __future__ import annotations

import csv
import gzip
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from robotd.perceive.features.tokens import tokens

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

#: The classes of each set, in the order of its head.
CLASSES: dict[str, tuple[str, ...]] = {
    "emotion6": ("sadness", "joy", "love", "anger", "fear", "surprise"),
    "shortmsg5": ("neutral", "joy", "sadness", "anger", "fear"),
    "isear": ("joy", "fear", "anger", "sadness", "disgust", "shame", "guilt"),
    "meld": ("neutral", "joy", "sadness", "anger", "fear", "disgust", "surprise"),
    "goemotions": (
        "admiration", "amusement", "anger", "annoyance", "approval", "caring", "confusion", "curiosity", "desire",
        "disappointment", "disapproval", "disgust", "embarrassment", "excitement", "fear", "gratitude", "grief", "joy",
        "love", "nervousness", "optimism", "pride", "realization", "relief", "remorse", "sadness", "surprise",
        "neutral",
    ),
}  # fmt: skip
#: Valence, arousal and dominance, each -1..1.
RATINGS = ("valence", "arousal", "dominance")
#: A set of ratings: its columns, and the two ends of its scale.
_SCALES: dict[str, tuple[tuple[str, str, str], float, float]] = {
    "emobank": (RATINGS, 1.0, 5.0),
    "warriner": (("V.Mean.Sum", "A.Mean.Sum", "D.Mean.Sum"), 1.0, 9.0),
}

#: Texts that begin or end with the same so many words count as copies.
_ALIKE_WORDS = 8


@dataclass(frozen=True, slots=True, eq=False)
class Texts:
    """Texts of one set with what is known of them.

    Attributes:
        name: of the set.
        texts: [n] as they stand in the file.
        targets: [n, classes] probabilities, or [n, 3] valence, arousal and dominance, -1..1.
    """

    name: str
    texts: tuple[str, ...]
    targets: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.texts)

    def only(self, chosen: NDArray[np.bool_]) -> Texts:
        """Return the texts for which `chosen` is true."""
        texts = tuple(text for text, one in zip(self.texts, chosen, strict=True) if one)
        return Texts(self.name, texts, self.targets[chosen])


@dataclass(frozen=True, slots=True)
class Lyrics:
    """The most marking words of a song's lyrics.

    Attributes:
        artist: who sings it.
        keywords: 25 words in alphabetical order.
        label: sadness, tenderness or tension.
        labels: the emotions of the Geneva Emotional Music Scale that it was tagged with, one or more.
    """

    artist: str
    keywords: str
    label: str
    labels: tuple[str, ...]


def read_texts(data: Path, name: str, part: str = "train") -> Texts:
    """Read a part of a set.

    Raises:
        FileNotFoundError: it is not there.
        ValueError: a label is none of the set's.
    """
    file = data / "music" / "lexicon" / "warriner2013.csv.gz"
    rows = list(_rows(file if name == "warriner" else data / "text" / f"{name}_{part}.csv.gz"))
    if name in _SCALES:
        columns, low, high = _SCALES[name]
        ratings = np.array([[float(row[column]) for column in columns] for row in rows], np.float32)
        texts = tuple(row["Word" if name == "warriner" else "text"] for row in rows)
        return Texts(name, texts, (2.0 * (ratings - low) / (high - low) - 1.0).astype(np.float32))
    classes = CLASSES[name]
    targets = np.zeros((len(rows), len(classes)), np.float32)
    for target, row in zip(targets, rows, strict=True):
        labels = (row.get("labels") or row["label"]).split("|")
        for label in labels:
            if label not in classes:
                raise ValueError(f"{name} has no class {label!r}; there are: {', '.join(classes)}")
            target[classes.index(label)] = 1.0 / len(labels)
    return Texts(name, tuple(row["text"] for row in rows), targets)


def read_lyrics(data: Path) -> list[Lyrics]:
    """Read the keywords of 1,160 songs.

    Raises:
        FileNotFoundError: they are not there.
    """
    return [
        Lyrics(row["artist"], row["keywords"], row["label_single"].lower(), tuple(row["labels"].lower().split(", ")))
        for row in _rows(data / "music" / "lexicon" / "lyrics1160_gems_keywords.csv.gz")
    ]


def read_tags(data: Path) -> dict[str, dict[str, float]]:
    """Read listeners' tags of songs with eight emotions each, 0 or 1 (PlayMood: Affolter & Rohrmeier 2024).

    Raises:
        FileNotFoundError: they are not there.
    """
    rows = _rows(data / "music" / "lexicon" / "tags957_emotions8.csv")
    return {row.pop("tag"): {emotion: float(value) for emotion, value in row.items()} for row in rows}


def _rows(file: Path) -> Iterator[dict[str, str]]:
    if not file.is_file():
        raise FileNotFoundError(f"there is no {file}")
    opened = gzip.open if file.suffix == ".gz" else open
    with opened(file, "rt", encoding="utf-8", newline="") as lines:
        yield from csv.DictReader(lines)


def groups(texts: Sequence[str]) -> NDArray[np.int64]:
    """Number texts so that copies share a number: those with the same words, or the same first or last eight."""
    first: dict[tuple[str, ...], int] = {}
    parents = list(range(len(texts)))

    def root(index: int) -> int:
        while parents[index] != index:
            parents[index] = index = parents[parents[index]]
        return index

    for index, text in enumerate(texts):
        words = tokens(text)
        keys = [("all", *words)]
        if len(words) >= _ALIKE_WORDS:
            keys += [("first", *words[:_ALIKE_WORDS]), ("last", *words[-_ALIKE_WORDS:])]
        for key in keys:
            parents[root(index)] = root(first.setdefault(key, index))
    return np.array([root(index) for index in range(len(texts))], np.int64)
