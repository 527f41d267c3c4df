"""What the models of text share: their net, their vocabulary and its first vectors, their batches and their loss."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from robotd.perceive.features.tokens import INSIDE, LENGTH, PAD, UNKNOWN, Encoder, tokens

from .loop import outputs, train

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from ..recipe import Batch, Examples, Recipe
    from .minilm import Pretrained

BATCH = 128
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_SIGNS = ("!", "?", "…", "0")
_DIGITS = "0123456789"
#: Share of the words that a training text hides.
_HIDDEN = 0.1
#: Of the components of its embedding, the same ones in every word.
_DULL = 0.1
#: Below anything that an LSTM says (-1..1), and below any weight of attention.
_FAR_BELOW, _NEVER = -4.0, -30.0


class _BothWays(nn.Module):  # type: ignore[misc]  # torch is untyped here
    """A bidirectional LSTM over texts of several lengths: it reads a text from its own end, not from the padding."""

    def __init__(self, taken: int, hidden: int) -> None:
        super().__init__()
        self.forth, self.back = (nn.LSTM(taken, hidden, batch_first=True) for _ in range(2))

    def forward(self, states: Any, turned: Any) -> Any:
        heard = self.back(_taken(states, turned))[0]
        return torch.cat([self.forth(states)[0], _taken(heard, turned)], dim=2)


def _taken(states: Any, places: Any) -> Any:
    return states.gather(1, places[..., None].expand(-1, -1, states.shape[2]))


class TextNet(nn.Module):  # type: ignore[misc]  # torch is untyped here
    """Embedding with masking, two bidirectional LSTMs, dropout, a dense layer, and a linear layer for each head.

    Args:
        heads: how many classes or ratings each has.
        given: the heads that the trained net gives; the others only teach it.
        words: size of the vocabulary at most.
        width: of the embedding.
        hidden: of an LSTM, each way.
        dropout: share of what is dropped between layers.
    """

    def __init__(
        self, heads: Mapping[str, int], given: Sequence[str], *, words: int, width: int, hidden: int, dropout: float
    ) -> None:
        super().__init__()
        self.given = tuple(given)
        self.embedding = nn.Embedding(words, width, padding_idx=0)
        self.first, self.second = _BothWays(width, hidden), _BothWays(2 * hidden, hidden)
        self.attention = nn.Linear(2 * hidden, 1)
        self.dense = nn.Linear(4 * hidden, 2 * hidden)
        self.heads = nn.ModuleDict({name: nn.Linear(2 * hidden, size) for name, size in heads.items()})
        self.dropout = nn.Dropout(dropout)
        self.dull = nn.Dropout1d(_DULL)

    def forward(self, numbers: Any) -> tuple[Any, ...]:
        """Take [n, pieces] numbers and return a tensor for each head: all in training, else the given ones.

        Padding (0) is masked: a text gives the same whatever its padding.
        """
        there = numbers != 0
        count, place = there.sum(dim=1, keepdim=True), torch.arange(numbers.shape[1])[None]
        turned = torch.where(place < count, count - 1 - place, place)
        weight = there[..., None].float()
        embedded = self.embedding(numbers) * weight
        embedded = self.dull(embedded.transpose(1, 2)).transpose(1, 2)
        heard = self.second(self.dropout(self.first(embedded, turned)), turned)
        shares = (self.attention(heard) + _NEVER * (1.0 - weight)).softmax(dim=1)
        peak = (heard + _FAR_BELOW * (1.0 - weight)).amax(dim=1).clamp(min=-1.0)
        said = torch.cat([(heard * shares).sum(dim=1), peak], dim=1)
        dense = self.dropout(self.dense(self.dropout(said)).relu())
        names = self.heads if self.training else self.given
        return tuple(self.heads[name](dense) for name in names)


def heads_loss(heads: Mapping[str, int], ratings: Sequence[str] = ()) -> Callable[[Any, Any], Any]:
    """Return the loss of a net with heads, for targets of [n, all heads' sizes], NaN where nothing is known.

    Cross-entropy with the targets' weights (they need not sum to 1), squared error of ratings; summed over the heads
    and divided by the batch's texts.
    """

    def loss(given: Any, targets: Any) -> Any:
        total = torch.zeros(())
        for (name, size), logits, wanted in zip(
            heads.items(), given, targets.split(list(heads.values()), dim=1), strict=True
        ):
            known = ~wanted.isnan().any(dim=1)
            truth, said = wanted[known], logits[known].float()
            if name in ratings:
                total = total + 2.0 * (said - truth).square().sum() / size
            else:
                total = total - (truth * said.log_softmax(dim=1)).sum()
        return total / len(targets)

    return loss


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """Texts to train on.

    Attributes:
        numbers: of each text's pieces, at least one.
        targets: [n, all heads' sizes], NaN where nothing is known.
        an_epoch: so many of them at most are shown in an epoch, drawn anew each time.
    """

    numbers: Sequence[NDArray[np.int64]]
    targets: NDArray[np.float32]
    an_epoch: int

    @property
    def shown(self) -> int:
        """How many an epoch shows."""
        return min(len(self.numbers), self.an_epoch)


@dataclass(frozen=True, slots=True, eq=False)
class TextData:
    """Texts of several sources to train on, and examples to test with.

    Attributes:
        vocabulary: what the numbers stand for.
        vectors: [pieces, width] with which their embedding begins.
        sources: to train on.
        tests: examples that are not trained on.
        held: the texts of the tests, from which the shipped net learns too once another has been measured on them.
    """

    vocabulary: tuple[str, ...]
    vectors: NDArray[np.float32]
    sources: Sequence[Source]
    tests: Mapping[str, Examples]
    held: Sequence[Source] = ()

    @property
    def steps(self) -> int:
        """How many batches an epoch has."""
        return -(-sum(source.shown for source in self.sources) // BATCH)

    @property
    def calibration(self) -> NDArray[np.int64]:
        """Some texts."""
        return np.concatenate([padded_rows(source.numbers[:16], LENGTH) for source in self.sources])

    def batches(self, rng: np.random.Generator) -> Iterator[Batch]:
        """Go once through the texts, those of like length together, some words hidden."""
        rows: list[NDArray[np.int64]] = []
        targets = []
        for source in self.sources:
            chosen = rng.permutation(len(source.numbers))[: source.shown]
            rows += [source.numbers[i] for i in chosen]
            targets.append(source.targets[chosen])
        wanted = np.concatenate(targets)
        lengths = np.array([len(row) for row in rows]) + rng.uniform(0.0, 4.0, len(rows))
        batches = np.array_split(np.argsort(lengths), self.steps)
        for number in rng.permutation(len(batches)):
            chosen = batches[number]
            numbers = padded_rows([rows[i] for i in chosen])
            numbers[(rng.random(numbers.shape) < _HIDDEN) & (numbers != 0)] = 1
            yield numbers, wanted[chosen]


def padded_rows(rows: Sequence[NDArray[np.int64]], length: int = 0) -> NDArray[np.int64]:
    """Put rows of numbers below each other, padded with 0 to the longest, or padded and cut to a length."""
    length = length or max(map(len, rows))
    together = np.zeros((len(rows), length), np.int64)
    for row, numbers in zip(together, rows, strict=True):
        row[: len(numbers)] = numbers[:length]
    return together


def numbers_of(encoder: Encoder, texts: Sequence[str]) -> list[NDArray[np.int64]]:
    """Return the numbers of each text's first 64 pieces; none for a text without words."""
    return [np.array(encoder.numbers(text)[:LENGTH], np.int64) for text in texts]


def counted(texts: Sequence[str]) -> Counter[str]:
    """Count the words of texts."""
    return Counter(word for text in texts for word in tokens(text))


def vocabulary_of(words: Sequence[str], pretrained: Pretrained | None = None, inner: int = 1_200) -> tuple[str, ...]:
    """Return a vocabulary of words with what spells any other: letters, digits and frequent inner pieces.

    Args:
        words: that get a number of their own.
        pretrained: whose inner pieces are taken, those of plain letters, the most frequent first.
        inner: how many of them.
    """
    pieces = pretrained.pieces if pretrained else ()
    frequent = [piece for piece in pieces if piece.startswith(INSIDE) and piece[len(INSIDE) :].isascii()]
    frequent = [piece for piece in frequent if piece[len(INSIDE) :].isalpha()][:inner]
    inside = {INSIDE + one for one in _LETTERS + _DIGITS}
    return (PAD, UNKNOWN, *sorted({*_LETTERS, *_DIGITS, *_SIGNS, *inside, *frequent, *words}))


def first_vectors(
    vocabulary: Sequence[str], counts: Mapping[str, int], pretrained: Pretrained, width: int
) -> NDArray[np.float32]:
    """Return [pieces, width] embeddings to begin with, from what MiniLM makes of each word.

    Three quarters are principal components of its vectors of the words as one-word sentences, one quarter of its own
    embeddings; the components are drawn nearer to each other's size. Frequent words weigh more (as the square root).
    """
    words = [piece.removeprefix(INSIDE) for piece in vocabulary[2:]]
    weights = np.sqrt([counts.get(piece, 0) + 3.0 for piece in vocabulary[2:]])
    meanings = _principal(pretrained.vectors(words), 3 * width // 4, weights)
    tables = _principal(pretrained.embeddings(vocabulary[2:]), width - 3 * width // 4, weights)
    vectors = np.concatenate([meanings / meanings.std(), tables / tables.std()], axis=1)
    vectors /= np.sqrt(vectors.std(axis=0))
    return np.concatenate([np.zeros((2, width)), 0.3 * vectors / vectors.std()]).astype(np.float32)


def _principal(vectors: NDArray[np.float32], count: int, weights: NDArray[np.float64]) -> NDArray[np.float64]:
    centred = vectors - np.average(vectors, axis=0, weights=weights)
    spread = (centred * weights[:, None]).T @ centred / weights.sum()
    directions = np.linalg.eigh(spread)[1][:, ::-1][:, :count]
    components: NDArray[np.float64] = centred @ directions
    return components


def begin(net: TextNet, data: TextData) -> None:
    """Let a net's embedding begin with the data's vectors."""
    with torch.no_grad():
        net.embedding.weight.zero_()
        net.embedding.weight[: len(data.vectors)] = torch.from_numpy(data.vectors)


def measured_held_out(recipe: Recipe, data: TextData, checkpoints: Path) -> TextData:
    """Train a net without the held texts; return all texts to train on, and what that net gave in the tests."""
    net = train(recipe, data, checkpoints / f"{recipe.name}_held_out.pt")
    names = list(recipe.net_outputs)
    tests = {
        name: replace(test, unseen=outputs(net, test.inputs)[names.index(test.output or names[0])])
        for name, test in data.tests.items()
    }
    return replace(data, sources=[*data.sources, *data.held], tests=tests, held=())
