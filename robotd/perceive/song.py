"""Reads the mood of recorded music."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import soxr

from robotd.emotion import Quadrant, quadrant_at
from robotd.errors import MediaError, ModelError
from robotd.perceive.features import song_mel
from robotd.perceive.runtime import Model

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from robotd.config import Runtime
    from robotd.perceive.manifest import Manifest

#: Outputs of the models by name.
VA, CURVE, GEMS, RATINGS, MID_LEVEL = "va", "curve", "gems", "ratings", "mid_level"
#: What the mid-level output tells, each on a scale of 1 to 9: seven of the perceptual features of Eerola's ratings.
MID_LEVEL_NAMES = (
    *("articulation", "brightness", "density", "harmonic_complexity"),
    *("key_clarity", "mode", "repetitiveness"),
)
#: Valence and arousal are told on 0 to 10, the ratings of film music on 1 to 9.
_VA_MIDDLE, _VA_HALF = 5.0, 5.0
_RATING_MIDDLE, _RATING_HALF = 5.0, 4.0
_VALENCE, _ENERGY = "valence", "energy"
_RANK_OF_CURVE = 3


@dataclass(frozen=True, slots=True)
class _Picture:
    """How a song is drawn for a model.

    Attributes:
        rate_hz: of the sound that it is drawn from.
        frames_per_s: of the picture.
        draw: the picture of [n] samples.
    """

    rate_hz: int
    frames_per_s: float
    draw: Callable[[NDArray[np.float32]], NDArray[np.float32]]


#: By the columns of a model's input.
_PICTURES = {
    song_mel.PICTURE_COLUMNS: _Picture(song_mel.MEL_RATE_HZ, song_mel.MEL_FRAMES_PER_S, song_mel.song_picture),
    song_mel.LOG_BANDS: _Picture(song_mel.LOG_RATE_HZ, song_mel.LOG_FRAMES_PER_S, song_mel.song_log_frequency),
}


@dataclass(frozen=True, slots=True)
class Moment:
    """The mood of one second of a song; valence and arousal as in `SongReading`."""

    time_s: float
    valence: float
    arousal: float


@dataclass(frozen=True, slots=True)
class SongReading:
    """What a song is taken for.

    Attributes:
        valence: unpleasant (-1) to pleasant (1).
        arousal: quiet (-1) to excited (1).
        ratings: the model's labels, each in its own scale.
        curve: the mood of each second, where the model tells it.
        mid_level: perceptual features by name, 1 to 9, where the model tells them.
    """

    valence: float
    arousal: float
    ratings: Mapping[str, float]
    curve: tuple[Moment, ...] = ()
    mid_level: Mapping[str, float] = field(default_factory=dict)

    @property
    def label(self) -> Quadrant:
        """The quadrant of valence and arousal."""
        return quadrant_at(self.valence, self.arousal)


class SongReader:
    """A song model of the manifest.

    Raises:
        ModelError: the model can't be used, takes another picture than the known ones, or tells no mood.
    """

    def __init__(self, model: str, manifest: Manifest, runtime: Runtime) -> None:
        self._model = Model(model, "song", manifest, runtime)
        entry = self._model.entry
        self._outputs = [output.name for output in entry.outputs]
        shape = entry.input.shape
        if shape[-1] not in _PICTURES or len(shape) != _RANK_OF_CURVE:
            known = " or ".join(f"[1, frames, {columns}]" for columns in _PICTURES)
            raise ModelError(f"{model}: a song model takes {known}, not {list(shape)}")
        if VA not in self._outputs and not {_VALENCE, _ENERGY} <= set(entry.labels):
            raise ModelError(f"{model}: a song model has an output {VA!r} or rates {_VALENCE} and {_ENERGY}")
        self._frames = shape[1]
        self._picture = _PICTURES[shape[-1]]

    @property
    def model(self) -> str:
        """The model's name."""
        return self._model.name

    def read(self, samples: NDArray[np.float32], rate_hz: int) -> SongReading:
        """Return the reading of a song: the mean over windows that lie side by side, the last at its end.

        A song that is shorter than a window is repeated; silent windows are left out.

        Args:
            samples: [n] float32, mono.
            rate_hz: of the samples.

        Raises:
            MediaError: there is no sound.
            ModelError: the model gave nonsense.
        """
        if not len(samples) or not np.any(samples):
            raise MediaError("the song is silent")
        sound = soxr.resample(np.asarray(samples, np.float32), rate_hz, self._picture.rate_hz)
        picture = self._picture.draw(sound.astype(np.float32))
        starts, windows = cut_windows(picture, self._frames)
        # A window of nothing, such as a pause, has no mood, and its mean and deviation would be those of nothing.
        sounding = np.ptp(windows, axis=(1, 2)) > 0.0
        if not sounding.any():
            raise MediaError("the song is silent")
        starts, windows = starts[sounding], windows[sounding]
        given = [self._model.run(window[None]) for window in windows]
        means: dict[str, list[float]] = {
            name: np.stack([one[n][0] for one in given]).astype(np.float64).mean(axis=0).tolist()
            for n, name in enumerate(self._outputs)
            if name != CURVE
        }
        entry = self._model.entry
        told = means[entry.output or self._outputs[0]]
        ratings = dict(zip(entry.labels, told, strict=True))
        if VA in means:
            valence, arousal = ((value - _VA_MIDDLE) / _VA_HALF for value in means[VA])
        else:
            valence, arousal = ((ratings[name] - _RATING_MIDDLE) / _RATING_HALF for name in (_VALENCE, _ENERGY))
        curve: tuple[Moment, ...] = ()
        if CURVE in self._outputs:
            curves = np.array([one[self._outputs.index(CURVE)][0] for one in given])
            curve = self._by_second(curves, starts, len(sound) / self._picture.rate_hz)
        mid_level = dict(zip(MID_LEVEL_NAMES, means.get(MID_LEVEL, []), strict=False))
        return SongReading(_within(valence), _within(arousal), ratings, curve, mid_level)

    def _by_second(
        self, curves: NDArray[np.float32], starts: NDArray[np.int64], duration_s: float
    ) -> tuple[Moment, ...]:
        """Average the steps of all windows, [windows, steps, 2], that lie in each second of the song."""
        steps = curves.shape[1]
        step_s = self._frames / self._picture.frames_per_s / steps
        times_s = starts[:, None] / self._picture.frames_per_s + (np.arange(steps) + 0.5) * step_s
        values = (curves - _VA_MIDDLE) / _VA_HALF
        moments = []
        for second in range(math.ceil(duration_s)):
            there = (times_s >= second) & (times_s < second + 1)
            if there.any():
                valence, arousal = values[there].mean(axis=0, dtype=np.float64)
                moments.append(Moment(float(second), _within(float(valence)), _within(float(arousal))))
        return tuple(moments)


def cut_windows(picture: NDArray[np.float32], frames: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Cut a picture into windows: the frames at which they begin, and [windows, frames, columns].

    They lie side by side but for the last, which ends with the picture; a short picture is repeated.
    """
    if len(picture) < frames:
        picture = np.resize(picture, (frames, picture.shape[1]))
    last = len(picture) - frames
    starts = np.array([*range(0, last, frames), last], np.int64)
    return starts, np.stack([picture[start : start + frames] for start in starts])


def _within(value: float) -> float:
    return min(1.0, max(-1.0, value))
