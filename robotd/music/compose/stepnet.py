"""Nets that tell of one event after another what comes next, with states that are handed from step to step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np

from robotd.errors import ModelError
from robotd.perceive.runtime import open_onnx

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from robotd.config import Runtime
    from robotd.music.compose.grid import GridNote
    from robotd.perceive.manifest import Manifest, Task

#: What a net remembers of some pieces: [pieces, ...] by the name of each state. Never changed in place.
States = Mapping[str, "NDArray[np.float32]"]
#: Where a net stands in a piece.
C = TypeVar("C")

#: To a state's input belongs the output with this behind its name.
NEXT = "_next"


@dataclass(frozen=True, slots=True)
class Condition:
    """The feeling that a net is to compose for.

    Attributes:
        valence: -1..1.
        arousal: -1..1.
        known: whether there is one; without it the net composes anything.
        minor: whether the piece is in A minor, else in C major.
    """

    valence: float = 0.0
    arousal: float = 0.0
    known: bool = True
    minor: bool = False

    @property
    def array(self) -> NDArray[np.float32]:
        """The four numbers that nets take; of a feeling that isn't known two are 0."""
        feeling = (self.valence, self.arousal) if self.known else (0.0, 0.0)
        return np.array([*feeling, self.known, self.minor], np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Composed(Generic[C]):
    """What a net has composed.

    Attributes:
        notes: their steps are counted from its first bar line; none goes on beyond its end.
        after: where the piece then stands.
    """

    notes: tuple[GridNote, ...]
    after: C


class StepNet:
    """A net that is run step by step, for any number of pieces at once.

    Args:
        name: its name in the manifest.
        task: what it must be for.
        manifest: where it is described; its file's hash is checked.
        runtime: providers and threads.

    Raises:
        ModelError: it is missing, changed, can't be loaded, or is no such net.
    """

    def __init__(self, name: str, task: Task, manifest: Manifest, runtime: Runtime) -> None:
        self.name = name
        entry = manifest.entry(name, task)
        if entry.format != "onnx":
            raise ModelError(f"{name}: is {entry.format}; a net with states must be onnx")
        content = manifest.content(entry)
        try:
            self._session = open_onnx(content, runtime)
        except Exception as error:  # the runtime raises whatever it likes for a bad file
            raise ModelError(f"{name}: {entry.file} can't be loaded ({_first_line(error)})") from error
        taken = {one.name: tuple(one.shape[1:]) for one in self._session.get_inputs()}
        given = {one.name: tuple(one.shape[1:]) for one in self._session.get_outputs()}
        self._input = entry.input.name
        self._output = entry.outputs[0].name
        self._states = {name: shape for name, shape in taken.items() if name != self._input}
        expected = {f"{name}{NEXT}": shape for name, shape in self._states.items()}
        if self._input not in taken or self._output not in given or any(given.get(n) != s for n, s in expected.items()):
            raise ModelError(f"{name}: {entry.file} is no net of steps: each state must come out as it went in")
        (self.features,), (self.classes,) = taken[self._input], given[self._output]

    def expect(self, features: int, classes: int) -> None:
        """Check that the net is one for an encoding.

        Raises:
            ModelError: it takes other features, or tells of other events.
        """
        if (self.features, self.classes) != (features, classes):
            raise ModelError(
                f"{self.name}: takes {self.features} features and tells of {self.classes} events, "
                f"not {features} and {classes}; it belongs to another version of robotd"
            )

    def start(self, pieces: int) -> States:
        """Return the states of so many pieces of which nothing has been heard yet."""
        return {name: np.zeros((pieces, *shape), np.float32) for name, shape in self._states.items()}

    def step(self, features: NDArray[np.float32], states: States) -> tuple[NDArray[np.float32], States]:
        """Take one step: return [pieces, classes] logits of the next event, and the states after it.

        Args:
            features: [pieces, features] what is known before the event.
            states: as they were returned by the step before, or by `start`.

        Raises:
            ModelError: something has another shape, or the net gave something that is no number.
        """
        pieces = len(features)
        self._check("features", features, (pieces, self.features))
        for name, shape in self._states.items():
            if name not in states:
                raise ModelError(f"{self.name}: the state {name} is missing")
            self._check(name, states[name], (pieces, *shape))
        names = [self._output, *(f"{name}{NEXT}" for name in self._states)]
        try:
            logits, *after = self._session.run(names, {self._input: features, **states})
        except Exception as error:  # as in loading
            raise ModelError(f"{self.name}: can't be run ({_first_line(error)})") from error
        if logits.shape != (pieces, self.classes) or not np.isfinite(logits).all():
            raise ModelError(f"{self.name}: {self._output} is not a number for each of {self.classes} events")
        return logits, dict(zip(self._states, after, strict=True))

    def _check(self, name: str, array: NDArray[Any], shape: tuple[int, ...]) -> None:
        if array.shape != shape or array.dtype != np.float32:
            raise ModelError(
                f"{self.name}: {name} is {list(array.shape)} {array.dtype}, not {list(shape)} float32; "
                "states belong to one net and to as many pieces as there are features"
            )


def take(states: States, piece: int) -> States:
    """Return the states of one piece."""
    return {name: values[piece : piece + 1].copy() for name, values in states.items()}


def spread(states: States, pieces: int) -> States:
    """Return the states of one piece for so many that go on from it."""
    return {name: np.repeat(values, pieces, axis=0) for name, values in states.items()}


def draws(seed: int, pieces: int) -> Sequence[np.random.Generator]:
    """Return where the chance of each piece comes from; that of a piece doesn't depend on how many there are."""
    return [np.random.Generator(np.random.PCG64(np.random.SeedSequence((seed, piece)))) for piece in range(pieces)]


def sample(
    logits: NDArray[np.floating[Any]],
    allowed: NDArray[np.bool_],
    temperature: float,
    chances: NDArray[np.float64],
) -> NDArray[np.int64]:
    """Draw an event for each of n pieces.

    By sums in the order of the events, in double precision, so that the same numbers give the same event everywhere.

    Args:
        logits: [n, classes].
        allowed: [n, classes] which events may come; at least one of each piece.
        temperature: above 0; below 1 what is probable becomes more so.
        chances: [n] a number from 0 up to 1 for each piece.
    """
    scores = np.where(allowed, logits.astype(np.float64) / temperature, -np.inf)
    heights = np.exp(scores - scores.max(axis=1, keepdims=True))
    sums = heights.cumsum(axis=1)
    drawn = (sums <= (chances * sums[:, -1])[:, None]).sum(axis=1)
    # Rounding may lead past the last event that is allowed.
    last = allowed.shape[1] - 1 - allowed[:, ::-1].argmax(axis=1)
    chosen: NDArray[np.int64] = np.minimum(drawn, last)
    return chosen


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
