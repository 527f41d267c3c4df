"""What a model's recipe says: its input, its net, its data and how long to train."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

#: A batch: inputs [n, ...] and targets [n, ...]: probabilities of classes or ratings (NaN: not rated) in float32, or of
#: sequences the event that comes at each step in int64 (-1: does not count).
Batch = tuple["NDArray[Any]", "NDArray[Any]"]


@dataclass(frozen=True, slots=True, eq=False)
class Examples:
    """Inputs with the truth about them.

    Attributes:
        inputs: [n, ...] without the batch axis of the model's input.
        truth: [n] the true class, or [n, ratings] float32 with NaN where a rating is missing, or of sequences
            [n, steps] the event that came, -1 where it does not count.
        groups: [n] which song (or person) each belongs to: intervals are drawn by groups. By example without.
        output: which output of the model is meant, by name; the first without.
        unseen: [n, ...] what nets gave that had not learnt from these examples (cross-validation). Where the
            shipped model has seen them all, its figures and its temperature are taken from this.
    """

    inputs: NDArray[Any]
    truth: NDArray[Any]
    groups: NDArray[np.int64] | None = None
    output: str | None = None
    unseen: NDArray[np.float32] | None = None

    def __len__(self) -> int:
        return len(self.truth)


class Examined(Protocol):
    """What a recipe's model is measured on."""

    @property
    def tests(self) -> Mapping[str, Examples]:
        """Examples of people (or pictures) that are not trained on, by name.

        The first of each output sets its temperature; the very first chooses the epoch.
        """
        ...

    @property
    def calibration(self) -> NDArray[Any]:
        """[n, ...] real training inputs that tell the quantiser the range of every layer."""
        ...


class Data(Examined, Protocol):
    """The data of a recipe that is trained by gradients."""

    def batches(self, rng: np.random.Generator) -> Iterator[Batch]:
        """Go once through the training examples, in a new order and augmented anew."""
        ...

    @property
    def steps(self) -> int:
        """How many batches an epoch has."""
        ...


class Based(Data, Protocol):
    """The data of a recipe that has a base."""

    @property
    def base(self) -> Data:
        """The data that the base is trained on."""
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
        choose: keep the epoch with the best score; else the last one, where the tests must not choose.
        bfloat16: compute in bfloat16 where the CPU has instructions for it.
        seed: of weights, order and augmentation.
    """

    epochs: int
    learning_rate: float = 1e-3
    warmup: float = 0.05
    weight_decay: float = 0.01
    ema_decay: float = 0.999
    patience: int = 1_000
    choose: bool = True
    bfloat16: bool = False
    seed: int = 0


@dataclass(frozen=True, slots=True)
class View:
    """A further entry of the manifest for the same file: another of its outputs read as a model of its own.

    Attributes:
        name: of the entry.
        output: the model's output that it reads.
        labels: the classes or ratings of that output.
    """

    name: str
    output: str
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Recipe:
    """All there is to know about a model before it is trained.

    A net of kind `sequence` goes through [n, steps, features] at once in training. What is shipped of it is one step,
    its method `step`: from [n, features] and its states to [n, classes] and its next states.

    Attributes:
        name: of the model, in the manifest and in file names.
        task: `face`, `voice`, `words`, `song`, `score`, `fusion`, `melody` or `polyphony`.
        title: one line for the card.
        labels: the model's classes or ratings in order.
        input_name: of the ONNX input.
        input_shape: with its batch axis of 1.
        input_meaning: for manifest and card.
        data_name: which data it learns from.
        licence: the terms of that data.
        card: paragraphs of the card that only a person can write, by heading.
        net: makes the untrained net (a torch module from input to its outputs: one, or a tuple).
        read: reads the data below a folder: `Data`, or where `fit` makes the net whatever that takes.
        generate: makes up a little data, to try the whole chain in seconds.
        schedule: how to train.
        kind: `classes` are named by logits; `ratings` are numbers; of a `sequence` each next event is foretold.
        outputs: the outputs in order, each name with its meaning; one by default, called as its kind asks.
        views: further entries of the manifest that read other outputs of the same file.
        input_dtype: `int64` for tokens.
        loss: (outputs of the net, targets) to a number; without it cross-entropy of classes or the mean absolute
            error of the ratings that are there, both on the first output.
        fit: makes the trained net from the data where that needs no gradients, such as a support vector machine.
        folds: (recipe, data, folder for checkpoints) measures by cross-validation: gives the data with what nets gave
            that had not learnt from its tests.
        operators: ONNX operators to quantise; all that can be where empty.
        leave_float: beginnings of names of ONNX nodes that stay in float.
        int8: quantise; a net of a few thousand weights gains nothing by it.
        dynamic: quantise the weights only, and activations as they come: for nets that are mostly recurrent.
        weights_only: int8 weights, computed in float: for nets whose activations int8 would spoil.
        tflite: also write a TFLite model.
        halves: further questions that the classes answer: a name, and the classes that mean yes.
        start: (net, data) gives an untrained net what it begins with, such as known embeddings.
        base: trained before this one, on `data.base`; the net begins with its weights. Recipes may share one.
        states: of a sequence's net: the shape of each without the batch axis, in the order of its `step`.
        embedding: also give what the last linear layer reads, as an output `embedding`.
        trunks: shipped models whose embeddings are this one's input.
        vocabulary: the pieces of text that the input's numbers stand for; written beside the model, one a line.
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
    read: Callable[[Path], Any]
    generate: Callable[[], Any]
    schedule: Schedule
    kind: Literal["classes", "ratings", "sequence"] = "classes"
    outputs: Mapping[str, str] = field(default_factory=dict)
    views: tuple[View, ...] = ()
    input_dtype: Literal["float32", "int64"] = "float32"
    loss: Callable[[Any, Any], Any] | None = None
    fit: Callable[[Any], Any] | None = None
    folds: Callable[[Any, Any, Path], Any] | None = None
    operators: tuple[str, ...] = ()
    leave_float: tuple[str, ...] = ()
    int8: bool = True
    dynamic: bool = False
    weights_only: bool = False
    tflite: bool = False
    halves: Mapping[str, frozenset[str]] = field(default_factory=dict)
    start: Callable[[Any, Any], None] | None = None
    base: Recipe | None = None
    states: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    embedding: bool = False
    trunks: tuple[str, ...] = ()
    vocabulary: Callable[[Any], tuple[str, ...]] | None = None

    @property
    def net_outputs(self) -> Mapping[str, str]:
        """The outputs of the net in order, each name with its meaning."""
        if self.outputs:
            return self.outputs
        if self.kind == "ratings":
            return {"ratings": f"{', '.join(self.labels)}"}
        if self.kind == "sequence":
            following = {f"{state}_next": f"what the input `{state}` is at the next step" for state in self.states}
            return {"logits": "of the next event; softmax gives its probabilities"} | following
        return {"logits": "divide by the temperature, then softmax"}

    @property
    def shipped_outputs(self) -> Mapping[str, str]:
        """The outputs of the shipped file in order, each name with its meaning."""
        return dict(self.net_outputs) | ({"embedding": "what the last layer reads"} if self.embedding else {})
