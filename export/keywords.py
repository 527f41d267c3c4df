"""From distilled vectors to the shipped keywords model: its file, its figures beside its teacher's, its card."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from robotd.config import Runtime
from robotd.perceive.features.tokens import LENGTH
from robotd.perceive.keywords import Keyworder, candidates_of, marginal
from robotd.perceive.manifest import load_manifest

from .card import save_picture, write_entry
from .verify import latency_ms, open_session

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from .train.keywords import KeywordData

NAME = "keywords"
_PAIRS = 30_000
#: Sentences whose keywords are compared, each with at least so many candidates.
_COMPARED, _LEAST_CANDIDATES, _TOP = 400, 6, 3
#: What KeyBERT takes where it is not told.
_KEYBERTS_DIVERSITY = 0.5
_DOTS = 2_000

_LICENCE = (
    "MiniLM Apache-2.0; the sentences: emotion6 and ISEAR: research; DailyDialog CC BY-NC-SA 4.0; MELD GPL 3.0, its "
    "dialogue research only; GoEmotions CC BY 4.0; EmoBank CC BY-SA 4.0. Words alone are taken from Warriner's list "
    "and from keywords of lyrics"
)
_DATA = (
    "all-MiniLM-L6-v2, asked about words and about sentences of emotion6, shortmsg5, ISEAR, MELD, GoEmotions, EmoBank"
)
_INPUT = f"numbers of at most {LENGTH} pieces of the vocabulary, padded with 0 at the end"
_OUTPUT = "the vector of each piece; a text's is their sum"


@dataclass(frozen=True, slots=True, eq=False)
class Likeness:
    """Cosines of pairs of texts: the teacher's, and the model's."""

    teacher: NDArray[np.float32]
    model: NDArray[np.float32]

    @property
    def spearman(self) -> float:
        """The rank correlation of the two (cosines hardly ever tie)."""
        ranks = [cosines.argsort().argsort() for cosines in (self.teacher, self.model)]
        return round(float(np.asarray(np.corrcoef(ranks))[0, 1]), 4)


def build(data: KeywordData, table: NDArray[np.float32], folder: Path) -> dict[str, Any]:
    """Write vectors as a model with its vocabulary, entry, card and picture; return what was measured."""
    from .train.keywords import to_onnx

    folder.mkdir(parents=True, exist_ok=True)
    file, vocabulary = folder / f"{NAME}.onnx", folder / f"{NAME}_vocab.txt"
    to_onnx(table, file)
    vocabulary.write_text("".join(f"{piece}\n" for piece in data.vocabulary), encoding="utf-8")
    entry: dict[str, Any] = {
        "task": "keywords",
        "format": "onnx",
        "file": file.name,
        "sha256": _sha256(file),
        "input": {"name": "tokens", "shape": [1, LENGTH], "dtype": "int64", "meaning": _INPUT},
        "outputs": [
            {"name": "vectors", "shape": [1, LENGTH, table.shape[1]], "dtype": "float32", "meaning": _OUTPUT},
        ],
        "vocabulary": {"file": vocabulary.name, "sha256": _sha256(vocabulary)},
        "licence": _LICENCE,
        "data": _DATA,
        "card": f"{NAME}.md",
    }
    write_entry(folder, NAME, entry)
    keyworder = Keyworder(load_manifest(folder), Runtime())
    measured, sentences = measure(data, keyworder)
    measured |= {
        "latency_ms": round(latency_ms(open_session(file), np.ones(LENGTH, np.int64)), 3),
        "size_kb": round((file.stat().st_size + vocabulary.stat().st_size) / 1000),
    }
    write_entry(folder, NAME, entry | {"measured": measured})
    _draw(folder / f"{NAME}_likeness.png", sentences)
    (folder / f"{NAME}.md").write_text(_card(data, table.shape, measured), encoding="utf-8")
    return measured


def measure(data: KeywordData, keyworder: Keyworder) -> tuple[dict[str, Any], Likeness]:
    """Compare the model with its teacher; returns the figures, and the likeness of held sentences."""
    sentences = _likeness(data.held, data.encode, keyworder)
    measured: dict[str, Any] = {
        "sentences_spearman": sentences.spearman,
        "words_spearman": _likeness(_letters(data.vocabulary), data.encode, keyworder).spearman,
        "unknown_words_spearman": _likeness(data.strangers, data.encode, keyworder).spearman,
    }
    return measured | _agreement(data, keyworder), sentences


def _likeness(
    texts: Sequence[str], encode: Callable[[Sequence[str]], NDArray[np.float32]], keyworder: Keyworder
) -> Likeness:
    """Compare pairs of texts, drawn at random; the teacher's vectors are measured from their mean, as in training."""
    rng = np.random.default_rng(0)
    texts = [texts[place] for place in rng.permutation(len(texts))[: _PAIRS // 10]]
    pairs = rng.integers(0, len(texts), (_PAIRS, 2))
    first, second = pairs[pairs[:, 0] != pairs[:, 1]].T
    theirs = encode(texts)
    theirs = theirs - theirs.mean(axis=0)
    theirs /= np.linalg.norm(theirs, axis=1, keepdims=True).clip(min=1e-9)
    ours = keyworder.vectors(texts)
    return Likeness((theirs[first] * theirs[second]).sum(axis=1), (ours[first] * ours[second]).sum(axis=1))


def _letters(vocabulary: Sequence[str]) -> list[str]:
    return [word for word in vocabulary if len(word) > 1 and word.isalpha()]


def _agreement(data: KeywordData, keyworder: Keyworder) -> dict[str, float]:
    """Return which share of the teacher's three keywords of a sentence others name among their three.

    The teacher is KeyBERT as it is published, with maximal marginal relevance: it reads each candidate and the
    sentence. Others are the model, the three rarest words, and chance.
    """
    rng = np.random.default_rng(0)
    shares = dict(zip(data.vocabulary, data.frequencies.tolist(), strict=True))
    hits: dict[str, list[float]] = {}
    compared = [text for text in data.held if len(candidates_of(text, 1)) >= _LEAST_CANDIDATES]
    for text in [compared[place] for place in rng.permutation(len(compared))[:_COMPARED]]:
        for longest, called in ((1, "words"), (2, "pairs")):
            candidates = candidates_of(text, longest)
            vectors = data.encode([*candidates, text])
            chosen = marginal(vectors[:-1], vectors[:-1] @ vectors[-1], _TOP, _KEYBERTS_DIVERSITY)
            theirs = {candidates[place] for place in chosen}
            ours = {keyword.word for keyword in keyworder.keywords(text, _TOP, longest=longest)}
            guessed = {candidates[place] for place in rng.permutation(len(candidates))[:_TOP]}
            hits.setdefault(f"keybert_{called}_agreement", []).append(len(ours & theirs) / _TOP)
            hits.setdefault(f"chance_{called}_agreement", []).append(len(guessed & theirs) / _TOP)
            if longest == 1:
                rarest = set(sorted(candidates, key=lambda word: shares.get(word, 0.0))[:_TOP])
                hits.setdefault("rarest_words_agreement", []).append(len(rarest & theirs) / _TOP)
    return {name: round(float(np.mean(values)), 4) for name, values in hits.items()}


def _draw(file: Path, likeness: Likeness) -> None:
    """Draw the cosines of pairs of sentences: the teacher's to the right, the model's upwards."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.2, 4.2), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    axes.scatter(likeness.teacher[:_DOTS], likeness.model[:_DOTS], s=4, alpha=0.4, color="#4477aa", linewidths=0)
    axes.set_xlabel("cosine, MiniLM")
    axes.set_ylabel("cosine, this model")
    save_picture(figure, file)


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


_CARD = """\
# keywords

A vector for each word: how alike words and texts are, and which words of a text are its keywords.

| | |
|---|---|
| input | `tokens` [1, {length}] int64: {input} |
| output | `vectors` [1, {length}, {width}] float32: {output} |
| vocabulary | {pieces} words and pieces of words |
| data | {data} |
| licence of the data | {licence} |
| format | ONNX, int8 with a scale for each word, {size_kb} kB with its vocabulary |
| made by | `python -m export keywords --data DIR` |

## Figures

| figure | value |
|---|---|
{figures}

`spearman`: rank correlation of the model's cosines with MiniLM's own (measured from the mean of the texts) over pairs
drawn at random: of held-out sentences, of words of the vocabulary, and of words that are not in it. `agreement`: of
{compared} held-out sentences with six candidates or more, the share of the three keywords of KeyBERT on MiniLM that
others name among their three: this model (`keybert_...`), the three words that are rarest in the texts, chance; with
single words only (`words`), and with pairs of neighbours too (`pairs`).

![Likeness]({name}_likeness.png)

Latency: {latency_ms} ms for 64 tokens in ONNX Runtime on one core of an x86-64 server. robotd asks for each token once
as it starts; after that numpy sums rows of a table.

## Architecture

A table of int8 numbers, a row for each word or piece of a word and a scale for each row. A text's vector is the sum of
its rows, brought to length 1: words that say little have short rows.

## Training

The encoder all-MiniLM-L6-v2 reads each word of the vocabulary as a text of its own, and {sentences} sentences. Both
are measured from their means and reduced to {width} principal components; frequent words weigh less, by a / (a + p)
with a = 0.001 (Arora et al. 2017). That is where the table begins (the way of model2vec). It is then trained for six
epochs, so that the sum of a sentence's rows points where its vector does, a word's row where the word's does, and the
likenesses within a batch are the encoder's. Adam, cosine.

## Split

The sentences that are measured on are from the published development parts of emotion6, ISEAR, EmoBank and
GoEmotions; no copy of one (the same words, or the same first or last eight) was learnt from. The words that are not in
the vocabulary are from Warriner's list. The number of epochs and the weights of the loss were chosen on sentences of
the same parts.

## Limits

English only. The order of words is lost, and so are negation and the senses of a word: "not happy" lies near "happy",
and opposites such as happy and sad are alike, as both speak of feelings. A word that is not in the vocabulary is the
sum of its pieces, which often means little. KeyBERT on MiniLM is no truth either, only the thing imitated: nobody
marked keywords in these sentences.

## Intended use

To find what a text is about, and songs that speak of the same, in the home of people who know that it is on. Several
of the sets are for research or non-commercial use, and so are these weights.
"""


def _card(data: KeywordData, shape: tuple[int, ...], measured: Mapping[str, Any]) -> str:
    costs = ("latency_ms", "size_kb")
    return _CARD.format(
        name=NAME,
        length=LENGTH,
        width=shape[1],
        pieces=f"{shape[0]:,}",
        input=_INPUT,
        output=_OUTPUT,
        data=_DATA,
        licence=_LICENCE,
        figures="\n".join(f"| {name} | {value:.3f} |" for name, value in measured.items() if name not in costs),
        compared=_COMPARED,
        sentences=f"{len(data.sentences):,}",
        **{name: measured[name] for name in costs},
    )
