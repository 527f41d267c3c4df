"""musicnn's published weights: what the song models begin with.

Two nets for tagging music by Pons & Serra (2019), "musicnn: Pre-trained convolutional neural networks for music audio
tagging" (arXiv:1909.06654), trained on the Million Song Dataset with tags of Last.fm's listeners; ISC licence,
Universitat Pompeu Fabra. Their checkpoints are taken out of the PyPI wheel; the layers are written here anew. Needed
for training only.
"""

from __future__ import annotations

import zipfile
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.nn.functional import max_pool2d, pad, relu

from .checkpoint import read_variables

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

PACKAGE = "musicnn==0.1.0"
#: Where the wheel is looked for.
FOLDER = Path(".cache/musicnn")
#: Channels of the front end (two shapes of timbre, three lengths of tempo) and of each layer behind it.
_TIMBRES, _TEMPOS, MIDDLE = ((7, 38, 204), (7, 67, 204)), ((128, 51), (64, 51), (32, 51)), 64
FRONT = sum(shape[-1] for shape in (*_TIMBRES, *_TEMPOS))
_KERNEL = 7
#: Of TensorFlow's batch normalisation.
_EPSILON = 1e-3
VGG_WIDTH, _VGG_LAYERS = 128, 5
#: (frames, bands) that are pooled after each layer but the last.
VGG_POOLS = ((4, 1), (1, 4), (2, 2), (2, 2))

_norm2d = partial(nn.BatchNorm2d, eps=_EPSILON)
_norm1d = partial(nn.BatchNorm1d, eps=_EPSILON)


class Musicnn(nn.Module):  # type: ignore[misc]  # torch is untyped here
    """The convolutions of musicnn: filters as high as timbres and as long as beats, then three layers in time."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = _norm2d(1)
        self.timbres = nn.ModuleList(
            [nn.Conv2d(1, wide, (frames, bands), padding=(frames // 2, 0)) for frames, bands, wide in _TIMBRES]
        )
        self.tempos = nn.ModuleList([nn.Conv2d(1, wide, (frames, 1)) for frames, wide in _TEMPOS])
        self.front_norms = nn.ModuleList([_norm1d(shape[-1]) for shape in (*_TIMBRES, *_TEMPOS)])
        self.middle = nn.ModuleList(
            [nn.Conv1d(n, MIDDLE, _KERNEL, padding=_KERNEL // 2) for n in (FRONT, MIDDLE, MIDDLE)]
        )
        self.middle_norms = nn.ModuleList([_norm1d(MIDDLE) for _ in self.middle])

    def forward(self, mel: Any) -> Any:
        """Take [n, frames, 96] and return [n, 192, frames]: the three layers behind the front end."""
        picture = self.norm(mel[:, None])
        # The longest filters are of even length: one frame more is padded behind than before.
        tempos = [
            conv(pad(picture, (0, 0, (frames - 1) // 2, frames // 2)))
            for conv, (frames, _) in zip(self.tempos, _TEMPOS, strict=True)
        ]
        seen = [*(conv(picture) for conv in self.timbres), *tempos]
        peaks = [norm(relu(one).amax(dim=3)) for norm, one in zip(self.front_norms, seen, strict=True)]
        layers: list[Any] = []
        heard = torch.cat(peaks, dim=1)
        for conv, norm in zip(self.middle, self.middle_norms, strict=True):
            new = norm(relu(conv(heard)))
            heard = new + heard if layers else new
            layers.append(heard)
        return torch.cat(layers, dim=1)


class Vgg(nn.Module):  # type: ignore[misc]  # torch is untyped here
    """Five layers of 128 filters of 3x3, pooled in between (after Simonyan & Zisserman 2015, "VGG")."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = _norm2d(1)
        widths = (1, *[VGG_WIDTH] * _VGG_LAYERS)
        self.layers = nn.ModuleList([nn.Conv2d(n, m, 3, padding=1) for n, m in pairwise(widths)])
        self.norms = nn.ModuleList([_norm2d(VGG_WIDTH) for _ in self.layers])

    def forward(self, mel: Any) -> Any:
        """Take [n, frames, 96] and return [n, 128, frames / 16, 6]."""
        seen = self.norm(mel[:, None])
        for n, (layer, norm) in enumerate(zip(self.layers, self.norms, strict=True)):
            seen = norm(relu(layer(seen)))
            if n < len(VGG_POOLS):
                seen = max_pool2d(seen, VGG_POOLS[n])
        return seen


def load_musicnn(net: Musicnn) -> None:
    """Give the net its published weights.

    Raises:
        FileNotFoundError: the wheel is not there.
    """
    found = _variables("MSD_musicnn")
    # The layers are numbered in the order in which they were made.
    convs = [*net.timbres, *net.tempos, *net.middle]
    _fill(found, [("conv2d" + (f"_{n}" if n else ""), conv) for n, conv in enumerate(convs)], _norms(net))


def load_vgg(net: Vgg) -> None:
    """Give the net its published weights.

    Raises:
        FileNotFoundError: the wheel is not there.
    """
    found = _variables("MSD_vgg")
    _fill(found, [(f"{n}CNN", conv) for n, conv in enumerate(net.layers, 1)], [net.norm, *net.norms])


def _norms(net: Musicnn) -> list[Any]:
    return [net.norm, *net.front_norms, *net.middle_norms]


def _variables(member: str) -> dict[str, NDArray[np.float32]]:
    wheel = next(FOLDER.glob("musicnn-*.whl"), None)
    if wheel is None:
        raise FileNotFoundError(f"no wheel of musicnn in {FOLDER}: pip download --no-deps -d {FOLDER} {PACKAGE}")
    with zipfile.ZipFile(wheel) as content:
        return read_variables(
            content.read(f"musicnn/{member}/.index"), content.read(f"musicnn/{member}/.data-00000-of-00001")
        )


def _fill(found: Mapping[str, NDArray[np.float32]], convs: list[tuple[str, Any]], norms: list[Any]) -> None:
    with torch.no_grad():
        for name, conv in convs:
            kernel = torch.tensor(found[f"{name}/kernel"])
            # The filters of a layer in time span all channels of the one before.
            in_time = conv.weight.ndim < kernel.ndim
            kernel = kernel[:, :, 0].permute(2, 1, 0) if in_time else kernel.permute(3, 2, 0, 1)
            conv.weight.copy_(kernel)
            conv.bias.copy_(torch.tensor(found[f"{name}/bias"]))
        for n, norm in enumerate(norms):
            name = "batch_normalization" + (f"_{n}" if n else "")
            for ours, theirs in (
                (norm.weight, "gamma"),
                (norm.bias, "beta"),
                (norm.running_mean, "moving_mean"),
                (norm.running_var, "moving_variance"),
            ):
                ours.copy_(torch.tensor(found[f"{name}/{theirs}"]))
