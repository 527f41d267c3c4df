"""What a model's recipe says: its input, its net, its data and how long to train."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

#: A batch: inputs [n, ...] float32 and target probabilities [n, classes] float32.
Batch = tuple["NDArray[np.float32]", "NDArray[np.float32]"]


@dataclass(frozen=True, slots=True, eq=False)
class Examples:
    """Inputs with the truth about them.

    Attributes:
        inputs: [n, ...] float32, without the batch axis of the model's input.
        labels: [n] true class.
        groups: [n] which song (or person) each belongs to: intervals are drawn by groups. By example without.
    """

    inputs: NDArray[np.float32]
    labels: NDArray[np.int64]
    groups: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.labels)


class Data(Protocol):
    """The data of a recipe."""

    def batches(self, rng: np.random.Generator) -> Iterator[Batch]:
        """Go once through the training examples, in a new order and augmented anew."""
        ...

    @property
    def steps(self) -> int:
        """How many batches an epoch has."""
        ...

    @property
    def tests(self) -> Mapping[str, Examples]:
        """Examples of people (or pictures) that are not trained on, by name; the first name chooses."""
        ...

    @property
    def calibration(self) -> NDArray[np.float32]:
        """[n, ...] real training inputs that tell the quantiser the range of every layer."""
        ...


@dataclass(frozen=True, slots=True)
class Schedule:
    """How to train.

    Attributes:
        epochs: at most so many times through the data.
        learning_rate: at its highest, after the warm-up; falls to zero along a cosine.
        warmup: share of the steps in which the learning rate rises.
        weight_decay: of AdamW, on weights of layers (not on norms and biases).
        ema_decay: of the moving average of the weights that is tested and kept.
        patience: stop after so many epochs without a better score.
        bfloat16: compute in bfloat16 where the CPU has instructions for it.
        seed: of weights, order and augmentation.
    """

    epochs: int
    learning_rate: float = 1e-3
    warmup: float = 0.05
    weight_decay: float = 0.01
    ema_decay: float = 0.999
    patience: int = 1_000
    bfloat16: bool = False
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Recipe:
    """All there is to know about a model before it is trained.

    Attributes:
        name: of the model, in the manifest and in file names.
        task: `face`, `voice` or `score`.
        title: one line for the card.
        labels: the model's classes in order.
        input_name: of the ONNX input.
        input_shape: with its batch axis of 1.
        input_meaning: for manifest and card.
        data_name: which data it learns from.
        licence: the terms of that data.
        card: paragraphs of the card that only a person can write, by heading.
        net: makes the untrained net (a torch module from input to logits).
        read: reads the data below a folder.
        generate: makes up a little data, to try the whole chain in seconds.
        schedule: how to train.
        operators: ONNX operators to quantise; all that can be where empty.
        leave_float: beginnings of names of ONNX nodes that stay in float.
        int8: quantise; a net of a few thousand weights gains nothing by it.
        halves: further questions that the classes answer: a name, and the classes that mean yes.
    """

    name: str
    task: str
    title: str
    labels: tuple[str, ...]
    input_name: str
    input_shape: tuple[int, ...]
    input_meaning: str
    data_name: str
    licence: str
    card: Mapping[str, str]
    net: Callable[[], Any]
    read: Callable[[Path], Data]
    generate: Callable[[], Data]
    schedule: Schedule
    operators: tuple[str, ...] = ()
    leave_float: tuple[str, ...] = ()
    int8: bool = True
    halves: Mapping[str, frozenset[str]] = field(default_factory=dict)
