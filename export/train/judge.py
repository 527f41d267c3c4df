"""Score model: the quadrant of a piano piece's mood, from 14 features of its notes."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from robotd.perceive.features.score import NAMES, Notes, score_features

from ..data.emopia import QUADRANTS, Clip, read_emopia
from ..data.vgmidi import read_vgmidi
from ..recipe import Examples, Recipe, Schedule
from .loop import logits, train

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from ..recipe import Batch

    #: What is computed of the notes of a clip.
    Features = Callable[[Notes], NDArray[np.float32]]

BATCH = 64
WIDTH, DROPOUT = 64, 0.4
#: Each training clip as it is, and so many times changed.
_CHANGED = 7
#: Of the standardised features; the targets of a clip give this much to the other quadrants together.
_NOISE, _DOUBT = 0.2, 0.1
_HIGHEST_PITCH = _LOUDEST = 127
#: Features further from their mean are taken to be so many deviations away.
_FURTHEST = 4.0
#: The songs are dealt into so many folds.
FOLDS = 5


class Standardise(nn.Module):  # type: ignore[misc]  # torch is untyped here
    """Takes raw features to mean 0 and deviation 1, at most 4 deviations away."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("deviation", torch.ones(features))

    def learn(self, features: NDArray[np.float32]) -> None:
        """Take mean and deviation from [n, features]."""
        self.mean = torch.from_numpy(features.mean(axis=0))
        self.deviation = torch.from_numpy(np.maximum(features.std(axis=0), np.float32(1e-6)))

    def forward(self, features: Any) -> Any:
        """Take [n, features] and return as many."""
        return ((features - self.mean) / self.deviation).clamp(-_FURTHEST, _FURTHEST)


class Net(nn.Module):  # type: ignore[misc]  # torch is untyped here
    """Three hidden layers with dropout; the features are standardised first."""

    def __init__(self, features: int = len(NAMES)) -> None:
        super().__init__()
        self.standardise = Standardise(features)
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
    """Clips to train on, and examples to test with.

    Attributes:
        features: [clips, versions, features]; a clip's first version is the unchanged one.
        labels: [clips] the quadrants' indices.
        songs: [clips] which song each is a part of.
        tests: examples that are not trained on, or that carry what nets gave that were not trained on them.
    """

    features: NDArray[np.float32]
    labels: NDArray[np.int64]
    songs: NDArray[np.int64]
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

    def examples(self, chosen: NDArray[np.bool_]) -> Examples:
        """Return some clips, as they are, to test with."""
        return Examples(self.features[chosen, 0], self.labels[chosen], self.songs[chosen])

    def without(self, chosen: NDArray[np.bool_]) -> Scores:
        """Return what is left to train on without some clips, which become the test."""
        return Scores(
            self.features[~chosen], self.labels[~chosen], self.songs[~chosen], {"fold": self.examples(chosen)}
        )


def start(net: Any, data: Scores) -> None:
    """Tell a net the mean and the deviation of the features."""
    net.standardise.learn(data.calibration)


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


def scores(clips: Sequence[Clip], of: Features) -> Scores:
    """Compute the features of clips in several versions; they are all to train on and all to test with."""
    rng = np.random.default_rng(0)
    versions = [[clip.notes, *(changed(clip.notes, rng) for _ in range(_CHANGED))] for clip in clips]
    features = np.array([[of(notes) for notes in several] for several in versions])
    songs = np.unique([clip.song for clip in clips], return_inverse=True)[1].astype(np.int64)
    data = Scores(features, np.array([clip.quadrant for clip in clips]), songs, {})
    return replace(data, tests={"generated": data.examples(np.ones(len(clips), bool))})


def out_of_fold(recipe: Recipe, data: Scores, seed: int = 0) -> NDArray[np.float32]:
    """Return [clips, 4] logits, each of a net that was not trained on that clip's song."""
    fold_of = np.random.default_rng(seed).permutation(data.songs.max() + 1) % FOLDS
    unseen = np.zeros((len(data.labels), len(QUADRANTS)), np.float32)
    with tempfile.TemporaryDirectory() as temporary:
        for fold in range(FOLDS):
            inside = fold_of[data.songs] == fold
            net = train(recipe, data.without(inside), Path(temporary) / f"{fold}.pt")
            unseen[inside] = logits(net, data.calibration[inside])
    return unseen


def read_in_folds(data: Path, of: Features, recipe: Recipe) -> Scores:
    """Read EMOPIA's training and validation songs, with what nets of five folds by song make of them.

    The shipped net learns from all of them. `emopia_val` are the authors' validation songs among them; `vgmidi` is
    other music, which no net has seen.
    """
    trained, validated = read_emopia(data, "train"), read_emopia(data, "val")
    learnt = scores([*trained, *validated], of)
    unseen = out_of_fold(recipe, learnt)
    val = np.arange(len(unseen)) >= len(trained)
    named = {"emopia": np.ones(len(unseen), bool), "emopia_val": val}
    tests = {name: replace(learnt.examples(chosen), unseen=unseen[chosen]) for name, chosen in named.items()}
    games = read_vgmidi(data)
    tests["vgmidi"] = Examples(
        np.array([of(clip.notes) for clip in games]),
        np.array([clip.quadrant for clip in games]),
        np.unique([clip.song for clip in games], return_inverse=True)[1].astype(np.int64),
    )
    return replace(learnt, tests=tests)


def read(data: Path) -> Scores:
    """Read EMOPIA's songs."""
    return read_in_folds(data, score_features, RECIPE)


def generate(of: Features = score_features) -> Scores:
    """Make up clips: fast and loud or slow and soft, in a major or a minor scale."""
    rng = np.random.default_rng(0)
    clips = [_made_up(i % len(QUADRANTS), f"generated-{i}", rng) for i in range(2 * BATCH)]
    return scores(clips, of)


def _made_up(quadrant: int, song: str, rng: np.random.Generator) -> Clip:
    scale = np.array([0, 2, 4, 5, 7, 9, 11] if quadrant in {0, 3} else [0, 2, 3, 5, 7, 8, 10])
    pace_s, velocity = (0.15, 90) if quadrant in {0, 1} else (0.5, 50)
    onset_s = np.arange(0.0, 8.0, pace_s)
    pitch = 60 + scale[rng.integers(0, len(scale), len(onset_s))]
    return Clip(song, Notes(onset_s, np.full(len(onset_s), pace_s), pitch, np.full(len(onset_s), velocity)), quadrant)


#: How songs were split, with a place for what else was measured.
SPLIT = (
    "`emopia` and `emopia_val` are out of fold: the 355 songs that the authors train and validate with were dealt into "
    "five folds by chance, each clip was read by a net that had learnt from the songs of the other four, and no fold "
    "chose anything of its own net; all ran the same number of epochs. `emopia_val` are the authors' 64 validation "
    "songs among them, which are harder than the others. The temperature is fitted to these outputs of all 990 clips: "
    "of 206 alone even a perfectly calibrated reader would show an error of 0.05 to 0.11. The shipped net then learnt "
    "from all 355 songs, so it reads those better than the table says. The authors' 32 test songs were not at hand. "
    "`vgmidi` is music of another kind, which no net learnt from. The intervals are drawn by song, those of `vgmidi` "
    "by game. {more}"
)

CARD = {
    "Architecture": (
        "A perceptron with three hidden layers of 64 ReLU units and dropout (0.4) on 14 features of the notes; their "
        "definitions, units and sources are in `robotd/perceive/features/score.py`. The features are standardised "
        "inside the model and held within 4 deviations. It is kept in float: int8 would save nothing of its few "
        "weights."
    ),
    "Training": (
        "EMOPIA's training and validation songs, 60 epochs. Each clip comes in 8 versions: as it is, and cut to "
        "60-100 % of its length, transposed by up to 3 semitones, 5 % slower or faster and up to 4 steps of velocity "
        "louder or softer, its features computed anew. Noise of 0.2 standard deviations on the features, label "
        "smoothing 0.1, AdamW, cosine, moving average of the weights. Half a minute on one core, with the folds."
    ),
    "Split": SPLIT.format(
        more=(
            "In two other dealings of the folds it names 0.678 of the quadrants, 0.900 of arousal's and 0.748 of "
            "valence's signs. Widths of 64 and 128, dropout of 0.25 and 0.4, 30 and 60 epochs came within 0.004 of "
            "that; the simplest was kept."
        )
    ),
    "Limits": (
        "Pop piano, transcribed by a machine from recordings, 20 to 110 s a clip. Of arrangements of game music, half "
        "of them of one velocity throughout, the arousal is all but lost (`vgmidi`); other instruments were not tried. "
        "Arousal is easy, valence is not: 14 numbers know little of harmony and nothing of melody; `judge_notes` knows "
        "more. Groove is measured on a grid of 120 beats a minute, since the beat of performed music is not known. "
        "Pieces longer than 120 s are read in equal windows, whose probabilities are averaged. Listeners disagree on "
        "moods."
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
    data_name="EMOPIA 1.0, training and validation songs",
    licence="CC BY-NC-SA 4.0 (EMOPIA): non-commercial, share alike",
    card=CARD,
    net=Net,
    read=read,
    generate=generate,
    start=start,
    schedule=Schedule(epochs=60, learning_rate=3e-3, warmup=0.0, weight_decay=0.05, ema_decay=0.99, choose=False),
    int8=False,
    halves={"valence": frozenset({"Q1", "Q4"}), "arousal": frozenset({"Q1", "Q2"})},
)
