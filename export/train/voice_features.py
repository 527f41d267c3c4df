"""Voice model: eight emotions of an utterance's MFCC, chroma, RMS and spectral centroid, frame by frame."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from robotd.emotion import EMOTIONS
from robotd.perceive.features.spectral import FRAMES, NAMES, frame_features

from ..recipe import Recipe, Schedule
from .folds import measured_in_folds
from .voices import FOLDS, INTENDED, LIMITS, SPLIT, made_up, read_voices, voices

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from .voices import Voices

VERSIONS = 8
_WIDTHS, _KERNEL = (256, 256, 128, 64), 5
_RMS = NAMES.index("rms")
#: Least variance that is told from none.
_FLAT = 1e-3


class Net(nn.Module):  # type: ignore[misc]  # torch is untyped here
    """Four convolutions in time, each max-pooled; mean and peak of the last over the frames that there are."""

    def __init__(self) -> None:
        super().__init__()
        # Without weights of its own, and with all batches counting alike, it comes to hold the training set's mean
        # and deviation.
        self.standardise = nn.BatchNorm1d(len(NAMES), affine=False, momentum=None)
        layers: list[Any] = []
        narrow = 2 * len(NAMES)
        for wide in _WIDTHS:
            layers += [
                nn.Conv1d(narrow, wide, _KERNEL, padding=_KERNEL // 2, bias=False),
                nn.BatchNorm1d(wide),
                nn.MaxPool1d(2),
                nn.ReLU(),
                nn.Dropout(0.2),
            ]
            narrow = wide
        self.look = nn.Sequential(*layers)
        self.steps = nn.MaxPool1d(2 ** len(_WIDTHS))
        self.name = nn.Sequential(nn.Dropout(0.4), nn.Linear(2 * narrow, len(EMOTIONS)))

    def forward(self, frames: Any) -> Any:
        """Take [n, frames, 27] and return [n, 8] logits.

        Each feature comes in twice: as it is among all people, and relative to the utterance's own mean and deviation.
        """
        there = (frames[:, :, _RMS : _RMS + 1] > 0.0).float()
        count = there.sum(dim=1, keepdim=True).clamp(min=1.0)
        centred = (frames - frames.sum(dim=1, keepdim=True) / count) * there
        own = centred / ((centred * centred).sum(dim=1, keepdim=True) / count + _FLAT).sqrt()
        among_all = self.standardise(frames.transpose(1, 2)) * there.transpose(1, 2)
        seen = self.look(torch.cat([among_all, own.transpose(1, 2)], dim=1))
        weights = self.steps(there.transpose(1, 2))
        mean = (seen * weights).sum(dim=2) / weights.sum(dim=2).clamp(min=1.0)
        # What is seen is never negative, so padding that counts as 0 is no peak.
        return self.name(torch.cat([mean, (seen * weights).amax(dim=2)], dim=1))


def masked(frames: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Blank out some frames and a feature, which then have the utterance's mean."""
    mean = frames.mean(axis=0)
    width = int(rng.integers(0, max(1, len(frames) // 8)))
    first = int(rng.integers(0, max(1, len(frames) - width)))
    frames[first : first + width] = mean
    which = int(rng.integers(0, _RMS))
    frames[:, which] = mean[which]
    return frames


def read(data: Path) -> Voices:
    """Read RAVDESS's actors."""
    return read_voices(data, frame_features, masked, VERSIONS)


def generate() -> Voices:
    """Make up recordings."""
    return voices(made_up(), frame_features, masked, 2)


_CARD = {
    "Architecture": (
        "13 MFCC, 12 chroma, RMS and spectral centroid of each frame, each both as it is among all people and relative "
        "to the utterance's own mean and deviation (54 channels); four convolutions in time (256, 256, 128 and 64 "
        "channels, 5 frames) with batch normalisation and max-pooling; mean and peak over time; a linear layer. "
        "Padding does not count. The features are those of librosa, computed in `robotd/perceive/features/spectral.py`."
    ),
    "Training": (
        "Each recording comes in ten versions: the utterance, the whole file, and eight that are cut elsewhere, "
        "stretched at the same pitch by up to 16 % (half of them), moved in pitch and tempo by up to 2.5 semitones and "
        "made noisy (8 to 40 dB; 40 % of them). Up to an eighth of the frames and one feature are blanked out each "
        "time. AdamW, warm-up and cosine, moving average of the weights, 35 epochs: 3 minutes on one core."
    ),
    "Split": SPLIT.format(
        measured="for two of them, actors 1-4 and 9-12",
        chosen="No net chose anything by its fold's own people: the number of epochs was set beforehand.",
        by_fold=".688 and .558 of the utterances of these two folds",
    ),
    "Limits": LIMITS.format(
        afield=".08 rightly, calling most of the neutral ones calm or sad",
        confused=(
            "In four classes (anger, happiness, neutral, sadness) it names .708 rightly. The figures are of float "
            "nets; the int8 file names the same class as its float net for 199 of 200 recordings."
        ),
    ),
    "Intended use": INTENDED,
}

RECIPE = Recipe(
    name="voice_features",
    task="voice",
    title="Eight emotions of an utterance of at most 8 s, from 27 features a frame",
    labels=tuple(emotion.value for emotion in EMOTIONS),
    input_name="frames",
    input_shape=(1, FRAMES, len(NAMES)),
    input_meaning=f"27 features of each frame of 64 ms, every 16 ms: {', '.join(NAMES)}; padding is 0",
    data_name="RAVDESS speech, actors 1-20",
    licence="CC BY-NC-SA 4.0 (RAVDESS): non-commercial, share alike",
    card=_CARD,
    net=Net,
    read=read,
    generate=generate,
    schedule=Schedule(epochs=35, learning_rate=2e-3, weight_decay=0.05, ema_decay=0.99, choose=False, bfloat16=True),
    folds=partial(measured_in_folds, folds=FOLDS),
    # What comes before the first convolution has features of very different ranges, which no one scale fits.
    operators=("Conv", "Relu", "MaxPool"),
)
