"""Song model: valence and arousal of recorded music, their curve by the second, and the nine emotions of GEMS."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression

from robotd.perceive.features.song_mel import (
    FRAMES_A_CLASS,
    MEL_BANDS,
    MEL_RATE_HZ,
    PICTURE_COLUMNS,
    song_picture,
)
from robotd.perceive.song import CURVE, GEMS, VA, cut_windows

from ..data.songs import GEMS as GEMS_NAMES
from ..data.songs import RATE_HZ as CLIP_RATE_HZ
from ..data.songs import SCALES, Clip, folds, read_songs
from ..recipe import Examples, Recipe, Schedule, View
from .musicnn import Musicnn, load_musicnn
from .song_nets import FRAMES, STEPS, Listener, SongVa, band_features, steps_of
from .songs import CLASSES_A_STEP, FOLDS, RATED, Heard, Rated, columns_of, fit_linear, hear, learn, linear_inputs, rated

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

EPOCHS = 16
#: Whose valence and arousal the model tells.
RATERS = ("musifeast17", "grekow324")
#: Of the regression that tells the two sets' music apart; strong, so that it tells styles and not single recordings.
_GATE_C = 1e-3
#: (set, columns of valence and arousal) that the model is measured on.
_MEASURED = {
    "musifeast17": ("valence_m", "arousal_m"),
    "grekow324": ("valence", "arousal"),
    "soundtracks1": ("valence", "energy"),
}
_CALIBRATION = 96


@dataclass(frozen=True, eq=False)
class Songs:
    """Clips as the trunk hears them.

    Attributes:
        trunk: frozen.
        clips: the clips.
        heard: what the listener learns from.
    """

    trunk: Any
    clips: Sequence[Clip]
    heard: Rated

    @cached_property
    def unseen(self) -> tuple[NDArray[np.float32], NDArray[np.float32], dict[int, NDArray[np.float32]]]:
        """What nets gave that had not heard a clip's group: [n, 2] valence and arousal, [n, 9] shares.

        And the curves of those clips that people rated by the time, [windows * steps, 2].
        """
        curves = {}
        moods = np.zeros((len(self.clips), 2), np.float32)
        gems = np.zeros((len(self.clips), len(GEMS_NAMES)), np.float32)
        for fold in np.unique(self.heard.folds):
            net = fit_listener(self, np.flatnonzero(self.heard.folds != fold))
            for clip in np.flatnonzero(self.heard.folds == fold).tolist():
                with torch.inference_mode():
                    windows = self.heard.windows(clip)
                    mood, curve, shares = net.tell(net.listener(*windows), net.listener.share(*windows))
                if self.clips[clip].curve is not None:
                    curves[clip] = curve.flatten(0, 1).numpy()
                moods[clip], gems[clip] = mood.mean(dim=0).numpy(), shares.mean(dim=0).numpy()
        return moods, gems, curves

    @cached_property
    def tests(self) -> Mapping[str, Examples]:
        """Each set's clips with what was told of them out of fold."""
        moods, gems, _ = self.unseen
        tests = {}
        for source, columns in _MEASURED.items():
            found = np.flatnonzero([clip.source == source for clip in self.clips])
            if len(found):
                places = [RATED.index((source, column)) for column in columns]
                tests[source] = self._examples(found, on_ten(source, self.heard.ratings[found][:, places]), moods, VA)
        found = np.flatnonzero([clip.source == "emotify" for clip in self.clips])
        tests["emotify"] = self._examples(found, self.heard.ratings[found][:, columns_of("emotify")], gems, GEMS)
        return tests

    def _examples(
        self, found: NDArray[np.int64], truth: NDArray[np.float32], told: NDArray[np.float32], output: str
    ) -> Examples:
        inputs = np.zeros((len(found), 1, 1), np.float32)  # what was told of them is known already
        return Examples(inputs, truth, self.heard.groups[found], output, told[found])

    @cached_property
    def calibration(self) -> NDArray[np.float32]:
        """The first windows of some clips."""
        some = np.random.default_rng(0).permutation(len(self.clips))[:_CALIBRATION]
        return np.stack([cut_windows(picture(self.clips[n]), FRAMES)[1][0] for n in some])


def picture(clip: Clip) -> NDArray[np.float32]:
    """Return the picture of a clip as the robot draws it."""
    drawn: NDArray[np.float32] = song_picture(clip.at(MEL_RATE_HZ))
    return drawn


def on_ten(source: str, ratings: NDArray[np.float32]) -> NDArray[np.float32]:
    """Bring a set's ratings to 0 to 10."""
    _, low, high = SCALES[source]
    scaled: NDArray[np.float32] = (10.0 * (ratings - low) / (high - low)).astype(np.float32)
    return scaled


def fit_listener(data: Songs, clips: NDArray[np.int64], seed: int = 0, *, separable: bool = False) -> SongVa:
    """Teach a listener on top of the frozen trunk and return the whole."""
    torch.manual_seed(seed)
    every = np.arange(len(RATED))

    def told(given: Any) -> Sequence[tuple[Any, Any, float]]:
        return [(given.mean(dim=1), every, 1.0)]

    net = learn(Listener(len(RATED), separable=separable), data.heard, clips, told, epochs=EPOCHS, seed=seed)
    fit_linear(net.linear, data.heard, clips, net.linear_features)
    _fit_gate(net, data.heard, clips)
    return SongVa(data.trunk, net, _mood(data.heard, clips), _gems(data.heard, clips))


def _mood(heard: Rated, clips: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return, for either set of raters, the weights of the standardised ratings in valence and arousal.

    Both are told on one scale: 0 to 10 with the mean of the two sets' means and deviations.
    """
    mean, deviation = heard.scale(clips)
    weights = np.zeros((len(RATERS), len(RATED) + 1, 2), np.float32)
    for n in range(2):
        places = [RATED.index((source, _MEASURED[source][n])) for source in RATERS]
        widths = [10.0 / (SCALES[source][2] - SCALES[source][1]) for source in RATERS]
        middles = [
            width * (mean[place] - SCALES[source][1])
            for place, width, source in zip(places, widths, RATERS, strict=True)
        ]
        for which, place in enumerate(places):
            weights[which, place, n] = np.mean(deviation[places] * widths)
            weights[which, -1, n] = np.mean(middles)
    return weights


def _fit_gate(listener: Listener, heard: Rated, clips: NDArray[np.int64]) -> None:
    """Teach the gate to tell the music of the two sets of raters apart (logistic regression)."""
    sets = [np.intersect1d(heard.of(source), clips) for source in RATERS]
    features = linear_inputs(heard, np.concatenate(sets), listener.linear_features)
    second = np.repeat([0, 1], [len(one) for one in sets])
    gate = LogisticRegression(C=_GATE_C, max_iter=500).fit(features, second)
    with torch.no_grad():
        listener.likeness.weight.copy_(torch.from_numpy(gate.coef_))
        listener.likeness.bias.copy_(torch.from_numpy(gate.intercept_))


def _gems(heard: Rated, clips: NDArray[np.int64]) -> NDArray[np.float32]:
    mean, deviation = heard.scale(clips)
    weights = np.zeros((len(RATED) + 1, len(GEMS_NAMES)), np.float32)
    for n, place in enumerate(columns_of("emotify")):
        weights[place, n], weights[-1, n] = deviation[place], mean[place]
    return weights


def fit(data: Songs) -> SongVa:
    """Return the net that has learnt from all clips."""
    return fit_listener(data, np.arange(len(data.clips)))


def read(data: Path) -> Songs:
    """Read all sets and hear them with musicnn."""
    trunk = Musicnn()
    load_musicnn(trunk)
    return heard_by(trunk.eval(), read_songs(data), FOLDS)


def heard_by(trunk: Any, clips: Sequence[Clip], count: int) -> Songs:
    """Hear clips with a trunk."""

    def listen(clip: Clip) -> Heard:
        drawn = picture(clip)
        mel = torch.from_numpy(drawn[None, :, :MEL_BANDS])
        steps = steps_of(trunk(mel))[0].numpy()
        classes = drawn[::FRAMES_A_CLASS, MEL_BANDS:][: CLASSES_A_STEP * len(steps)]
        return Heard(steps.astype(np.float16), classes, band_features(mel)[0].numpy())

    return Songs(trunk, clips, rated(clips, hear(clips, listen), folds(clips, count), STEPS))


def net() -> SongVa:
    """Return the untrained net."""
    weights = np.zeros((len(RATERS), len(RATED) + 1, 2), np.float32)
    return SongVa(Musicnn(), Listener(len(RATED)), weights, np.zeros((len(RATED) + 1, len(GEMS_NAMES)), np.float32))


def generate() -> Songs:
    """Make up clips: the louder the more aroused, the higher the more pleasant."""
    torch.manual_seed(0)
    return heard_by(Musicnn().eval(), made_up(), 2)


def made_up(count: int = 6) -> list[Clip]:
    """Make up some clips of each set."""
    rng = np.random.default_rng(0)
    time_s = np.arange(6 * CLIP_RATE_HZ) / CLIP_RATE_HZ
    clips = []
    for source, (columns, low, high) in SCALES.items():
        for n in range(count):
            pleasant, aroused = rng.random(2)
            tone = np.sin(2.0 * np.pi * (200.0 + 600.0 * pleasant) * time_s)
            samples = (0.02 + 0.3 * aroused) * tone + 0.01 * rng.standard_normal(len(time_s))
            values = (pleasant, aroused, *rng.random(len(columns)))
            ratings = {name: low + (high - low) * float(one) for name, one in zip(columns, values, strict=False)}
            clips.append(Clip(source, f"{n}.ogg", f"{source}/{n}", samples.astype(np.float32), ratings))
    return clips


_CARD = {
    "Architecture": (
        "A CRNN with attention: convolutions on a log-mel picture of 8.96 s, CBAM (Woo et al. 2018: which channels, "
        "then which moments), a dense layer and one shallow GRU of 48 units, learnt with the mean absolute error. The "
        "convolutions are musicnn's (Pons & Serra 2019): 204 filters of 38 bands and 204 of 67, 153 along time, then "
        "three layers in time whose 192 maps are taken as mean and peak of steps of 0.256 s; they are frozen. Beside "
        "the mel picture the input has twelve pitch classes, which are compared with profiles of major and minor keys "
        "and triads over 0.5 s, 3 s and the whole window: short frames of mel bands don't tell the mode, and valence "
        "hangs on it. The GRU also knows level, spread and restlessness of 16 wide bands. Its ratings are averaged "
        "with those of a linear layer that reads the same. Every step has its valence and arousal, which is the curve; "
        "their mean is the reading of the window, the mean of the windows that of the song. A shorter song is "
        "repeated. The same net tells the GEMS shares (`song_gems` in the manifest)."
    ),
    "Whose valence": (
        "Listeners of musifeast17 (17 genres, UK and US) and of grekow324 (GTZAN) do not quite mean the same: heads "
        "that learnt from one tell the other's valence with r 0.51 to 0.58. A gate, a logistic regression on what is "
        "heard, weighs the two by how much the music is like either set's; both are told on one scale of 0 to 10. On "
        "film music, where the gate knows no better, r of valence is lower than `song_a2e`'s, which is made for it."
    ),
    "Training": (
        "All ratings of six sets at once (masked loss, standardised by set): 16 epochs of AdamW, batches of 48, random "
        "windows, mixup within a set, dropout 0.4. Then the linear layer by ridge regression for each set. About half "
        "a minute on one core, after two minutes in which musicnn hears the clips once. The ONNX file holds int8 "
        "weights that are computed in float: with int8 activations it was slower and r with the float net 0.92 to 0.96."
    ),
    "Teacher": (
        "The convolutions' weights are those of the PyPI package musicnn 0.1.0 (MSD_musicnn; ISC licence, Universitat "
        "Pompeu Fabra), trained to tag the Million Song Dataset with Last.fm listeners' tags."
    ),
    "Split": (
        "Five folds by album (film music), artist (musifeast17, emotify) or track (grekow324; GTZAN names no artists, "
        "and has some twice); all figures are out of fold, of float nets; the shipped weights have learnt from all "
        "clips. Epochs, sizes and the gate were chosen on the same folds, among about ten settings, so the figures are "
        "a little kind. The ONNX file's output and the float net's agree with r 0.999, the TFLite file's with 0.998 "
        "(its curve with 0.985)."
    ),
    "Compared": (
        "r of valence and arousal on the same folds (musifeast17; grekow324), mean r of GEMS. Ridge regression on "
        "simple features 0.40 and 0.78; 0.62 and 0.85; 0.42. On musicnn's pooled features 0.61 and 0.84; 0.70 and "
        "0.88; 0.54. This net 0.63 and 0.84; 0.74 and 0.88; 0.57. Without the gate (the mean of the two heads) 0.61 "
        "and 0.83; 0.73 and 0.87. So, and with a depth-wise convolution over five steps before the dense layer, which "
        "then is its point-wise half, 0.60 and 0.83; 0.72 and 0.86; 0.57: not worth its weights. Heads of a set alone, "
        "on their own set: 0.64 and 0.84; 0.77 and 0.89."
    ),
    "The curve": (
        "Eight songs of DEAM with ratings by the time, out of fold, seconds 15 to 45: over all seconds together r 0.37 "
        "(valence) and 0.73 (arousal), error (RMS, on -1 to 1) 0.21 and 0.19. Within a song the curve hardly follows: "
        "mean r -0.04 and 0.15. Nearly all training clips have one rating for the whole; read the curve as the mood of "
        "passages that differ, not as its finer moves."
    ),
    "Limits": (
        "Excerpts of 5 to 14 s of Western popular, film and classical music; `valence` is what people hear in a song, "
        "not what they feel. GEMS are induced emotions, told by shares of 11 to 59 listeners. Voices are heard as "
        "sound: words are not understood. The clips are for academic research; nothing of them is in the weights but "
        "what can be learnt from them."
    ),
    "Intended use": (
        "To sort songs by mood for recommendations, and to follow the mood of what plays. Not a judgement of music's "
        "worth, nor of how a listener feels. The ratings are from research sets, some without a stated licence: take "
        "the weights for research and private use unless you have cleared that."
    ),
}

RECIPE = Recipe(
    name="song_va",
    task="song",
    title="Valence and arousal of music, also by the second, and the emotions that it stirs",
    labels=("valence", "arousal"),
    input_name="picture",
    input_shape=(1, FRAMES, PICTURE_COLUMNS),
    input_meaning="8.96 s of music: 96 bands of the log-mel picture and 12 pitch classes, a frame every 16 ms",
    data_name="soundtracks1, perceptual100, musifeast17, grekow324, emotify, deam10; starts from musicnn (MSD)",
    licence="clips: academic research only; musicnn's weights: ISC",
    card=_CARD,
    net=net,
    read=read,
    generate=generate,
    schedule=Schedule(epochs=EPOCHS),
    kind="ratings",
    outputs={
        VA: "valence and arousal, 0 to 10",
        CURVE: f"valence and arousal of each of {STEPS} steps of 0.256 s, 0 to 10",
        GEMS: f"share of listeners that feel {', '.join(GEMS_NAMES)}",
    },
    views=(View("song_gems", GEMS, GEMS_NAMES),),
    fit=fit,
    weights_only=True,
    tflite=True,
)
