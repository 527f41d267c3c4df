"""The training loop of all recipes."""

from __future__ import annotations

import math
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from rich.console import Console
from rich.progress import Progress
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from ..sequence import PADDING, bits
from ..verify import correlations

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from ..recipe import Based, Data, Examples, Recipe


_GRADIENT_NORM = 5.0
#: Axes of a batch of pictures, which compute faster with the channels last.
_PICTURES = 4
#: What the score of each kind of net is called, and what it is multiplied with to be that.
_SCORES = {"classes": ("accuracy", 1.0), "ratings": ("mean r", 1.0), "sequence": ("bits an event", -1.0)}


def train(recipe: Recipe, data: Data, checkpoint: Path) -> Any:
    """Train a recipe's net and return it with the averaged weights of its best epoch, ready for inference.

    AdamW, warm-up and cosine. After each epoch the checkpoint is written; with the same schedule a later call
    goes on from there. A recipe that fits without gradients needs no checkpoint. The checkpoint of a recipe's base
    lies beside its own, for others with the same base.
    """
    if recipe.fit is not None:
        return recipe.fit(data).eval()
    weights = None
    if recipe.base is not None:
        weights = train(recipe.base, cast("Based", data).base, checkpoint.with_stem(recipe.base.name)).state_dict()
    training = _Training(recipe, data, weights)
    schedule = recipe.schedule
    if checkpoint.exists():
        training.resume(torch.load(checkpoint, weights_only=True))
    console = Console()
    word, sign = _SCORES[recipe.kind]
    with Progress(console=console, transient=True) as bar:
        task = bar.add_task("epochs", total=schedule.epochs, completed=training.epoch)
        while training.epoch < schedule.epochs and training.epoch - training.best_epoch <= schedule.patience:
            started_s = time.monotonic()
            loss = training.run_epoch()
            score = training.keep()
            # Written beside and renamed, so that an interrupted write leaves the last one whole.
            torch.save(training.state(), checkpoint.with_suffix(".part"))
            checkpoint.with_suffix(".part").replace(checkpoint)
            seconds = time.monotonic() - started_s
            console.print(f"epoch {training.epoch}: loss {loss:.4f}, {word} {sign * score:.4f} ({seconds:.0f} s)")
            bar.update(task, completed=training.epoch)
    training.net.load_state_dict(training.best)
    return training.net.eval()


def best_weights(checkpoint: Path) -> dict[str, Any]:
    """Return the averaged weights of the best epoch so far of a training."""
    best: dict[str, Any] = torch.load(checkpoint, weights_only=True)["best"]
    return best


def outputs(net: Any, inputs: NDArray[Any], at_once: int = 128) -> list[NDArray[np.float32]]:
    """Return all outputs of a net for [n, ...] inputs."""
    net.eval()
    with torch.inference_mode():
        batches = (torch.from_numpy(inputs[i : i + at_once]) for i in range(0, len(inputs), at_once))
        parts = [_as_tuple(net(_channels_last(batch))) for batch in batches]
    return [torch.cat(of_all).float().numpy() for of_all in zip(*parts, strict=True)]


def logits(net: Any, inputs: NDArray[Any], at_once: int = 128) -> NDArray[np.float32]:
    """Return a net's first output for [n, ...] inputs."""
    return outputs(net, inputs, at_once)[0]


def cross_entropy(given: Any, targets: Any) -> Any:
    """Return the mean cross-entropy of the first output's logits with the targets' probabilities."""
    return -(targets * _as_tuple(given)[0].float().log_softmax(dim=1)).sum(dim=1).mean()


def absolute_error(given: Any, targets: Any) -> Any:
    """Return the mean absolute error of the first output's ratings; those that are NaN do not count."""
    rated = ~targets.isnan()
    apart = (_as_tuple(given)[0].float() - targets.nan_to_num()).abs() * rated
    return apart.sum() / rated.sum().clamp(min=1)


def next_event(given: Any, targets: Any) -> Any:
    """Return the mean cross-entropy of [n, steps, classes] logits with the events that came, in nats."""
    return nn.functional.cross_entropy(
        _as_tuple(given)[0].float().flatten(0, 1), targets.flatten(), ignore_index=PADDING
    )


_LOSSES = {"classes": cross_entropy, "ratings": absolute_error, "sequence": next_event}


def score(net: Any, examples: Examples, kind: str) -> float:
    """Return how good a net is, the more the better.

    It is the share of classes that it names rightly, the mean correlation of its ratings with the truth, or how many
    bits an event of a sequence costs, negative.
    """
    given = logits(net, examples.inputs)
    if kind == "sequence":
        return -float(bits(given, examples.truth)[examples.truth != PADDING].mean())
    if kind == "classes":
        return float((given.argmax(axis=1) == examples.truth).mean())
    return float(np.mean(correlations(given, examples.truth)))


def _as_tuple(given: Any) -> tuple[Any, ...]:
    return given if isinstance(given, tuple) else (given,)


class _Training:
    """A net on its way, and all that is needed to go on after a stop."""

    def __init__(self, recipe: Recipe, data: Data, weights: dict[str, Any] | None = None) -> None:
        self.schedule = schedule = recipe.schedule
        torch.manual_seed(schedule.seed)
        net = recipe.net()
        if weights is not None:
            net.load_state_dict(weights)
        if recipe.start is not None:
            recipe.start(net, data)
        self.net = net.to(memory_format=torch.channels_last)
        self.data = data
        self.kind = recipe.kind
        self.loss = recipe.loss or _LOSSES[recipe.kind]
        self.averaged = AveragedModel(net, multi_avg_fn=get_ema_multi_avg_fn(schedule.ema_decay), use_buffers=True)
        self.optimiser = torch.optim.AdamW(_groups(net, schedule.weight_decay))
        self.order = np.random.default_rng(schedule.seed)
        self.epoch = 0
        self.best: dict[str, Any] = net.state_dict()
        self.best_score, self.best_epoch = -math.inf, 0

    def run_epoch(self) -> float:
        """Go once through the data and return the mean loss."""
        self.net.train()
        losses = []
        for step, (inputs, targets) in enumerate(self.data.batches(self.order)):
            done = (self.epoch + step / self.data.steps) / self.schedule.epochs
            for group in self.optimiser.param_groups:
                group["lr"] = self.schedule.learning_rate * _rate(done, self.schedule.warmup)
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=self.schedule.bfloat16):
                given = self.net(_channels_last(torch.from_numpy(inputs)))
            loss = self.loss(given, torch.from_numpy(targets))
            self.optimiser.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(self.net.parameters(), _GRADIENT_NORM)
            self.optimiser.step()
            self.averaged.update_parameters(self.net)
            losses.append(loss.item())
        self.epoch += 1
        return float(np.mean(losses))

    def keep(self) -> float:
        """Return the score of the averaged weights on the first test, and keep them if they are the ones to keep.

        Where the score doesn't choose, only the last epoch's is measured; that of the others is NaN.
        """
        if not self.schedule.choose and self.epoch < self.schedule.epochs:
            self.best_epoch = self.epoch
            return math.nan
        now = score(self.averaged.module, next(iter(self.data.tests.values())), self.kind)
        if now > self.best_score or not self.schedule.choose:
            self.best_score, self.best_epoch = now, self.epoch
            self.best = {name: value.clone() for name, value in self.averaged.module.state_dict().items()}
        return now

    def state(self) -> dict[str, Any]:
        """Return what a checkpoint holds."""
        return {
            "schedule": asdict(self.schedule),
            "steps": self.data.steps,
            "net": self.net.state_dict(),
            "averaged": self.averaged.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "order": self.order.bit_generator.state,
            "chance": torch.get_rng_state(),
            "epoch": self.epoch,
            "best": self.best,
            "best_score": self.best_score,
            "best_epoch": self.best_epoch,
        }

    def resume(self, state: dict[str, Any]) -> None:
        """Go on from a checkpoint, unless it was made with another schedule or with more or less data."""
        if state["schedule"] != asdict(self.schedule) or state.get("steps", self.data.steps) != self.data.steps:
            return
        self.net.load_state_dict(state["net"])
        self.averaged.load_state_dict(state["averaged"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.order.bit_generator.state = state["order"]
        torch.set_rng_state(state["chance"])
        self.epoch, self.best = state["epoch"], state["best"]
        self.best_score, self.best_epoch = state["best_score"], state["best_epoch"]


def _channels_last(batch: Any) -> Any:
    return batch.contiguous(memory_format=torch.channels_last) if batch.ndim == _PICTURES else batch


def _rate(done: float, warmup: float) -> float:
    """Share of the learning rate when `done` (0..1) of the training is over."""
    if done < warmup:
        return done / warmup
    return 0.5 + 0.5 * math.cos(math.pi * (done - warmup) / (1.0 - warmup))


def _groups(net: Any, weight_decay: float) -> list[dict[str, Any]]:
    """Weights of layers decay; norms and biases, which have one axis, don't."""
    parameters = list(net.parameters())
    return [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
