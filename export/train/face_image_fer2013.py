"""Face model on FER-2013's own labels: the net of `face_image`, taught by both kinds of labels at once."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import nn

from robotd.paths import shipped
from robotd.perceive.features.face_image import SIDE

from ..data import fer
from ..recipe import Examples, Recipe, Schedule
from . import face_image
from .chance import sometimes
from .face_image import Faces, Motion, partly_hidden, tensors

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray


_CLASSES = len(fer.CLASSES)
#: Spread over all classes, since labels are often wrong.
_SMOOTHING = 0.05
#: How much the votes count beside the labels.
_VOTES_SHARE = 0.3
_CALIBRATION = 300

# Less than for `face_image`: the net has to learn these crops, and the default model is the other one.
_MOTION = Motion(rotation_deg=8.0, scale=(0.9, 1.1), shift_px=2.5)
_CUTOUT_PX = (6, 16)


class TwoHeads(nn.Module):  # type: ignore[misc]  # torch is untyped here
    """The trunk of `face_image` with a head for FER-2013's labels and one for FER+'s votes.

    In training it gives the logits of both heads; for inference those of FER-2013's labels alone, [n, 7], as the
    mean over the face and its mirror image.
    """

    def __init__(self) -> None:
        super().__init__()
        *trunk, self.votes = face_image.net()
        self.trunk = nn.Sequential(*trunk)
        self.labels = nn.Linear(self.votes.in_features, _CLASSES)
        # 1 while the norms are still to take their statistics from the first batch.
        self.register_buffer("unsettled", torch.zeros(()))

    def forward(self, faces: Any) -> Any:
        """Return the logits of [n, 1, 48, 48] faces: of both heads in training, else of the labels alone."""
        if self.training:
            if self.unsettled:
                self._settle(faces)
            seen = self.trunk(faces)
            return self.labels(seen), self.votes(seen)
        logits = self.labels(self.trunk(torch.cat([faces, faces.flip(3)])))
        return logits.reshape(2, -1, _CLASSES).mean(dim=0)

    def start_from(self, weights: Mapping[str, NDArray[np.float32]]) -> None:
        """Take trunk and votes' head from a `face_image` whose norms are folded into its convolutions."""
        with torch.no_grad():
            for name, module in self._as_face_image().named_modules():
                if isinstance(module, nn.Conv2d | nn.Linear):
                    module.weight.copy_(torch.tensor(weights[f"{name}.weight"]))
                if isinstance(module, nn.Linear):
                    module.bias.copy_(torch.tensor(weights[f"{name}.bias"]))
                if isinstance(module, nn.BatchNorm2d):
                    *way, place = name.split(".")
                    folded = ".".join([*way, str(int(place) - 1), "weight_bias"])
                    # Such a norm adds the folded bias and changes nothing else.
                    module.bias.copy_(torch.tensor(weights[folded]))
                    module.running_var.fill_(1.0 - module.eps)
        self.unsettled.fill_(1.0)

    def _settle(self, faces: Any) -> None:
        """Give each norm the mean and deviation of what it is given, so that in training too it changes nothing."""
        given: dict[Any, Any] = {}
        norms = [module for module in self.trunk.modules() if isinstance(module, nn.BatchNorm2d)]
        hooks = [norm.register_forward_pre_hook(lambda norm, x: given.update({norm: x[0].float()})) for norm in norms]
        with torch.no_grad():
            self.trunk.eval()(faces)
            for norm in norms:
                variance, mean = torch.var_mean(given[norm], dim=(0, 2, 3))
                norm.running_mean.copy_(mean)
                norm.running_var.copy_(variance)
                norm.weight.copy_((variance + norm.eps).sqrt())
                norm.bias.add_(mean)
            self.unsettled.zero_()
        for hook in hooks:
            hook.remove()
        self.trunk.train()

    def _as_face_image(self) -> Any:
        return nn.Sequential(*self.trunk, self.votes)


def net() -> Any:
    """Return the net with the trunk of the shipped `face_image`."""
    started = TwoHeads()
    started.start_from(folded_weights(shipped("models_onnx") / "face_image.onnx"))
    return started


def folded_weights(file: Path) -> dict[str, NDArray[np.float32]]:
    """Return the weights of an int8 ONNX model in float, by the names that they had in PyTorch."""
    stored = {one.name: numpy_helper.to_array(one) for one in onnx.load(file).graph.initializer}
    weights = {}
    for name, value in stored.items():
        base = name.removesuffix("_quantized")
        if base != name:
            # A weight's scale is named after the weight, a bias's after what became of it.
            scale = stored[f"{base}_scale" if f"{base}_scale" in stored else f"{name}_scale"]
            weights[base] = value.astype(np.float32) * scale.reshape(-1, *[1] * (value.ndim - 1))
    return weights


def loss(given: Any, targets: Any) -> Any:
    """Return the sum of the two heads' cross-entropies; targets are side by side, a picture without votes has zeros."""
    own, votes = (logits.float().log_softmax(dim=1) for logits in given)
    return -(targets * torch.cat([own, votes], dim=1)).sum(dim=1).mean()


def changed(crop: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Return a crop flipped, moved, turned, lit otherwise or partly hidden by chance."""
    moved: Any = _MOTION.of(crop, rng)
    if sometimes(rng, 0.3):
        levels = 255.0 * np.linspace(0.0, 1.0, 256) ** math.exp(rng.uniform(-0.4, 0.4))
        moved = cv2.LUT(moved, levels.astype(np.uint8))
    if sometimes(rng, 0.3):
        partly_hidden(moved, _CUTOUT_PX, rng)
    return np.asarray(moved, np.uint8)


def read(data: Path) -> Faces:
    """Read FER-2013's Training to train on and its PublicTest to test."""
    train = fer.read_fer(data, "train")
    train = train.only(~fer.is_no_face(train.votes))
    copies = fer.copies_of(train.images)
    eye = np.eye(_CLASSES, dtype=np.float32)
    own = mean_of_copies((1.0 - _SMOOTHING) * eye[train.labels] + _SMOOTHING / _CLASSES, copies)
    voted = np.zeros((len(train.files), _CLASSES))
    some_emotion = fer.has_emotion(train.votes)
    voted[some_emotion] = fer.soft_labels(train.votes[some_emotion])
    targets = np.concatenate([own, _VOTES_SHARE * mean_of_copies(voted, copies)], axis=1)
    first = np.unique(copies, return_index=True)[1]
    everything = fer.read_fer(data, "publictest")
    near = fer.near_copies(data)
    fresh = everything.only(np.array([file not in near for file in everything.files]))
    some = np.random.default_rng(0).permutation(len(train.files))[:_CALIBRATION]
    return Faces(
        train.images[first],
        targets[first].astype(np.float32),
        {
            "fer2013_publictest_fresh": Examples(tensors(fresh.images), fresh.labels),
            "fer2013_publictest": Examples(tensors(everything.images), everything.labels),
        },
        tensors(train.images[some]),
        changed,
    )


def mean_of_copies(values: NDArray[Any], copies: NDArray[np.int64]) -> NDArray[Any]:
    """Give every copy of a picture the mean of what its copies have."""
    sums = np.zeros((copies.max() + 1, values.shape[1]))
    np.add.at(sums, copies, values)
    means: NDArray[Any] = (sums / np.bincount(copies)[:, None])[copies]
    return means


def generate() -> Faces:
    """Make up crops as `face_image` does, the votes agreeing with the labels."""
    faces = face_image.generate()
    targets = np.concatenate([faces.targets, faces.targets], axis=1)
    return Faces(faces.images, targets, faces.tests, faces.calibration, changed)


_CARD = {
    "Architecture": (
        "The residual CNN of `face_image` (0.68 million weights) with a linear layer for FER-2013's labels. The face "
        "and its mirror image are read together and their logits averaged within the model, which doubles its 49 "
        "million multiplications and gives nearly 2 points (0.660 to 0.679 of the fresh images, float)."
    ),
    "Training": (
        "It starts from the shipped `face_image`: its int8 weights in float, each batch norm set to the mean and "
        "deviation of what it is given. Two linear layers learn at once, one from FER-2013's own labels "
        "(cross-entropy, 5 % smoothing), one from the shares of FER+'s votes (weight 0.3); only the first is "
        "shipped. Of pictures that occur several times in Training one copy is kept, with the mean of its copies' "
        "labels (39 have contradictory ones); pictures that most of the crowd call no face are left out: 27,332 "
        "remain. AdamW, warm-up and cosine, moving average of the weights, 28 epochs of about 35 s on a core. Images "
        "are flipped, turned by up to 8 degrees, scaled by 0.9 to 1.1, moved by up to 2.5 pixels, now and then lit "
        "otherwise or partly covered."
    ),
    "Tried": (
        "Targets of 60 % own label and 40 % what pictures with such votes are usually labelled, with the stronger "
        "augmentation of `face_image`: stayed at 0.634 of the fresh images from the 10th to the 16th epoch. The "
        "votes' layer of that net named 0.845 of FER+'s fresh images, no more than `face_image` itself (0.844)."
    ),
    "Split": (
        "PublicTest tests, and set the temperature; the last epoch is kept, so it chose no weights, only between the "
        "two ways of training. `fer2013_publictest_fresh`: less the 485 images that are (nearly) in Training too. "
        "`fer2013_publictest`: all 3,589, as the literature counts. People agree with these labels on about 65 %."
    ),
    "Limits": (
        "FER-2013's labels come from the words of an image search and are often wrong: the crowd of FER+ disagrees "
        "with 37 % of them. This model is for figures that compare with the literature; `face_image`, which learnt "
        "what people see, is the default. It has seen less of badly cut and badly lit faces. How well it does for "
        "each age, skin tone or culture has not been measured. A face says how someone looks, not how they feel."
    ),
    "Intended use": (
        "Comparison, and a hint to a robot or a music player in the home of people who know that it is on. Not for "
        "judging people: not in hiring, teaching, policing, insurance or medicine. FER-2013's images come without a "
        "stated licence; take the weights for research and private use unless you have cleared that."
    ),
}

RECIPE = Recipe(
    name="face_image_fer2013",
    task="face",
    title="Seven facial expressions of a 48x48 grey face crop, as FER-2013 labels them",
    labels=fer.CLASSES,
    input_name="image",
    input_shape=(1, 1, SIDE, SIDE),
    input_meaning="grey face crop with FER-2013's margin, mean 0 and deviation 1 over its pixels",
    data_name="FER-2013 Training images with their own labels and FER+ crowd votes; starts from face_image",
    licence="FER-2013: Kaggle contest terms, no licence stated, research use; FER+ votes: MIT",
    card=_CARD,
    net=net,
    read=read,
    generate=generate,
    loss=loss,
    schedule=Schedule(epochs=28, learning_rate=2e-3, weight_decay=0.05, choose=False, bfloat16=True),
)
