"""Song model: eight ratings of film music, by way of mid-level features that people name, and straight."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from rich.progress import track
from torch import nn

from robotd.perceive.features.song_mel import (
    CLASSES,
    LOG_BANDS,
    LOG_FRAMES,
    LOG_RATE_HZ,
    MEL_BANDS,
    MEL_RATE_HZ,
    log_band_hz,
    song_log_frequency,
    song_log_mel,
)
from robotd.perceive.song import MID_LEVEL, MID_LEVEL_NAMES, RATINGS, cut_windows

from ..data.songs import EIGHT, Clip, folds, read_songs
from ..recipe import Examples, Recipe, Schedule, View
from .musicnn import Vgg, load_vgg
from .song_nets import Adapter, Reader, SongMidlevel, band_features, folded_classes, vgg_steps
from .song_va import made_up
from .songs import CLASSES_A_STEP, FOLDS, RATED, Heard, Rated, columns_of, fit_linear, hear, learn, rated

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

EPOCHS = 24
A2E = "a2e"
STEPS = 39
#: The eight ratings and the mid-level features among all.
_EIGHT = columns_of("soundtracks1")
_MID = [RATED.index(("perceptual100", name)) for name in MID_LEVEL_NAMES]
#: Sound as of a wide-band telephone must do, so bands above this are not read.
_HIGHEST_HZ = 7_500.0
#: Where pitch classes are folded from, and how narrow each is, in semitones.
_CLASS_RANGE_HZ, _CLASS_WIDTH = (250.0, 1_500.0), 0.15
_RIDGE = 1e-4
_CALIBRATION = 96
#: How much a mid-level rating weighs in the loss: there are few of them.
_MID_WEIGHT = 4.0
#: How much a rating told by way of them weighs.
_BY_WAY = 2.0


@dataclass(frozen=True, eq=False)
class Songs:
    """Clips as the frozen adapter and VGG hear them.

    Attributes:
        adapter: from log-frequency to mel pictures.
        vgg: frozen.
        clips: the clips.
        heard: what the reader learns from.
    """

    adapter: Any
    vgg: Any
    clips: Sequence[Clip]
    heard: Rated

    @cached_property
    def unseen(self) -> dict[str, NDArray[np.float32]]:
        """What nets gave, by output, that had not heard a clip's album, artist or track."""
        told = {RATINGS: len(EIGHT), MID_LEVEL: len(MID_LEVEL_NAMES), A2E: len(EIGHT)}
        values = {name: np.zeros((len(self.clips), size), np.float32) for name, size in told.items()}
        for fold in np.unique(self.heard.folds):
            net = fit_reader(self, np.flatnonzero(self.heard.folds != fold))
            for clip in np.flatnonzero(self.heard.folds == fold):
                with torch.inference_mode():
                    outputs = net.tell(*net.reader(*self.heard.windows(int(clip))))
                for name, output in zip(told, outputs, strict=True):
                    values[name][clip] = output.mean(dim=0).numpy()
        return values

    @cached_property
    def tests(self) -> Mapping[str, Examples]:
        """The film music with what was told of it out of fold, by every route."""
        film = np.flatnonzero([clip.source == "soundtracks1" for clip in self.clips])
        pieces = np.flatnonzero([clip.source == "perceptual100" for clip in self.clips])
        return {
            "soundtracks1": self._examples(film, _EIGHT, RATINGS),
            "soundtracks1_a2e": self._examples(film, _EIGHT, A2E),
            "perceptual100": self._examples(pieces, _MID, MID_LEVEL),
        }

    def _examples(self, found: NDArray[np.int64], columns: list[int], output: str) -> Examples:
        inputs = np.zeros((len(found), 1, 1), np.float32)  # what was told of them is known already
        truth = self.heard.ratings[found][:, columns]
        return Examples(inputs, truth, self.heard.groups[found], output, self.unseen[output][found])

    @cached_property
    def calibration(self) -> NDArray[np.float32]:
        """The first windows of some clips."""
        some = np.random.default_rng(0).permutation(len(self.clips))[:_CALIBRATION]
        return np.stack([cut_windows(picture(self.clips[n]), LOG_FRAMES)[1][0] for n in some])


def picture(clip: Clip) -> NDArray[np.float32]:
    """Return the picture of a clip as the robot draws it."""
    drawn: NDArray[np.float32] = song_log_frequency(clip.at(LOG_RATE_HZ))
    return drawn


def folding() -> NDArray[np.float32]:
    """Return the weight of each band of the picture in each pitch class, [12, 149]."""
    band_hz = log_band_hz()
    numbers = 12.0 * np.log2(band_hz / 440.0) + 69.0
    nearest = np.round(numbers).astype(np.int64)
    weights = np.exp(-0.5 * ((numbers - nearest) / _CLASS_WIDTH) ** 2)
    low_hz, high_hz = _CLASS_RANGE_HZ
    heard = (band_hz >= low_hz) & (band_hz <= high_hz)
    fold = np.zeros((CLASSES, LOG_BANDS), np.float32)
    fold[nearest[heard] % CLASSES, np.flatnonzero(heard)] = weights[heard]
    return fold


def fit_adapter(clips: Sequence[Clip]) -> Adapter:
    """Find the linear layer that best makes mel pictures out of log-frequency pictures (ridge regression).

    No ratings are needed, so it is the same for every fold.
    """
    bands = int((log_band_hz() < _HIGHEST_HZ).sum())
    size = 3 * bands + 1
    squares, products = np.zeros((size, size)), np.zeros((size, 2 * MEL_BANDS))
    for clip in track(clips, "fitting the adapter", transient=True):
        drawn = picture(clip)[:, :bands]
        mel = song_log_mel(clip.at(MEL_RATE_HZ))
        # Frame t of the one is at the time of frame 2 t of the other.
        count = min(len(drawn) - 2, (len(mel) - 3) // 2)
        three = np.concatenate([drawn[n : n + count] for n in range(3)] + [np.ones((count, 1), np.float32)], axis=1)
        two = np.concatenate([mel[2 : 2 + 2 * count : 2], mel[3 : 3 + 2 * count : 2]], axis=1)
        squares += three.T @ three
        products += three.T @ two
    weights = np.linalg.solve(squares + _RIDGE * np.trace(squares) / size * np.eye(size), products)
    adapter = Adapter()
    with torch.no_grad():
        adapter.bands.weight.zero_()
        taps = weights[:-1].reshape(3, bands, 2 * MEL_BANDS).transpose(2, 1, 0)
        adapter.bands.weight[:, :bands] = torch.from_numpy(taps.astype(np.float32))
        adapter.bands.bias.copy_(torch.from_numpy(weights[-1].astype(np.float32)))
    adapter.eval()
    return adapter


def fit_reader(data: Songs, clips: NDArray[np.int64], seed: int = 0) -> SongMidlevel:
    """Teach a reader on top of the frozen VGG and return the whole: all routes learn together (A2Mid2E-Joint)."""
    torch.manual_seed(seed)
    everything = np.arange(len(RATED))

    def told(given: Any) -> Sequence[tuple[Any, Any, float]]:
        direct, features, by_way = given
        return [(direct, everything, 1.0), (features, _MID, _MID_WEIGHT), (by_way, _EIGHT, _BY_WAY)]

    reader = learn(Reader(len(RATED), len(_MID), len(_EIGHT)), data.heard, clips, told, epochs=EPOCHS, seed=seed)
    fit_linear(reader.linear, data.heard, clips, reader.linear_features)
    reader.ratings, reader.linear = (_only(layer, _EIGHT) for layer in (reader.ratings, reader.linear))
    mean, deviation = data.heard.scale(clips)
    scales = [np.stack([deviation[columns], mean[columns]]) for columns in (_EIGHT, _MID, _EIGHT)]
    return SongMidlevel(data.adapter, data.vgg, reader.eval(), scales, folding())


def _only(layer: Any, outputs: list[int]) -> Any:
    """Return a linear layer with some of its outputs."""
    fewer = nn.Linear(layer.in_features, len(outputs))
    with torch.no_grad():
        fewer.weight.copy_(layer.weight[outputs])
        fewer.bias.copy_(layer.bias[outputs])
    return fewer


def fit(data: Songs) -> SongMidlevel:
    """Return the net that has learnt from all clips."""
    return fit_reader(data, np.arange(len(data.clips)))


def read(data: Path) -> Songs:
    """Read all sets and hear them with the VGG of musicnn."""
    vgg = Vgg()
    load_vgg(vgg)
    return heard_by(vgg.eval(), read_songs(data), FOLDS)


def heard_by(vgg: Any, clips: Sequence[Clip], count: int) -> Songs:
    """Hear clips with a VGG."""
    adapter = fit_adapter(clips)
    fold = torch.from_numpy(folding())

    def listen(clip: Clip) -> Heard:
        drawn = torch.from_numpy(picture(clip))[None]
        mel = adapter(drawn)
        steps = vgg_steps(vgg(mel))[0].numpy().astype(np.float16)
        classes = folded_classes(drawn, fold)[0].numpy()
        whole = min(len(steps), len(classes) // CLASSES_A_STEP)
        return Heard(steps[:whole], classes[: CLASSES_A_STEP * whole], band_features(mel)[0].numpy()[:whole])

    return Songs(adapter, vgg, clips, rated(clips, hear(clips, listen), folds(clips, count), STEPS))


def net() -> SongMidlevel:
    """Return the untrained net."""
    scales = [np.ones((2, n), np.float32) for n in (len(EIGHT), len(_MID), len(EIGHT))]
    reader = Reader(len(EIGHT), len(_MID), len(EIGHT))
    return SongMidlevel(Adapter(), Vgg(), reader, scales, folding())


def generate() -> Songs:
    """Make up clips as `song_va` does."""
    torch.manual_seed(0)
    return heard_by(Vgg().eval(), made_up(), 2)


_CARD = {
    "Architecture": (
        "After Chowdhury, Vall, Haunschmid & Widmer (2019, ISMIR): a VGG on a 313 x 149 log-frequency picture of 10 s "
        "(22.05 kHz, frames of 2048 samples, 31.25 a second), ratings straight from it (A2E) or by way of a layer of "
        "seven mid-level features from which the ratings are a linear function (A2Mid2E-Joint). One file has both: "
        "`ratings` and `mid_level` are the Joint route, `a2e` is the straight one (`song_a2e` in the manifest). The "
        "VGG is musicnn's (Pons & Serra 2019: five layers of 128 filters of 3x3), which knows mel pictures of 16 ms "
        "frames; a linear layer over three frames of the log-frequency picture makes these (R2 0.90). Beside it twelve "
        "pitch classes are folded out of the picture and compared with profiles of major and minor keys and triads, "
        "over 0.5 s, 3 s and the whole window, and the level, spread and restlessness of 16 wide bands are taken. "
        "Bands above 7.5 kHz are not read, so sound of 16 kHz will do. A longer song is the mean of its windows, a "
        "shorter one is repeated. The file holds int8 weights (the adapter's in half precision) that are computed in "
        "float: with int8 activations r with the float net was 0.7 to 0.95."
    ),
    "Mid-level features": (
        "articulation (high: legato), brightness, density, harmonic_complexity, key_clarity, mode (high: major) and "
        "repetitiveness, as people rated 5 s pieces of film music (perceptual100, 79 pieces here). They are not the "
        "seven of Aljanaki & Soleymani (2018), whose ratings are not to be had here: articulation is theirs; "
        "key_clarity stands for tonal stability, mode for minorness (turned round), harmonic_complexity for "
        "dissonance, density and repetitiveness for the rhythm's complexity and stability, brightness for nothing of "
        "theirs; there is no melodiousness. The eighth rating of that set, pulse_clarity, is left out: from these "
        "pictures its r on unseen albums was 0.2. r of the seven on unseen albums, in this order: 0.82, 0.71, 0.86, "
        "0.47, 0.69, 0.48 and 0.70."
    ),
    "Training": (
        "The VGG and the adapter are frozen (the adapter is fitted without any rating). What reads them learns all "
        "ratings of six sets at once (masked mean absolute error of standardised ratings; mid-level ratings weigh four "
        "times, ratings by way of them twice), 24 epochs of AdamW; random windows, mixup within a set, dropout. The "
        "straight route is the mean of that dense layer and of a ridge regression for each set. Seconds on one core, "
        "after about five minutes in which the VGG hears the clips once."
    ),
    "Teacher": (
        "The VGG's weights are those of the PyPI package musicnn 0.1.0 (MSD_vgg; ISC licence, Universitat Pompeu "
        "Fabra), trained to tag the Million Song Dataset with Last.fm listeners' tags."
    ),
    "Split": (
        "Five folds by album (film music and the pieces cut out of it), artist or track; all figures are out of fold, "
        "of float nets that had heard nothing of the album; the shipped weights have learnt from all clips. Epochs and "
        "weights of the loss were chosen on the same folds, among six settings, so the figures are a little kind. The "
        "shipped file's ratings and the float net's agree with r 0.998 or more."
    ),
    "Compared": (
        "Mean r of the eight ratings on the same folds: A2E 0.78, A2Mid2E-Joint 0.74, A2Mid2E in two steps (ridge "
        "regression to the seven features, then from these to the ratings) 0.73; ridge and support vectors on simple "
        "features 0.70 and 0.71; the VGG without pitch classes and bands 0.70. Mid-level ratings weighed more: the "
        "features get truer (mean r 0.68 here, 0.53 at half the weight), the ratings by way of them a little worse."
    ),
    "Limits": (
        "Western film music, rated by 12 experts for what it expresses. Sad and happy are told worst. The intervals "
        "draw whole albums. The clips are for academic research; nothing of them is in the weights but what can be "
        "learnt from them."
    ),
    "Intended use": (
        "To sort songs by mood for recommendations, and to follow the mood of what plays. Not a judgement of music's "
        "worth, nor of how a listener feels. The ratings are from research sets, some without a stated licence: take "
        "the weights for research and private use unless you have cleared that."
    ),
}

RECIPE = Recipe(
    name="song_midlevel",
    task="song",
    title="Eight ratings of music by way of seven mid-level features, and straight",
    labels=EIGHT,
    input_name="picture",
    input_shape=(1, LOG_FRAMES, LOG_BANDS),
    input_meaning="10 s of music: log-frequency picture, 149 bands a quarter tone apart, 31.25 frames a second",
    data_name="soundtracks1, perceptual100, musifeast17, grekow324, emotify, deam10; starts from musicnn's VGG (MSD)",
    licence="clips: academic research only; perceptual ratings: MIT; musicnn's weights: ISC",
    card=_CARD,
    net=net,
    read=read,
    generate=generate,
    schedule=Schedule(epochs=EPOCHS),
    kind="ratings",
    outputs={
        RATINGS: f"{', '.join(EIGHT)}, 1 to 9, told by the mid-level features alone",
        MID_LEVEL: f"{', '.join(MID_LEVEL_NAMES)}, 1 to 9",
        A2E: f"{', '.join(EIGHT)}, 1 to 9, told straight",
    },
    views=(View("song_a2e", A2E, EIGHT),),
    fit=fit,
    weights_only=True,
    # The adapter: large weights of neighbouring bands that nearly cancel each other.
    leave_float=("node_conv1d",),
)
