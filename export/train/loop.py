"""The training loop of all recipes."""

from __future__ import annotations

import math
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from rich.console import Console
from rich.progress import Progress
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from ..recipe import Data, Examples, Schedule


_GRADIENT_NORM = 5.0
#: Axes of a batch of pictures, which compute faster with the channels last.
_PICTURES = 4


def train(net: Any, data: Data, schedule: Schedule, checkpoint: Path) -> Any:
    """Train a net and return it with the averaged weights of its best epoch, ready for inference.

    The loss is the cross-entropy with the batch's target probabilities (AdamW, warm-up and cosine). After
    each epoch the checkpoint is written; with the same schedule a later call goes on from there.
    """
    torch.manual_seed(schedule.seed)
    rng = np.random.default_rng(schedule.seed)
    net = net.to(memory_format=torch.channels_last)
    averaged = AveragedModel(net, multi_avg_fn=get_ema_multi_avg_fn(schedule.ema_decay), use_buffers=True)
    optimiser = torch.optim.AdamW(_groups(net, schedule.weight_decay))
    epoch, best_score, best_epoch, best = 0, -math.inf, 0, net.state_dict()
    if checkpoint.exists():
        stored = torch.load(checkpoint, weights_only=False)
        if stored["schedule"] == asdict(schedule):
            net.load_state_dict(stored["net"])
            averaged.load_state_dict(stored["averaged"])
            optimiser.load_state_dict(stored["optimiser"])
            rng.bit_generator.state = stored["order"]
            torch.set_rng_state(stored["chance"])
            epoch, best_score, best_epoch, best = stored["progress"]

    console = Console()
    with Progress(console=console, transient=True) as bar:
        task = bar.add_task("epochs", total=schedule.epochs, completed=epoch)
        while epoch < schedule.epochs and epoch - best_epoch <= schedule.patience:
            started_s = time.monotonic()
            loss = _epoch(net, averaged, optimiser, data, rng, schedule, epoch)
            epoch += 1
            scores = {name: accuracy(averaged.module, test) for name, test in data.tests.items()}
            score = next(iter(scores.values()))
            if score > best_score:
                best_score, best_epoch = score, epoch
                best = {name: value.clone() for name, value in averaged.module.state_dict().items()}
            stored = {
                "schedule": asdict(schedule),
                "net": net.state_dict(),
                "averaged": averaged.state_dict(),
                "optimiser": optimiser.state_dict(),
                "order": rng.bit_generator.state,
                "chance": torch.get_rng_state(),
                "progress": (epoch, best_score, best_epoch, best),
            }
            # Written beside and renamed, so that an interrupted write leaves the last one whole.
            torch.save(stored, checkpoint.with_suffix(".part"))
            checkpoint.with_suffix(".part").replace(checkpoint)
            told = "  ".join(f"{name} {value:.4f}" for name, value in scores.items())
            seconds = time.monotonic() - started_s
            console.print(f"epoch {epoch}: loss {loss:.4f}  {told}  ({seconds:.0f} s)", soft_wrap=True)
            bar.update(task, completed=epoch)
    net.load_state_dict(best)
    return net.eval()


def best_weights(checkpoint: Path) -> dict[str, Any]:
    """Return the averaged weights of the best epoch so far of a training."""
    best: dict[str, Any] = torch.load(checkpoint, weights_only=False)["progress"][3]
    return best


def logits(net: Any, inputs: NDArray[np.float32], at_once: int = 128) -> NDArray[np.float32]:
    """Return a net's output for [n, ...] inputs."""
    net.eval()
    with torch.inference_mode():
        batches = (torch.from_numpy(inputs[i : i + at_once]) for i in range(0, len(inputs), at_once))
        parts = [net(_channels_last(batch)) for batch in batches]
    values: NDArray[np.float32] = torch.cat(parts).float().numpy()
    return values


def accuracy(net: Any, examples: Examples) -> float:
    """Return the share of examples that a net names rightly."""
    return float((logits(net, examples.inputs).argmax(axis=1) == examples.labels).mean())


def _epoch(net: Any, averaged: Any, optimiser: Any, data: Data, rng: Any, schedule: Schedule, epoch: int) -> float:
    net.train()
    losses = []
    for step, (inputs, targets) in enumerate(data.batches(rng)):
        done = (epoch + step / data.steps) / schedule.epochs
        for group in optimiser.param_groups:
            group["lr"] = schedule.learning_rate * _rate(done, schedule.warmup)
        x = _channels_last(torch.from_numpy(inputs))
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=schedule.bfloat16):
            output = net(x)
        loss = -(torch.from_numpy(targets) * output.float().log_softmax(dim=1)).sum(dim=1).mean()
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), _GRADIENT_NORM)
        optimiser.step()
        averaged.update_parameters(net)
        losses.append(loss.item())
    return float(np.mean(losses))


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
