"""Tiny models that are really trained, on made-up pictures, in a second or two."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

LABELS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
SHAPE = (1, 1, 48, 48)
#: As a module of somebody else's, who has only its weights in a file.
SOURCE = """
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.see = nn.Sequential(nn.Conv2d(1, 8, 3, stride=2, padding=1), nn.BatchNorm2d(8), nn.ReLU(),
                                 nn.AdaptiveAvgPool2d((8, 1)), nn.Flatten())
        self.name = nn.Linear(64, 7)

    def forward(self, image):
        return self.name(self.see(image))

class Needy(Net):
    def __init__(self, width):
        super().__init__()
"""


def pictures(count: int, seed: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Noise [count, 1, 48, 48] with a bright bar whose height tells the class, as a mean of 0 and deviation of 1."""
    rng = np.random.default_rng(seed)
    classes = rng.integers(0, len(LABELS), count)
    images = rng.normal(0, 1, (count, *SHAPE[1:]))
    for image, label in zip(images, classes, strict=True):
        image[0, 6 * label : 6 * label + 8] += 1.5
    images -= images.mean(axis=(1, 2, 3), keepdims=True)
    images /= images.std(axis=(1, 2, 3), keepdims=True)
    return images.astype(np.float32), classes


def blank() -> Any:
    """The net without training."""
    import torch

    torch.manual_seed(0)
    names: dict[str, Any] = {}
    exec(SOURCE, names)
    return names["Net"]()


@cache
def net() -> Any:
    """The net, trained."""
    import torch

    made = blank()
    images, classes = (torch.from_numpy(one) for one in pictures(700, 0))
    optimiser = torch.optim.Adam(made.parameters(), 0.02)
    for _ in range(40):
        loss = torch.nn.functional.cross_entropy(made(images), classes)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return made.eval()


def saved_script(file: Path, module: Any = None, shape: tuple[int, ...] = SHAPE) -> Path:
    """Save a module as TorchScript: the quickest way to a model file."""
    import warnings

    import torch

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.trace(module or net(), torch.zeros(shape)).save(file)
    return file


def saved_onnx(file: Path, module: Any = None, shape: tuple[int, ...] = SHAPE) -> Path:
    """Convert a module to ONNX by the tool itself."""
    from export.convert.sources import Asked, convert

    convert(saved_script(file.with_suffix(".pt"), module, shape), file, Asked(shape))
    return file


def answers(file: Path, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
    """What a model file says of inputs."""
    from export.describe import loaded

    model = loaded(file)
    return np.concatenate([model.run(one[None])[0] for one in inputs])
