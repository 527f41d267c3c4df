"""Keywords of a text and the likeness of words, on an embedding of words that fits a robot.

The manner is KeyBERT's (Grootendorst 2020): single words and pairs of neighbours are candidates, each is compared with
the whole text by the cosine of their embeddings, and maximal marginal relevance (Carbonell & Goldstein 1998, SIGIR)
keeps what was chosen already from being said again. In place of a sentence encoder each word has one vector, distilled
from such an encoder, and a text is the sum of its words' vectors.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from robotd.errors import ModelError
from robotd.perceive.features.function_words import FUNCTION_WORDS
from robotd.perceive.features.tokens import LENGTH, UNKNOWN, Encoder, spelt, tokens
from robotd.perceive.manifest import load_manifest
from robotd.perceive.runtime import Model

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from robotd.config import Runtime
    from robotd.perceive.manifest import Manifest

#: How much being unlike what was chosen already counts beside being like the text: tried on training sentences, where
#: keywords agree best with KeyBERT's from 0.4 to 0.5.
DIVERSITY = 0.4
#: A candidate less like its text than this says nothing of it.
_LEAST = 0.1
#: So many different candidates of a long text are compared; what comes after them is left.
_MOST_CANDIDATES = 2_000
#: A longer run of letters is no word.
_LONGEST_WORD = 40
#: What ends a clause, and so a pair.
_BREAK = re.compile(r"[.,;:!?…()\"\n]+")
#: What emoticons are made of, but for signs: nobody has said their meaning. Addresses keep their colon, as they are
#: passed over whole.
_DRAWN = re.compile(r":(?!//)|;|\b(?:[xX][dD]|T_T)\b")
_APOSTROPHES = "`´"
#: Texts, such as the words of a library, are summed up so many at a time.
_AT_ONCE = 4_096


class Keyword(NamedTuple):
    """A word, or two neighbouring ones, and how well it stands for its text, 0..1."""

    word: str
    weight: float


@lru_cache(maxsize=1)
def shipped_keyworder(runtime: Runtime, model: str = "keywords") -> Keyworder:
    """Return a shipped model, opened once for all who read texts or compare words.

    Raises:
        ModelError: as `Keyworder`.
    """
    return Keyworder(load_manifest(), runtime, model)


class Keyworder:
    """Finds keywords, and tells by vectors how alike words are.

    Args:
        manifest: where the model is described.
        runtime: providers and threads; used at the start only.
        model: a keywords model of the manifest.

    Raises:
        ModelError: the model can't be used, has no vocabulary, or takes no tokens.
    """

    def __init__(self, manifest: Manifest, runtime: Runtime, model: str = "keywords") -> None:
        net = Model(model, "keywords", manifest, runtime)
        if net.entry.input.shape != (1, LENGTH) or net.entry.input.dtype != "int64":
            raise ModelError(f"{model}: a keywords model takes tokens, int64 [1, {LENGTH}]")
        try:
            self._encoder = Encoder(manifest.vocabulary(net.entry))
        except ValueError as error:
            raise ModelError(f"{model}: {error}") from error
        self._unknown = self._encoder.vocabulary.index(UNKNOWN)
        self._known = {piece: place for place, piece in enumerate(self._encoder.vocabulary) if piece.isalpha()}
        self._table = _table(net, len(self._encoder.vocabulary))
        self.model = model

    @property
    def width(self) -> int:
        """How many numbers a vector has."""
        return int(self._table.shape[1])

    def vectors(self, words: Sequence[str]) -> NDArray[np.float32]:
        """Return [n, width] vectors of words (or short texts), of length 1, or all 0 where none can be read.

        The cosine of two words is the product of their vectors.
        """
        return _unit(self._sums(words))

    def keywords(self, text: str, most: int = 5, *, longest: int = 2) -> tuple[Keyword, ...]:
        """Return the keywords of a text, the most significant first; none where nothing in it can be read.

        The significance is the cosine of a keyword and the text. Function words ("the", "you", "cannot") are no
        keywords, nor are emoji and emoticons. A pair stands within a clause.

        Args:
            text: of any length; what comes very late is left out.
            most: so many keywords at most.
            longest: 1 for single words only, 2 for pairs of neighbours too.
        """
        candidates = candidates_of(text, longest)
        sums, meant = self._sums(candidates), self.vectors([text])[0]
        vectors = _unit(sums)
        likeness = vectors @ meant
        there = np.flatnonzero(likeness > _LEAST)
        # A word that says little has a short row: it must be much more like the text to be chosen.
        chosen = marginal(vectors[there], (sums @ meant)[there], most)
        found = [Keyword(candidates[i], round(min(1.0, float(likeness[i])), 4)) for i in there[chosen]]
        return tuple(sorted(found, key=lambda keyword: -keyword.weight))

    def _sums(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return [n, width] the sum of the rows of each text's words."""
        found = np.zeros((len(texts), self.width), np.float32)
        for start in range(0, len(texts), _AT_ONCE):
            block = [self._numbers(text) for text in texts[start : start + _AT_ONCE]]
            counts = [len(numbers) for numbers in block]
            whole = np.fromiter((number for numbers in block for number in numbers), np.int64, sum(counts))
            filled = np.flatnonzero(counts)
            if len(filled):
                # A text's rows lie side by side: they are summed from where each text begins.
                begins = np.cumsum([0, *counts[:-1]])[filled]
                found[start + filled] = np.add.reduceat(self._table[whole], begins)
        return found

    def _numbers(self, text: str) -> list[int]:
        try:
            # Most words of a library are known as they stand; to spell them out takes ten times as long.
            return [self._known[word] for word in text.split(" ")]
        except KeyError:
            pass
        return [number for number in self._encoder.numbers(text) if number != self._unknown]


def marginal(
    vectors: NDArray[np.float32], likeness: NDArray[np.float32], most: int, diversity: float = DIVERSITY
) -> list[int]:
    """Choose by maximal marginal relevance: like the text, unlike what is chosen already.

    Args:
        vectors: [n, width] of the candidates, of length 1.
        likeness: [n] of each with the text, times how much it says.
        most: how many to choose.
        diversity: 0 to go by likeness alone, 1 by difference alone.

    Returns:
        The rows chosen, in the order of their choice.
    """
    chosen: list[int] = []
    nearest = np.full(len(vectors), -1.0, np.float32)
    left = np.ones(len(vectors), bool)
    while len(chosen) < min(most, len(vectors)):
        # The first is the one most like the text.
        worth = (1 - diversity) * likeness - diversity * nearest if chosen else likeness
        best = int(np.where(left, worth, -np.inf).argmax())
        chosen.append(best)
        left[best] = False
        nearest = np.maximum(nearest, vectors @ vectors[best])
    return chosen


def _table(net: Model, size: int) -> NDArray[np.float32]:
    """Return the whole embedding, [vocabulary, width], by asking the model for every token once."""
    numbers = np.zeros(-(-size // LENGTH) * LENGTH, np.int64)
    numbers[:size] = np.arange(size)
    rows = [net.run(window[None])[net.entry.output_index][0] for window in numbers.reshape(-1, LENGTH)]
    table: NDArray[np.float32] = np.concatenate(rows)[:size].astype(np.float32)
    return table


def candidates_of(text: str, longest: int = 2) -> list[str]:
    """Return the different words of a text that may be keywords, and pairs of such that stand side by side."""
    found: dict[str, None] = {}
    for clause in _BREAK.split(spelt(_as_said(text))):
        before = ""
        for token in tokens(clause):
            word = token if _is_word(token) and token not in FUNCTION_WORDS else ""
            if word:
                found[word] = None
                if before and before != word and longest > 1:
                    found[f"{before} {word}"] = None
            before = word
        if len(found) >= _MOST_CANDIDATES:
            break
    return list(found)


def _as_said(text: str) -> str:
    """Return a text with a full stop for each emoji, emoticon and other sign, which `spelt` would put into words."""
    return "".join("." if _is_sign(one) else one for one in _DRAWN.sub(".", text))


@lru_cache(maxsize=4096)
def _is_sign(one: str) -> bool:
    return unicodedata.category(one).startswith("S") and one not in _APOSTROPHES


def _is_word(token: str) -> bool:
    return 1 < len(token) <= _LONGEST_WORD and token.isalpha()


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: NDArray[np.float32] = np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0)
    return unit
