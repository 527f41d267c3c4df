"""Reads the emotion of what a person says from the words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from robotd.emotion import Reading, to_eight
from robotd.errors import MediaError, ModelError
from robotd.perceive.features.tokens import LENGTH, UNKNOWN, Encoder
from robotd.perceive.runtime import Model

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from robotd.config import Runtime
    from robotd.perceive.manifest import Manifest

#: So much of a text is quoted in an error.
_QUOTED = 40


class WordsReader:
    """A words model of the manifest.

    Raises:
        ModelError: the model can't be used, has no vocabulary, takes no tokens, or names what is no emotion.
    """

    def __init__(self, model: str, manifest: Manifest, runtime: Runtime) -> None:
        self._model = Model(model, "words", manifest, runtime)
        entry = self._model.entry
        if entry.input.shape != (1, LENGTH) or entry.input.dtype != "int64":
            raise ModelError(f"{model}: a words model takes tokens, int64 [1, {LENGTH}]")
        try:
            to_eight(entry.labels, [0.0] * len(entry.labels))
            self._encoder = Encoder(manifest.vocabulary(entry))
        except ValueError as error:
            raise ModelError(f"{model}: {error}") from error

    @property
    def model(self) -> str:
        """The model's name."""
        return self._model.name

    @property
    def labels(self) -> tuple[str, ...]:
        """The model's own classes."""
        return self._model.entry.labels

    def shares(self, text: str) -> dict[str, float]:
        """Return the probability of each of the model's own classes; they sum to 1.

        A text of more than 64 tokens is read in equal windows, whose probabilities are averaged by their tokens.

        Raises:
            MediaError: there are no words in it, or none that can be spelt with the vocabulary.
            ModelError: the model gave nonsense.
        """
        pieces = self._encoder.pieces(text)
        if all(piece == UNKNOWN for piece in pieces):
            problem = "none of its words can be read (English is wanted)" if pieces else "has no words to read"
            raise MediaError(f"{_quoted(text)}: {problem}")
        windows = self._encoder.windows(text)
        shares = np.average(
            [self._model.probabilities(window[None]) for window in windows],
            axis=0,
            weights=np.count_nonzero(windows, axis=1),
        )
        return dict(zip(self.labels, shares.tolist(), strict=True))

    def read(self, text: str, time_s: float) -> Reading:
        """Return the reading of what was said at a time.

        Raises:
            MediaError: there are no words in it, or none that can be spelt with the vocabulary.
            ModelError: the model gave nonsense.
        """
        return Reading("words", time_s, to_eight(self.labels, self.shares(text).values()))


def read_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Give the lines of a text file with their numbers from 1; blank ones are left out.

    Raises:
        MediaError: there is no such file, or it is not text (UTF-8).
    """
    try:
        with path.open(encoding="utf-8-sig") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    yield number, line.strip()
    except FileNotFoundError as error:
        raise MediaError(f"{path}: there is no such file") from error
    except OSError as error:
        raise MediaError(f"{path}: can't be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise MediaError(f"{path}: can't be read as text (UTF-8 is wanted)") from error


def _quoted(text: str) -> str:
    text = " ".join(text[: 4 * _QUOTED].split())
    return repr(text if len(text) <= _QUOTED else text[:_QUOTED] + "…")
