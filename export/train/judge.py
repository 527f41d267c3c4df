"""Score model: the quadrant of a piano piece's mood, from 14 features of its notes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import nn

from robotd.perceive.features.score import NAMES, Notes, score_features

from ..data.emopia import QUADRANTS, Clip, read_emopia
from ..recipe import Examples, Recipe, Schedule

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from ..recipe import Batch

    #: What is computed of the notes of a clip.
    Features = Callable[[Notes], NDArray[np.float32]]

BATCH = 64
WIDTH, DROPOUT = 64, 0.4
#: Each training clip as it is, and so many times changed.
_CHANGED = 15
#: Of the standardised features; the targets of a clip give this much to the other quadrants together.
_NOISE, _DOUBT = 0.2, 0.1
_HIGHEST_PITCH = _LOUDEST = 127


class Net(nn.Module):  # type: ignore[misc]  # torch is untyped here
    """Three hidden layers with dropout; the features are standardised first."""

    def __init__(self, features: int = len(NAMES)) -> None:
        super().__init__()
        # Without weights of its own, and with all batches counting alike, it comes to hold the training set's mean
        # and deviation: the model takes raw features.
        self.standardise = nn.BatchNorm1d(features, affine=False, momentum=None)
        layers: list[Any] = []
        narrow = features
        for _ in range(3):
            layers += [nn.Linear(narrow, WIDTH), nn.ReLU(), nn.Dropout(DROPOUT)]
            narrow = WIDTH
        self.name = nn.Sequential(*layers, nn.Linear(WIDTH, len(QUADRANTS)))

    def forward(self, features: Any) -> Any:
        """Take [n, features] and return [n, 4] logits."""
        return self.name(self.standardise(features))


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """Clips to train on, and examples of other songs to test with.

    Attributes:
        features: [clips, versions, features]; a clip's first version is the unchanged one.
        labels: [clips] the quadrants' indices.
        tests: examples of songs that are not trained on.
    """

    features: NDArray[np.float32]
    labels: NDArray[np.int64]
    tests: Mapping[str, Examples]

    @property
    def calibration(self) -> NDArray[np.float32]:
        """The clips as they are."""
        return self.features[:, 0]

    @property
    def steps(self) -> int:
        """How many batches an epoch has."""
        return len(self.labels) // BATCH

    def batches(self, rng: np.random.Generator) -> Iterator[Batch]:
        """Go once through the clips in a new order, each in one of its versions and with a little noise."""
        order = rng.permutation(len(self.labels))
        spread = self.calibration.std(axis=0)
        targets = (1.0 - _DOUBT) * np.eye(len(QUADRANTS)) + _DOUBT * (1.0 - np.eye(len(QUADRANTS))) / 3.0
        for step in range(self.steps):
            chosen = order[step * BATCH : (step + 1) * BATCH]
            inputs = self.features[chosen, rng.integers(0, self.features.shape[1], BATCH)]
            inputs = inputs + _NOISE * spread * rng.standard_normal(inputs.shape)
            yield inputs.astype(np.float32), targets[self.labels[chosen]].astype(np.float32)


def changed(notes: Notes, rng: np.random.Generator) -> Notes:
    """Return most of a clip: transposed by up to 3 semitones, up to 5 % slower or faster, a little louder or softer."""
    share = rng.uniform(0.6, 1.0)
    start_s = notes.onset_s[0] + rng.uniform(0.0, 1.0 - share) * notes.duration_s
    inside = (notes.onset_s >= start_s) & (notes.onset_s <= start_s + share * notes.duration_s)
    part = notes.only(inside) if inside.any() else notes
    stretch = rng.uniform(0.95, 1.05)
    return Notes(
        part.onset_s * stretch,
        part.length_s * stretch,
        np.clip(part.pitch + rng.integers(-3, 4), 0, _HIGHEST_PITCH),
        np.clip(part.velocity + rng.integers(-4, 5), 1, _LOUDEST),
    )


def scores(train: Sequence[Clip], tests: Mapping[str, Sequence[Clip]], of: Features = score_features) -> Scores:
    """Compute the features of clips, those to train on in several versions."""
    rng = np.random.default_rng(0)
    versions = [[clip.notes, *(changed(clip.notes, rng) for _ in range(_CHANGED))] for clip in train]
    features = np.array([[of(notes) for notes in several] for several in versions])
    return Scores(
        features,
        np.array([clip.quadrant for clip in train]),
        {name: _examples(clips, of) for name, clips in tests.items()},
    )


def _examples(clips: Sequence[Clip], of: Features) -> Examples:
    features = np.stack([of(clip.notes) for clip in clips])
    songs = np.unique([clip.song for clip in clips], return_inverse=True)[1].astype(np.int64)
    return Examples(features, np.array([clip.quadrant for clip in clips]), songs)


def read(data: Path, of: Features = score_features) -> Scores:
    """Read EMOPIA's own training and validation songs."""
    return scores(read_emopia(data, "train"), {"emopia_val": read_emopia(data, "val")}, of)


def generate(of: Features = score_features) -> Scores:
    """Make up clips: fast and loud or slow and soft, in a major or a minor scale."""
    rng = np.random.default_rng(0)
    clips = [_made_up(i % len(QUADRANTS), f"generated-{i}", rng) for i in range(2 * BATCH)]
    return scores(clips, {"generated": clips[:BATCH]}, of)


def _made_up(quadrant: int, song: str, rng: np.random.Generator) -> Clip:
    scale = np.array([0, 2, 4, 5, 7, 9, 11] if quadrant in {0, 3} else [0, 2, 3, 5, 7, 8, 10])
    pace_s, velocity = (0.15, 90) if quadrant in {0, 1} else (0.5, 50)
    onset_s = np.arange(0.0, 8.0, pace_s)
    pitch = 60 + scale[rng.integers(0, len(scale), len(onset_s))]
    return Clip(song, Notes(onset_s, np.full(len(onset_s), pace_s), pitch, np.full(len(onset_s), velocity)), quadrant)


#: How songs were split, with a place for what the folds say.
SPLIT = (
    "By song: the authors' own lists (291 songs to train, 64 to validate; their 32 test songs were not at hand). The "
    "validation songs chose the epoch and set the temperature, so the figures above are a little kind; they also seem "
    "harder than the others. In five folds by song over training and validation songs together, each trained for 60 "
    "epochs with nothing chosen by its test fold, the model names {folds}. The intervals are drawn by song."
)

CARD = {
    "Architecture": (
        "A perceptron with three hidden layers of 64 ReLU units and dropout (0.4) on 14 features of the notes; their "
        "definitions, units and sources are in `robotd/perceive/features/score.py`. The features are standardised "
        "inside the model. It is kept in float: int8 would save nothing of its few weights."
    ),
    "Training": (
        "EMOPIA's training songs. Each clip comes in 16 versions: as it is, and cut to 60-100 % of its length, "
        "transposed by up to 3 semitones, 5 % slower or faster and up to 4 steps of velocity louder or softer, its "
        "features computed anew. Noise of 0.2 standard deviations on the features, label smoothing 0.1, AdamW, cosine, "
        "moving average of the weights. Some seconds on one core."
    ),
    "Split": SPLIT.format(
        folds=(
            "0.686 of the quadrants, 0.895 of arousal's and 0.757 of valence's signs (8 versions of each clip). Width "
            "and dropout were compared in these folds (0.671 to 0.686)"
        )
    ),
    "Limits": (
        "Pop piano, transcribed by a machine from recordings, 20 to 110 s a clip; other instruments and genres were "
        "not tried. Arousal is easy, valence is not: a few numbers know little of harmony and nothing of melody. "
        "Groove is measured on a grid of 120 beats a minute, since the beat of performed music is not known. "
        "Pieces longer than 120 s are read in equal windows, whose probabilities are averaged. "
        "Listeners disagree on moods."
    ),
    "Intended use": (
        "To judge what a composer writes and to sort MIDI files by mood. EMOPIA is for non-commercial use, and so are "
        "these weights."
    ),
}

RECIPE = Recipe(
    name="judge",
    task="score",
    title="Quadrant of the mood of a piece for piano, from 14 features of its notes",
    labels=QUADRANTS,
    input_name="features",
    input_shape=(1, len(NAMES)),
    input_meaning=f"raw features of the notes: {', '.join(NAMES)}",
    data_name="EMOPIA 1.0, training songs",
    licence="CC BY-NC-SA 4.0 (EMOPIA): non-commercial, share alike",
    card=CARD,
    net=Net,
    read=read,
    generate=generate,
    schedule=Schedule(epochs=60, learning_rate=3e-3, warmup=0.0, weight_decay=0.05, ema_decay=0.99),
    int8=False,
    halves={"valence": frozenset({"Q1", "Q4"}), "arousal": frozenset({"Q1", "Q2"})},
)
