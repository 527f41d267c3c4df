"""From text to the numbers of a vocabulary: words where they are known, else pieces of words.

Pieces are found by the longest match from the left, those inside a word begin with `##` (WordPiece: Wu et al. 2016,
arXiv:1609.08144; Devlin et al. 2019, arXiv:1810.04805).
"""

from __future__ import annotations

import math
import re
import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

#: The first two pieces of every vocabulary: padding, which models mask, and what can't be spelt.
PAD, UNKNOWN = "[PAD]", "[UNK]"
#: Before a piece that does not begin a word.
INSIDE = "##"
#: Tokens that a model takes at once.
LENGTH = 64

#: A word is read no further than this.
_LONGEST_WORD = 32
#: More characters than anybody says or a song has are not read.
_LONGEST_TEXT = 200_000
_TOKEN = re.compile(r"\.\.+|[^\W_]+|[!?…]")
_APOSTROPHES = re.compile(r"(?<=\w)['’‘`´](?=\w)")
#: Corpora part "do n't" and "i 'm".
_PARTED = re.compile(r"(?<=\w) (n['’]t|['’](?:s|m|d|re|ve|ll))\b")
_ADDRESS = re.compile(r"https?://\S+|www\.\S+")
#: Words in the names of emoji that tell how they are drawn.
_LOOKS = {"black", "heavy", "medium", "white", "with"}
_DRAWN_OUT = re.compile(r"(.)\1{2,}")
_EMOTICONS = (
    (re.compile(r"(?<!\w)(?:[:;=][-o^']?[)\]dD>}]|<3|\^_*\^|[xX][dD])(?!\w)"), " smile "),
    (re.compile(r"(?<!\w)(?:[:=][-o^']?[(\[{]|:'\(|T_T|;_;)(?!\w)"), " sad "),
)


def spelt(text: str) -> str:
    """Return a text as it is looked up: lower case, without accents, apostrophes joined, emoji by their names.

    "I can't… 😢" becomes "i cant … crying face". What Unicode calls a symbol is read by its name there.
    """
    text = _ADDRESS.sub(" ", text[:_LONGEST_TEXT])
    for drawn, word in _EMOTICONS:
        text = drawn.sub(word, text)
    if not text.isascii():
        text = "".join(_character(one) for one in unicodedata.normalize("NFKD", text))
    return _APOSTROPHES.sub("", _PARTED.sub(r"\1", text.casefold()))


@lru_cache(maxsize=4096)
def _character(one: str) -> str:
    category = unicodedata.category(one)
    # Accents that stand alone, and the selectors and joiners between emoji.
    if category in {"Mn", "Me", "Cf"}:
        return ""
    if category == "So":
        words = unicodedata.name(one, "").lower().split()
        return f" {' '.join(word for word in words if word not in _LOOKS)} "
    return one


class Encoder:
    """Encodes texts by a vocabulary.

    Args:
        vocabulary: the pieces; a piece's number is its place. The first two are `[PAD]` and `[UNK]`.

    Raises:
        ValueError: it begins otherwise.
    """

    def __init__(self, vocabulary: Sequence[str]) -> None:
        if tuple(vocabulary[:2]) != (PAD, UNKNOWN):
            raise ValueError(f"a vocabulary begins with {PAD} and {UNKNOWN}")
        self.vocabulary = tuple(vocabulary)
        self._numbers = {piece: number for number, piece in enumerate(vocabulary)}
        self._longest = max(map(len, vocabulary))

    def pieces(self, text: str) -> list[str]:
        """Return the pieces of a text; none where it has neither word nor `!`, `?` or `…`."""
        return [piece for token in tokens(text) for piece in self._of_word(token)]

    def numbers(self, text: str) -> list[int]:
        """Return the numbers of the pieces."""
        return [self._numbers[piece] for piece in self.pieces(text)]

    def windows(self, text: str) -> NDArray[np.int64]:
        """Return [windows, 64] numbers, padded with 0 at the end.

        A text of more than 64 pieces is cut into equal windows. No windows where there are no pieces.
        """
        return padded(self.numbers(text))

    def _of_word(self, word: str) -> Iterable[str]:
        if word in self._numbers:
            return [word]
        # "sooo" is looked up as "so", "happpy" as "happy".
        for times in (r"\1\1", r"\1"):
            short = _DRAWN_OUT.sub(times, word)
            if short in self._numbers:
                return [short]
        return self._parts(_DRAWN_OUT.sub(r"\1\1", word)[:_LONGEST_WORD])

    def _parts(self, word: str) -> list[str]:
        parts: list[str] = []
        start = 0
        while start < len(word):
            before = INSIDE if start else ""
            for end in range(min(len(word), start + self._longest), start, -1):
                piece = before + word[start:end]
                if piece in self._numbers:
                    parts.append(piece)
                    start = end
                    break
            else:
                return [UNKNOWN]
        return parts


def tokens(text: str) -> list[str]:
    """Return the words of a text and its `!`, `?` and `…`; a number is `0`."""
    return [_token(found) for found in _TOKEN.findall(spelt(text))]


def _token(found: str) -> str:
    if found.startswith(".."):
        return "…"
    return "0" if found.isdigit() else found


def padded(numbers: Sequence[int], length: int = LENGTH) -> NDArray[np.int64]:
    """Cut numbers into as few equal windows as hold them and pad each with 0: [windows, length]."""
    count = math.ceil(len(numbers) / length)
    windows = np.zeros((count, length), np.int64)
    for row, part in zip(windows, np.array_split(np.asarray(numbers, np.int64), max(1, count)), strict=False):
        row[: len(part)] = part
    return windows
