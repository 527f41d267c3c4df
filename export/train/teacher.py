"""A teacher for models of text: MiniLM, tuned to name emotions, says what it thinks of every text.

The small model then learns from its shares as well as from the labels (Hinton et al. 2015, arXiv:1503.02531).
"""

from __future__ import annotations

import hashlib
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from rich.console import Console
from rich.progress import track
from torch import nn

from .minilm import WIDTH, stacked

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from ..data.texts import Texts
    from .minilm import Pretrained

_EPOCHS, _BATCH = 2, 64
_RATE, _HEAD_RATE, _WARMUP = 2e-4, 2e-3, 0.1
#: Layers that keep what they know, counted from the words.
_FROZEN = 3
#: Share of the pieces that a training text hides; numbers below are signs of BERT's own.
_HIDDEN, _MASK, _FIRST = 0.05, 103, 999
#: Its shares are drawn nearer to each other by this much before they are taught.
_TEMPERATURE = 1.5


def opinions(
    pretrained: Pretrained, heads: Mapping[str, int], tuned: Sequence[Texts], asked: Sequence[Texts], cache: Path
) -> dict[str, dict[str, NDArray[np.float32]]]:
    """Tune a teacher and return what it thinks of texts: for each set asked, [n, classes] for each head.

    It is kept in a folder, and taken from there for the same texts.
    """
    texts = "\n".join(text for part in (tuned, asked) for one in part for text in (one.name, *one.texts))
    file = cache / f"teacher_{hashlib.sha256(texts.encode()).hexdigest()[:16]}.npz"
    if not file.exists():
        teacher = Teacher(pretrained, heads)
        teacher.tune(tuned)
        found = {f"{one.name}/{head}": shares for one in asked for head, shares in teacher.shares(one.texts).items()}
        cache.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(file, **found)  # type: ignore[arg-type]  # its stubs take keywords for options
    with np.load(file) as kept:
        return {one.name: {head: kept[f"{one.name}/{head}"] for head in heads} for one in asked}


class Teacher:
    """MiniLM with a linear layer for each set of labels.

    Args:
        pretrained: MiniLM; its weights are tuned in place.
        heads: how many classes each set has.
    """

    def __init__(self, pretrained: Pretrained, heads: Mapping[str, int]) -> None:
        torch.manual_seed(0)
        self._pretrained = pretrained
        self._net = pretrained.net
        self._net.dropout = 0.0
        self._heads = nn.ModuleDict({name: nn.Linear(WIDTH, size) for name, size in heads.items()})

    def tune(self, texts: Sequence[Texts]) -> None:
        """Learn the labels of texts; each set has a head of its name."""
        rng = np.random.default_rng(0)
        rows = [row for one in texts for row in self._pretrained.numbers(one.texts)]
        names = [one.name for one in texts for _ in one.texts]
        targets = [torch.from_numpy(target) for one in texts for target in one.targets]
        optimiser = self._optimiser()
        batches = [batch for _ in range(_EPOCHS) for batch in _alike(rows, rng)]
        self._net.train()
        for step, batch in enumerate(track(batches, "teacher", console=Console(), transient=True)):
            done = (step + 1) / len(batches)
            for group in optimiser.param_groups:
                group["lr"] = group["initial_lr"] * min(done / _WARMUP, (1.0 - done) / (1.0 - _WARMUP))
            numbers = stacked([rows[i] for i in batch])
            numbers[(rng.random(numbers.shape) < _HIDDEN) & (numbers > _FIRST)] = _MASK
            with torch.autocast("cpu", dtype=torch.bfloat16):
                meanings = self._net(torch.from_numpy(numbers)).float()
            loss = torch.zeros(())
            for name, head in self._heads.items():
                mine = [n for n, i in enumerate(batch) if names[i] == name]
                if mine:
                    wanted = torch.stack([targets[batch[n]] for n in mine])
                    loss = loss - (wanted * head(meanings[mine]).log_softmax(dim=1)).sum()
            optimiser.zero_grad(set_to_none=True)
            (loss / len(batch)).backward()
            nn.utils.clip_grad_norm_(self._net.parameters(), 1.0)
            optimiser.step()

    def shares(self, texts: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        """Return for each head [n, classes] probabilities of texts."""
        rows = self._pretrained.numbers(texts)
        found = {name: np.zeros((len(texts), head.out_features), np.float32) for name, head in self._heads.items()}
        self._net.eval()
        with torch.inference_mode():
            for batch in _alike(rows, np.random.default_rng(0)):
                with torch.autocast("cpu", dtype=torch.bfloat16):
                    meanings = self._net(torch.from_numpy(stacked([rows[i] for i in batch]))).float()
                for name, head in self._heads.items():
                    found[name][batch] = (head(meanings) / _TEMPERATURE).softmax(dim=1).numpy()
        return found

    def _optimiser(self) -> Any:
        table = (self._net.words, self._net.places, self._net.norm, *self._net.layers[:_FROZEN])
        for part in table:
            part.requires_grad_(requires_grad=False)
        self._net.kind.requires_grad_(requires_grad=False)
        tuned = [one for one in self._net.parameters() if one.requires_grad]
        return torch.optim.AdamW(
            [
                {"params": tuned, "initial_lr": _RATE},
                {"params": self._heads.parameters(), "initial_lr": _HEAD_RATE},
            ],
            weight_decay=0.01,
            fused=True,
        )


def _alike(rows: Sequence[NDArray[np.int64]], rng: np.random.Generator) -> Iterator[NDArray[np.int64]]:
    """Give batches of rows of like length, in a random order."""
    lengths = np.array([len(row) for row in rows]) + rng.uniform(0.0, 6.0, len(rows))
    batches = np.array_split(np.argsort(lengths), math.ceil(len(rows) / _BATCH))
    for number in rng.permutation(len(batches)):
        yield batches[number]
