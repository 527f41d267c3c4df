"""Keywords model: a vector for each word, distilled from MiniLM, whose sums compare texts, words and keywords.

As model2vec does (Tulkens & van Dongen 2024): the encoder reads each word of a vocabulary as a text of its own, the
vectors are reduced to their principal components, and frequent words weigh less, by a / (a + p) (Arora, Liang & Ma
2017, ICLR). Then the vectors are trained, so that the sum of a sentence's words points where the encoder's vector of
the sentence does, and a word's where that of the word does.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

from robotd.perceive.features.tokens import INSIDE, LENGTH, Encoder, tokens

from ..data.texts import groups, read_lyrics, read_texts
from . import minilm
from .text import counted, numbers_of, vocabulary_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from .minilm import Pretrained

WIDTH = 64
#: Sentences of each set that are learnt from, at most; drawn.
_LEARNT = {
    "emotion6": 5_000, "shortmsg5": 7_000, "isear": 5_000, "meld": 4_000, "goemotions": 8_000, "emobank": 8_000,
}  # fmt: skip
#: Sentences of each development part that are measured on, at most, and their least words.
_MEASURED = {"emotion6": 500, "isear": 600, "emobank": 900, "goemotions": 1_000}
_LEAST_WORDS = 6
#: A word of texts is known from so many times on, one of the keywords of lyrics from so many.
_OFTEN, _OFTEN_IN_LYRICS = 5, 2
#: Of a / (a + p).
_SMOOTH = 1e-3
#: How much words by themselves count beside sentences, and how much it counts that likenesses are the encoder's.
_WORDS_COUNT, _LIKENESS_COUNTS = 3.0, 5.0
_BATCH, _WORDS_A_BATCH, _EPOCHS, _RATE = 256, 512, 6, 3e-3
_MINILM = Path(".cache/minilm")


@dataclass(frozen=True, slots=True, eq=False)
class KeywordData:
    """What is learnt from, and measured on.

    Attributes:
        vocabulary: what the numbers stand for.
        frequencies: [vocabulary] the share of each in running text, above 0.
        words: [vocabulary - 2, 384] what the encoder makes of each but the first two.
        sentences: to learn from.
        meanings: [sentences, 384] what the encoder makes of them.
        held: sentences to measure on, none of which is a copy of one that was learnt from.
        strangers: words that are not in the vocabulary.
        encode: the encoder: from texts to [n, 384] of length 1.
    """

    vocabulary: tuple[str, ...]
    frequencies: NDArray[np.float64]
    words: NDArray[np.float32]
    sentences: Sequence[str]
    meanings: NDArray[np.float32]
    held: Sequence[str]
    strangers: Sequence[str]
    encode: Callable[[Sequence[str]], NDArray[np.float32]]


def read(data: Path) -> KeywordData:
    """Read the texts, choose the vocabulary and ask the encoder.

    Raises:
        FileNotFoundError: a set or MiniLM is not there.
    """
    pretrained = minilm.load(_MINILM)
    learnt = {name: read_texts(data, name).texts for name in _LEARNT}
    measured = {name: read_texts(data, name, "dev").texts for name in _MEASURED}
    whole = [text for texts in learnt.values() for text in texts]
    held_whole = [text for texts in measured.values() for text in texts]
    number = groups([*whole, *held_whole])
    fresh = dict(zip(whole, ~np.isin(number[: len(whole)], number[len(whole) :]), strict=True))

    rng = np.random.default_rng(0)
    sentences = [
        text
        for name, most in _LEARNT.items()
        for text in _drawn([one for one in learnt[name] if fresh[one]], most, rng)
    ]
    held = [
        text
        for name, most in _MEASURED.items()
        for text in _drawn([one for one in measured[name] if len(tokens(one)) >= _LEAST_WORDS], most, rng)
    ]
    rated = [word for word in read_texts(data, "warriner").texts if word.isascii() and word.isalpha()]
    lyrics = [song.keywords for song in read_lyrics(data)]
    words = _words([text for text in whole if fresh[text]], lyrics, rated, pretrained)
    vocabulary = vocabulary_of(sorted(words), pretrained)
    encoder = Encoder(vocabulary)
    counts = Counter(place for text in whole if fresh[text] for place in encoder.numbers(text))
    frequencies = np.array([counts[place] + 0.5 for place in range(len(vocabulary))])
    return KeywordData(
        vocabulary,
        frequencies / frequencies.sum(),
        pretrained.vectors([piece.removeprefix(INSIDE) for piece in vocabulary[2:]]),
        sentences,
        pretrained.vectors(sentences),
        held,
        [word for word in rated if word not in words],
        pretrained.vectors,
    )


def _drawn(texts: Sequence[str], most: int, rng: np.random.Generator) -> list[str]:
    return [texts[place] for place in rng.permutation(len(texts))[:most]]


def _words(texts: Sequence[str], lyrics: Sequence[str], rated: Sequence[str], pretrained: Pretrained) -> set[str]:
    """Return the words that get a vector of their own."""
    counts, sung, known = counted(texts), counted(lyrics), set(pretrained.pieces)
    words = {word for word, count in counts.items() if count >= _OFTEN}
    words |= {word for word, count in sung.items() if count >= _OFTEN_IN_LYRICS}
    words |= {word for word in rated if word in known or (word in counts and word in sung)}
    return {word for word in words if word.isascii() and word.isalpha()}


def distil(data: KeywordData, width: int = WIDTH, epochs: int = _EPOCHS, seed: int = 0) -> NDArray[np.float32]:
    """Return [vocabulary, width] vectors, those of padding and of the unknown all 0."""
    words, meanings = _reduced(data, width)
    table = np.concatenate([np.zeros((2, width)), words]) * (_SMOOTH / (_SMOOTH + data.frequencies))[:, None]
    table /= np.linalg.norm(table[2:], axis=1).mean()
    return _trained(data, table.astype(np.float32), _unit(words), _unit(meanings), epochs=epochs, seed=seed)


def _reduced(data: KeywordData, width: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return words and sentences in as many principal components of both.

    Each kind is measured from its own mean: that a text is a sentence is no part of what it means.
    """
    words, meanings = data.words - data.words.mean(axis=0), data.meanings - data.meanings.mean(axis=0)
    both = np.concatenate([words, meanings])
    directions = np.linalg.eigh(both.T @ both)[1][:, ::-1][:, :width]
    return words @ directions, meanings @ directions


def _trained(
    data: KeywordData,
    table: NDArray[np.float32],
    words: NDArray[np.float32],
    meanings: NDArray[np.float32],
    *,
    epochs: int,
    seed: int,
) -> NDArray[np.float32]:
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    numbers = numbers_of(Encoder(data.vocabulary), data.sentences)
    readable = np.array([place for place, row in enumerate(numbers) if len(row)])
    bag = nn.EmbeddingBag.from_pretrained(torch.from_numpy(table), freeze=False, mode="sum")
    optimiser = torch.optim.Adam(bag.parameters(), lr=_RATE)
    batches = -(-len(readable) // _BATCH)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, epochs * batches)
    for _ in range(epochs):
        for chosen in np.array_split(rng.permutation(readable), batches):
            rows = [numbers[place] for place in chosen]
            starts = np.cumsum([0, *map(len, rows[:-1])])
            summed = nn.functional.normalize(bag(torch.from_numpy(np.concatenate(rows)), torch.from_numpy(starts)))
            wanted = torch.from_numpy(meanings[chosen])
            loss = 1 - (summed * wanted).sum(dim=1).mean()
            loss = loss + _LIKENESS_COUNTS * (summed @ summed.T - wanted @ wanted.T).square().mean()
            some = rng.integers(0, len(words), _WORDS_A_BATCH)
            own = nn.functional.normalize(bag.weight[torch.from_numpy(some) + 2])
            loss = loss + _WORDS_COUNT * (1 - (own * torch.from_numpy(words[some])).sum(dim=1).mean())
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
    trained: NDArray[np.float32] = bag.weight.detach().numpy().copy()
    trained[:2] = 0.0
    return trained


def _unit(vectors: NDArray[np.floating]) -> NDArray[np.float32]:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-9), np.float32)


def to_onnx(table: NDArray[np.float32], file: Path) -> None:
    """Write vectors as ONNX: int8, a scale for each word; tokens [1, 64] in, vectors [1, 64, width] out."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    scales = np.maximum(np.abs(table).max(axis=1, keepdims=True), 1e-9) / 127
    small = np.round(table / scales).astype(np.int8)
    nodes = [
        helper.make_node("Gather", ["table", "tokens"], ["whole"]),
        helper.make_node("Cast", ["whole"], ["number"], to=TensorProto.FLOAT),
        helper.make_node("Gather", ["scales", "tokens"], ["scale"]),
        helper.make_node("Mul", ["number", "scale"], ["vectors"]),
    ]
    graph = helper.make_graph(
        nodes,
        "keywords",
        [helper.make_tensor_value_info("tokens", TensorProto.INT64, [1, LENGTH])],
        [helper.make_tensor_value_info("vectors", TensorProto.FLOAT, [1, LENGTH, table.shape[1]])],
        [numpy_helper.from_array(small, "table"), numpy_helper.from_array(scales.astype(np.float32), "scales")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    onnx.save(model, str(file))
