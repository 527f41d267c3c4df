"""What a person said: the emotion of the text and what it is about. The text itself is not kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from robotd.emotion import Reading
from robotd.perceive.keywords import shipped_keyworder
from robotd.perceive.manifest import load_manifest
from robotd.perceive.words import WordsReader

if TYPE_CHECKING:
    from robotd.config import Runtime, Words
    from robotd.perceive.keywords import Keyword


@dataclass(frozen=True, slots=True)
class Said:
    """What became of a text.

    Attributes:
        time_s: when it came, in seconds since the input began.
        emotions: the probabilities of the 8 emotions in order, summing to 1.
        keywords: what it is about, the most significant first.
        listener: who said it, where that is known.
    """

    time_s: float
    emotions: tuple[float, ...]
    keywords: tuple[Keyword, ...]
    listener: str | None = None

    @property
    def reading(self) -> Reading:
        """The text as one of the modalities of the feeling."""
        return Reading("words", self.time_s, self.emotions)


class TextReader:
    """Reads texts with a words model and a keywords model of those that are shipped.

    Raises:
        ModelError: one of them can't be used.
    """

    def __init__(self, words: Words, runtime: Runtime) -> None:
        self._reader = WordsReader(words.model, load_manifest(), runtime)
        self._keyworder = shipped_keyworder(runtime, words.keywords)

    @property
    def models(self) -> dict[str, str]:
        """The names of its models."""
        return {"words": self._reader.model, "keywords": self._keyworder.model}

    def read(self, text: str, time_s: float, listener: str | None = None) -> Said:
        """Return what a text of a time says.

        Raises:
            MediaError: there are no words in it, or none that can be read.
            ModelError: a model gave nonsense.
        """
        reading = self._reader.read(text, time_s)
        return Said(time_s, reading.probabilities, self._keyworder.keywords(text), listener)
