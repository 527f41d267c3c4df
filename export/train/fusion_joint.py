"""Joint fusion of face and voice: the trunks of both models and the layers on top of them, taught as one net."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import nn

from robotd.emotion import EMOTIONS
from robotd.paths import shipped
from robotd.perceive.features.face_image import SIDE
from robotd.perceive.features.mel import BANDS, FRAMES

from ..errors import ExportError
from ..recipe import Recipe, Schedule
from . import face_image, voice_mel
from .fusion import (
    CARD,
    COMPARISON,
    Head,
    Pairs,
    People,
    as_tests,
    embedding_sizes,
    made_up_people,
    padded,
    read_people,
    unknowing_voice,
    without_last,
    without_tests,
)
from .loop import logits, train

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

_PIXELS = SIDE * SIDE
#: Pairs that the layers on top get used to before the trunks move, and how often they see them.
_FIRST_BATCHES, _FIRST_STEPS = 120, 600


class Joint(nn.Module):  # type: ignore[misc]  # torch is untyped here
    """A face and a mel picture in one row of numbers; each goes through its own trunk, the head reads both.

    Norms stay as they are when the training begins: what is shipped has them folded into the layers before.
    """

    def __init__(self) -> None:
        super().__init__()
        self.face = without_last(face_image.net())
        self.voice = without_last(voice_mel.Net())
        self.head = Head(*embedding_sizes())

    def train(self, mode: bool = True) -> Joint:  # noqa: FBT001, FBT002 - torch's own signature
        """Train or not; norms never do, and the trunks' own dropout would come on top of the head's noise."""
        super().train(mode)
        for module in (*self.face.modules(), *self.voice.modules(), *self.head.norms):
            if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d | nn.Dropout | nn.Dropout2d):
                module.eval()
        return self

    def forward(self, both: Any) -> Any:
        """Take [n, 2304 + frames * 128] and return [n, 8] logits."""
        return self.head(self.embeddings(both))

    def embeddings(self, both: Any) -> Any:
        """Return what the trunks make of it, [n, face + voice]."""
        face = both[:, :_PIXELS].reshape(-1, 1, SIDE, SIDE)
        mel = both[:, _PIXELS:].reshape(both.shape[0], -1, BANDS)
        return torch.cat([self.face(face), self.voice(mel)], dim=1)


def start(net: Any, data: Pairs, voice: Mapping[str, Any] | None = None) -> None:
    """Begin with the trunks of the shipped models, and a head that is used to them.

    Args:
        net: untrained.
        data: pairs to get the head used to.
        voice: weights of a `voice_mel` in place of the shipped one's.
    """
    folder = shipped("models_onnx")
    start_from(net.face, folder / "face_image.onnx")
    if voice is None:
        start_from(net.voice, folder / "voice_mel.onnx")
    else:
        net.voice.load_state_dict({name: voice[name] for name in net.voice.state_dict()})
    settle(net, data)


def settle(net: Any, data: Pairs) -> None:
    """Teach the head alone, on embeddings that stay and are paired anew for each step."""
    batches = replace(data, steps=_FIRST_BATCHES).batches(np.random.default_rng(1))
    net.eval()
    with torch.no_grad():
        seen = [(net.embeddings(torch.from_numpy(inputs)), torch.from_numpy(targets)) for inputs, targets in batches]
    embeddings, targets = (torch.cat(of_all) for of_all in zip(*seen, strict=True))
    faces, voices = embeddings.split(net.head.sizes, dim=1)
    alike = [torch.nonzero(targets[:, label])[:, 0] for label in range(len(EMOTIONS))]
    optimiser = torch.optim.AdamW(net.head.parameters(), lr=2e-3, weight_decay=0.02)
    net.head.train()
    for _ in range(_FIRST_STEPS):
        labels = torch.arange(256) % len(EMOTIONS)
        first, second = (torch.stack([_any_of(alike[label]) for label in labels]) for _ in range(2))
        given = net.head(torch.cat([faces[first], voices[second]], dim=1))
        loss = nn.functional.cross_entropy(given, labels)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()


def _any_of(places: Any) -> Any:
    return places[torch.randint(len(places), ())]


def start_from(trunk: Any, file: Path) -> None:
    """Take the weights of a shipped int8 model, whose norms are folded into its convolutions.

    Raises:
        ExportError: the file is of another net.
    """
    weights = _float_weights(file)
    try:
        with torch.no_grad():
            for path, module in trunk.named_modules():
                if isinstance(module, nn.Conv2d):
                    module.weight.copy_(torch.tensor(weights[f"{path}.weight"]))
                elif isinstance(module, nn.LSTM):
                    for name, parameter in module.named_parameters():
                        parameter.copy_(torch.tensor(weights[f"{path}.{name}"]))
                elif isinstance(module, nn.BatchNorm2d):
                    *way, place = path.split(".")
                    before = ".".join([*way, str(int(place) - 1)])
                    # Such a norm adds the folded bias and changes nothing else.
                    module.bias.copy_(torch.tensor(weights[f"{before}.weight_bias"]))
                    module.running_var.fill_(1.0 - module.eps)
    except (KeyError, RuntimeError, ValueError) as error:
        raise ExportError(f"{file}: is not the net that its recipe makes now ({error}); train it again") from error


def _float_weights(file: Path) -> dict[str, NDArray[np.float32]]:
    """Return the weights of an int8 model in float, by the names that they had in PyTorch."""
    graph = onnx.load(file).graph
    stored = {one.name: numpy_helper.to_array(one) for one in graph.initializer}
    weights = {}
    for name, value in stored.items():
        base = name.removesuffix("_quantized")
        scale = stored.get(f"{name}_scale", stored.get(f"{base}_scale")) if name != base else None
        if scale is not None:
            value = value.astype(np.float32) * scale.reshape(-1, *[1] * (value.ndim - 1))  # noqa: PLW2901
        weights[base] = value
    for node in graph.node:
        if node.op_type == "LSTM":
            weights |= _biases(stored[node.input[3]])
    return weights


def _biases(both_ways: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
    """Take an LSTM's biases apart: [ways, input and hidden x gates x units], the gates in ONNX's order i, o, f, c."""
    named = {}
    for way, biases in zip(("", "_reverse"), both_ways, strict=False):
        for part, gates in zip(("ih", "hh"), biases.reshape(2, 4, -1), strict=True):
            # PyTorch's order is i, f, c, o.
            named[f"listen.bias_{part}_l0{way}"] = gates[[0, 2, 3, 1]].reshape(-1)
    return named


def read(data: Path) -> Pairs:
    """Read people as pictures of their faces and of what they say."""
    return _pairs(read_people(data), steps=40)


def measured(recipe: Recipe, data: Pairs, checkpoints: Path) -> Pairs:
    """Give the tests what a net gave that did not know the actors who test.

    Raises:
        ExportError: the `voice_mel` that it begins with was not trained.
    """
    if not data.people.far.any():
        # These are made up.
        return data
    begin = partial(start, voice=unknowing_voice(checkpoints))
    pairs = replace(data, left_out=voice_mel.TEST_ACTORS)
    net = train(replace(recipe, folds=None, start=begin), pairs, without_tests(recipe.name, checkpoints))
    return replace(data, tests=as_tests(data.people, data.met, unseen=logits(net, data.met)))


def _pairs(people: People, steps: int) -> Pairs:
    voices, shown = people.meet()
    inputs = _rows(face_image.tensors(people.shown[shown]), padded([people.heard[i] for i in voices], FRAMES))
    mels = [mel for version in people.versions for mel in version]
    return Pairs(people, people.faces, mels, _join, steps, 32, as_tests(people, inputs))


def _join(faces: Sequence[Any], voices: Sequence[Any], rng: np.random.Generator) -> NDArray[np.float32]:
    """Change faces and voices by chance and put their numbers into rows."""
    changed = face_image.tensors([face_image.augmented(face, rng) for face in faces])
    return _rows(changed, padded([voice_mel.masked(mel.astype(np.float32), rng) for mel in voices]))


def _rows(faces: NDArray[np.float32], mels: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.concatenate([faces.reshape(len(faces), -1), mels.reshape(len(mels), -1)], axis=1)


def generate() -> Pairs:
    """Make up people."""
    return replace(_pairs(made_up_people(), steps=10), left_out=voice_mel.TEST_ACTORS)


_CARD = {
    "Architecture": (
        "The trunks of `face_image` and `voice_mel` (all but their last linear layers) side by side, their outputs "
        "standardised; a layer of 48 units for each side, a layer of 48 for both, and a linear layer, with ReLU "
        "between: fusion_mid's head. One row of numbers is the input, and is split within, in float, so that pixels "
        "and mel picture are quantised each by a scale of its own. The LSTM and the head compute in float."
    ),
    "Training": (
        "Begins with the weights of the two shipped models, their norms folded and left so, and a head that was "
        "taught on their outputs. Then all is taught together on crops and recordings that are changed by chance as "
        "in the training of each. Noise is added to the voice's embedding, and a fifth of the voices is CREMA-D's, as "
        "for fusion_mid, and for its reasons. AdamW, cosine, moving average of the weights."
    ),
    **CARD,
    "Beside the others": COMPARISON,
}

RECIPE = Recipe(
    name="fusion_joint",
    task="fusion",
    title="Eight emotions of a face and a voice, read by one net from end to end",
    labels=tuple(emotion.value for emotion in EMOTIONS),
    input_name="both",
    input_shape=(1, _PIXELS + FRAMES * BANDS),
    input_meaning=(
        f"the {SIDE}x{SIDE} pixels of face_image's input row by row, then the {FRAMES}x{BANDS} of voice_mel's"
    ),
    data_name="FER-2013 Training with FER+ votes, RAVDESS and CREMA-D speech, paired by emotion",
    licence="CC BY-NC-SA 4.0 (RAVDESS): non-commercial; FER-2013: research use; CREMA-D: ODbL 1.0",
    card=_CARD,
    net=Joint,
    read=read,
    generate=generate,
    start=start,
    folds=measured,
    schedule=Schedule(epochs=5, learning_rate=1e-4, weight_decay=0.02, ema_decay=0.98, choose=False, bfloat16=True),
    # As in voice_mel; what splits the row stays in float, so that each half has a scale of its own.
    operators=("Conv", "Relu", "MaxPool"),
)
