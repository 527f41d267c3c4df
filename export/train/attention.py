"""Recurrent nets with attention over their last steps, that learn whole sequences and are shipped as one step."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn
from torch.nn.functional import linear, pad

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

_GATES = 4
#: Of some dozen features that are not 0 a gate's sum has a deviation of about 1.
_INPUT_DEVIATION = 0.3
_LEAST_SHARE = 1e-5


class Band(nn.Module):  # type: ignore[misc]  # torch is untyped here
    """Attention of each step to the `window` steps before it, with a learnt bias for how long ago each was.

    Scaled dot products (Vaswani et al. 2017, arXiv:1706.03762) of what is learnt of a step with what came before. In
    place of what was before the first step stand zeros.
    """

    def __init__(self, width: int, window: int) -> None:
        super().__init__()
        self.window = window
        self.scale = 1.0 / math.sqrt(width)
        self.query = nn.Linear(width, width, bias=False)
        #: The oldest step first.
        self.bias = nn.Parameter(torch.zeros(window))

    def forward(self, steps: Any) -> Any:
        """Take [n, steps, width] and return as much: what each step finds in those before it.

        The steps are cut into blocks as long as the window, so that a block sees itself and the one before it.
        """
        pieces, length, width = steps.shape
        window = self.window
        padded = pad(steps, (0, 0, window, -length % window)).reshape(pieces, -1, window, width)
        seen = torch.cat([padded[:, :-1], padded[:, 1:]], dim=2)
        ages = window + torch.arange(window)[:, None] - torch.arange(2 * window)
        bias = self.bias[(window - ages).clamp(0, window - 1)]
        scores = self.scale * self.query(padded[:, 1:]) @ seen.transpose(2, 3) + bias
        weights = scores.masked_fill((ages < 1) | (ages > window), -math.inf).softmax(dim=3)
        return (weights @ seen).reshape(pieces, -1, width)[:, :length]

    def step(self, now: Any, ring: Any) -> Any:
        """Take [n, width] and the steps before, [n, window, width], the oldest first; return [n, width]."""
        scores = self.scale * self.query(now)[:, None] @ ring.transpose(1, 2)
        return ((scores + self.bias).softmax(dim=2) @ ring)[:, 0]


class StepRNN(nn.Module):  # type: ignore[misc]  # torch is untyped here
    """LSTM layers, attention over the last outputs of the highest one, and a layer that tells the next event.

    The attention of MelodyRNN's attention_rnn (Waite 2016, "Generating long-term structure in songs and stories")
    feeds back into the recurrence; here it comes after it (as in Luong, Pham & Manning 2015, arXiv:1508.04025), so
    that whole sequences are computed at once. What it finds is added to what the layers give.

    Args:
        features: of a step.
        classes: how many logits it gives.
        width: units of each LSTM layer.
        layers: how many.
        window: how many steps the attention sees; 0 for none.
        dropout: of what each layer gives, in training.
    """

    def __init__(
        self, features: int, classes: int, *, width: int = 128, layers: int = 2, window: int = 40, dropout: float = 0.2
    ) -> None:
        super().__init__()
        self.width, self.layers, self.window = width, layers, window
        self.lstm = nn.LSTM(features, width, layers, batch_first=True, dropout=dropout if layers > 1 else 0.0)
        if window:
            self.band = Band(width, window)
            self.combine = nn.Linear(2 * width, width)
        self.dropout = nn.Dropout(dropout)
        self.last = nn.Linear(width, classes)
        self._begin()

    def _begin(self) -> None:
        """Set weights with which learning begins at once.

        Recurrent ones are orthogonal (Saxe et al. 2014, arXiv:1312.6120), what is forgotten is little (Jozefowicz et
        al. 2015, ICML), and inputs, of which few are not 0, count more than PyTorch's own numbers would have it.
        """
        for name, weight in self.lstm.named_parameters():
            if "weight_hh" in name:
                for gate in weight.data.chunk(_GATES):
                    nn.init.orthogonal_(gate)
            elif "weight_ih" in name:
                nn.init.normal_(weight, std=_INPUT_DEVIATION if name.endswith("l0") else weight.shape[1] ** -0.5)
            else:
                nn.init.zeros_(weight)
                if "bias_ih" in name:
                    weight.data[self.width : 2 * self.width] = 1.0

    @property
    def states(self) -> Mapping[str, tuple[int, ...]]:
        """The shape of each state of `step` without the batch axis."""
        shapes: dict[str, tuple[int, ...]] = {}
        for layer in range(1, self.layers + 1):
            shapes |= {f"h{layer}": (self.width,), f"c{layer}": (self.width,)}
        return shapes | ({"ring": (self.window, self.width)} if self.window else {})

    def expect(self, shares: NDArray[np.float64]) -> None:
        """Begin with expecting the events as often as they come: [classes] shares, or those of the first classes.

        A net that had to learn this first would drive its layers to their limits, from where they learn slowly.
        """
        logs = np.log(np.maximum(shares, _LEAST_SHARE))
        with torch.no_grad():
            self.last.bias[: len(logs)] = torch.from_numpy(logs.astype(np.float32))

    def tell(self, hidden: Any, features: Any) -> Any:  # noqa: ARG002 - for those that inherit
        """Return the logits [..., classes] for what was found, [..., width], with the features of the same steps."""
        return self.last(hidden)

    def forward(self, features: Any) -> Any:
        """Take [n, steps, features] and return [n, steps, classes] logits of the events that come at these steps."""
        top = self.lstm(features)[0]
        found = self._joined(top, self.band(top)) if self.window else top
        return self.tell(self.dropout(found), features)

    def step(self, features: Any, *states: Any) -> tuple[Any, ...]:
        """Take [n, features] and the states; return [n, classes] logits and the next states."""
        below = features
        following: list[Any] = []
        for layer in range(self.layers):
            hidden, cell = self._cell(layer, below, states[2 * layer], states[2 * layer + 1])
            following += [hidden, cell]
            below = hidden
        if not self.window:
            return self.tell(below, features), *following
        ring = states[-1]
        found = self._joined(below, self.band.step(below, ring))
        return self.tell(found, features), *following, torch.cat([ring[:, 1:], below[:, None]], dim=1)

    def _joined(self, now: Any, before: Any) -> Any:
        return now + self.combine(torch.cat([now, before], dim=-1))

    def _cell(self, layer: int, below: Any, hidden: Any, cell: Any) -> tuple[Any, Any]:
        """One step of an LSTM layer by the layer's own weights."""
        weights = [getattr(self.lstm, f"{name}_l{layer}") for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")]
        gates = linear(below, weights[0], weights[2]) + linear(hidden, weights[1], weights[3])
        write, keep, new, show = gates.chunk(_GATES, dim=1)
        cell = keep.sigmoid() * cell + write.sigmoid() * new.tanh()
        return show.sigmoid() * cell.tanh(), cell
