"""Score model: the quadrant of a piano piece's mood, from all features of its notes: harmony, melody, rhythm too."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from robotd.perceive.features.symbolic import NAMES, note_features

from ..data.emopia import QUADRANTS
from ..recipe import Schedule
from . import judge

if TYPE_CHECKING:
    from pathlib import Path

MEMBERS, WIDTH, DROPOUT = 12, 64, 0.5
#: Each member sees its own share of the features.
_SEEN = len(NAMES) // 2


class Committee(nn.Module):  # type: ignore[misc]  # torch is untyped here
    """Perceptrons with one hidden layer, each on its own half of the features; their probabilities are averaged.

    Random halves make members err differently (random subspaces: Ho 1998, IEEE PAMI 20(8)).
    """

    def __init__(self) -> None:
        super().__init__()
        self.standardise = judge.Standardise(len(NAMES))
        seen = torch.stack([torch.randperm(len(NAMES))[:_SEEN] for _ in range(MEMBERS)])
        self.register_buffer("seen", seen)
        self.first = nn.Parameter(torch.randn(MEMBERS, _SEEN, WIDTH) / _SEEN**0.5)
        self.first_bias = nn.Parameter(torch.zeros(MEMBERS * WIDTH))
        self.last = nn.Parameter(0.1 * torch.randn(MEMBERS, WIDTH, len(QUADRANTS)) * (2.0 / WIDTH) ** 0.5)
        self.last_bias = nn.Parameter(torch.zeros(MEMBERS * len(QUADRANTS)))
        self.dropout = nn.Dropout(DROPOUT)

    def forward(self, features: Any) -> Any:
        """Take [n, features] and return [n, 4] logits; in training those of the members: [n, members, 4]."""
        seen = self.standardise(features)[:, self.seen].transpose(0, 1)
        hidden = torch.relu(seen @ self.first + self.first_bias.view(MEMBERS, 1, WIDTH))
        given = self.dropout(hidden) @ self.last + self.last_bias.view(MEMBERS, 1, len(QUADRANTS))
        if self.training:
            return given.transpose(0, 1)
        return given.softmax(dim=2).mean(dim=0).log()


def loss(given: Any, targets: Any) -> Any:
    """Return the mean cross-entropy of the members, each on its own, with [n, 4] probabilities."""
    return -(targets[:, None] * given.float().log_softmax(dim=2)).sum(dim=2).mean()


def read(data: Path) -> judge.Scores:
    """Read EMOPIA's songs."""
    return judge.read_in_folds(data, note_features, RECIPE)


_CARD = judge.CARD | {
    "Architecture": (
        f"The mean of the probabilities of {MEMBERS} perceptrons, each with one hidden layer of {WIDTH} ReLU units and "
        f"dropout (0.5) on a random half of {len(NAMES)} features: `judge`'s 14; scale degrees, intervals and triads; "
        "the key as seen by bass, melody, both hands and in windows of 8 s; kinds of chords, their places in the key, "
        "the motion of roots and bass; the melody's intervals and degrees; gaps between strikes, lengths, pulse; the "
        "course of loudness, density and pitch. Their definitions are in `robotd/perceive/features/` (`symbolic.py` "
        "lists the modules). Standardised inside the model and held within 4 deviations; computed in float."
    ),
    "Training": (
        "As `judge`: EMOPIA's training and validation songs, 40 epochs, each clip in 8 versions (as it is; cut to "
        "60-100 %, transposed by up to 3 semitones, 5 % slower or faster, up to 4 steps louder or softer), noise of "
        "0.2 standard deviations on the features, label smoothing 0.1, AdamW, cosine, moving average of the weights. "
        "Each member learns by its own loss. A minute on one core, with the folds."
    ),
    "Split": judge.SPLIT.format(
        more=(
            "In two other dealings of the folds it names 0.744 of the quadrants, 0.913 of arousal's and 0.810 of "
            "valence's signs (`judge`: 0.678, 0.900, 0.748). It was chosen by such folds, so this is a little kind. "
            "Also tried: widths of 48 and 96 and 15 to 40 epochs (0.732 to 0.742), logistic regression on the same "
            "features (0.735, 0.915, 0.806), support vectors with a radial kernel (0.723, 0.910, 0.794), extra trees "
            "(0.715), more features of register, dissonance and repetition (no better), the mean over several cuts of "
            "a clip (no better), VGMIDI's phrases to learn from as well (0.708 to 0.718 instead of 0.731), and the "
            "states of a recurrent net that had learnt POP909's next notes and chords (0.734 instead of 0.728 in a "
            "linear model, with arousal worse: not worth a second input)."
        )
    ),
    "Limits": (
        "Pop piano, transcribed by a machine from recordings, 20 to 110 s a clip. Of arrangements of game music, half "
        "of them of one velocity throughout, the arousal is all but lost (`vgmidi`), the valence less so; other "
        "instruments were not tried. The beat of performed music is not known, so no feature knows bars. Pieces longer "
        "than 120 s are read in equal windows, whose probabilities are averaged. Listeners disagree on moods."
    ),
}

RECIPE = replace(
    judge.RECIPE,
    name="judge_notes",
    title="Quadrant of the mood of a piece for piano, from its notes' statistics, harmony, melody and rhythm",
    input_shape=(1, len(NAMES)),
    input_meaning=f"{len(NAMES)} raw features of the notes in the order of robotd.perceive.features.symbolic.NAMES",
    card=_CARD,
    net=Committee,
    read=read,
    generate=partial(judge.generate, of=note_features),
    loss=loss,
    int8=True,
    weights_only=True,
    schedule=Schedule(epochs=40, learning_rate=2e-3, warmup=0.0, weight_decay=0.1, ema_decay=0.98, choose=False),
)
