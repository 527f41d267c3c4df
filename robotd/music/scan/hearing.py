"""What the song models hear in a song."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from robotd.errors import MediaError, ModelError
from robotd.music.scan.sound import key_of, log_windows, mel_picture, tempo_of
from robotd.music.table import GEMS, MID_LEVEL, MOODS
from robotd.perceive.features.song_mel import MEL_FRAMES_PER_S
from robotd.perceive.runtime import Model
from robotd.perceive.song import CURVE, MID_LEVEL_NAMES, RATINGS, VA, cut_windows
from robotd.perceive.song import GEMS as GEMS_OUTPUT
from robotd.perceive.song import MID_LEVEL as MID_LEVEL_OUTPUT

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from robotd.config import Runtime
    from robotd.perceive.manifest import Manifest

#: The models that are heard: valence, arousal, their curve and GEMS; moods told straight and by mid-level features.
VA_MODEL, GEMS_MODEL, MOODS_MODEL, MID_LEVEL_MODEL = "song_va", "song_gems", "song_a2e", "song_midlevel"

#: The curve is heard from end to end; moods and mid-level features, which are told of the whole, in so many windows.
#: On medleys of film music (3 minutes, a piece every 14 s) they then differ from those of all windows by 0.17 points in
#: the mean, an eighth of what songs differ by.
MOOD_WINDOWS = 8

_STRAIGHT = "a2e"
_VA_MIDDLE, _VA_HALF = 5.0, 5.0
_RATING_LEAST, _RATING_MOST = 1.0, 9.0


@dataclass(frozen=True, slots=True, eq=False)
class Heard:
    """What a song's sound tells; see `Facts` for the figures.

    Attributes:
        valence: the mean of the curve's windows.
        arousal: likewise.
        curve: [seconds, 2].
        moods: told straight.
        mid_level: the features.
        gems: the shares.
        tempo_bpm: None where no beat is heard.
        key: such as `C major`.
        told: [windows, 7 + 8] mid-level features and the ratings that the model derives from them alone: samples of a
            linear function. NaN where a rating is at the end of its scale; windows where a feature is are left out.
    """

    valence: float
    arousal: float
    curve: NDArray[np.float32]
    moods: tuple[float, ...]
    mid_level: tuple[float, ...]
    gems: tuple[float, ...]
    tempo_bpm: float | None
    key: str
    told: NDArray[np.float32]


class Ear:
    """The song models; one net has VA and GEMS, another moods and mid-level features, and each is run once.

    Raises:
        ModelError: a model can't be used, or is not one of those that this was written for.
    """

    def __init__(self, manifest: Manifest, runtime: Runtime) -> None:
        self._va = _Net(VA_MODEL, (VA, CURVE, GEMS_OUTPUT), manifest, runtime)
        self._moods = _Net(MID_LEVEL_MODEL, (RATINGS, MID_LEVEL_OUTPUT, _STRAIGHT), manifest, runtime)
        for name, labels in ((GEMS_MODEL, GEMS), (MOODS_MODEL, MOODS)):
            if manifest.entry(name, "song").labels != labels:
                raise ModelError(f"{name}: must tell {', '.join(labels)}")
        assert MID_LEVEL_NAMES == MID_LEVEL

    def hear(self, sound: NDArray[np.float32]) -> Heard:
        """Listen to a song, [n] float32, mono, 16 kHz.

        Raises:
            MediaError: it is silent.
            ModelError: a model gave nonsense.
        """
        picture = mel_picture(sound)
        va, curves, gems, starts = self._va_windows(picture)
        moods, mid_level, told = self._mood_windows(sound)
        valence, arousal = ((va.mean(axis=0) - _VA_MIDDLE) / _VA_HALF).clip(-1.0, 1.0).tolist()
        return Heard(
            valence,
            arousal,
            self._by_second(curves, starts, len(picture)),
            tuple(moods.mean(axis=0).tolist()),
            tuple(mid_level.mean(axis=0).tolist()),
            tuple(gems.mean(axis=0).tolist()),
            tempo_of(picture),
            key_of(picture),
            told,
        )

    def _mood_windows(self, sound: NDArray[np.float32]) -> tuple[NDArray[Any], NDArray[Any], NDArray[np.float32]]:
        """Return for windows spread over a song: moods [windows, 8], mid-level features [windows, 7], `Heard.told`."""
        outputs = [self._moods.run(window) for window in _sounding(log_windows(sound, MOOD_WINDOWS))]
        ratings, mid_level, moods = (np.stack([one[n] for one in outputs]) for n in range(3))
        within = ((mid_level > _RATING_LEAST) & (mid_level < _RATING_MOST)).all(axis=1)
        ratings[(ratings <= _RATING_LEAST) | (ratings >= _RATING_MOST)] = np.nan
        return moods, mid_level, np.concatenate([mid_level, ratings], axis=1)[within].astype(np.float32)

    def _va_windows(self, picture: NDArray[np.float32]) -> tuple[NDArray[np.float64], ...]:
        """Return for windows side by side: va [windows, 2], curves [windows, steps, 2], gems [windows, 9], starts."""
        starts, windows = cut_windows(picture, self._va.frames)
        sounding = np.ptp(windows, axis=(1, 2)) > 0.0
        if not sounding.any():
            raise MediaError("is silent")
        outputs = [self._va.run(window) for window in windows[sounding]]
        va, curves, gems = (np.stack([one[n] for one in outputs]) for n in range(3))
        return va, curves, gems, starts[sounding].astype(np.float64)

    def _by_second(self, curves: NDArray[np.float64], starts: NDArray[np.float64], frames: int) -> NDArray[np.float32]:
        """Average the steps of windows in each second of the song, [seconds, 2]; silent seconds lie between."""
        steps = curves.shape[1]
        step_s = self._va.frames / MEL_FRAMES_PER_S / steps
        times_s = (starts[:, None] / MEL_FRAMES_PER_S + (np.arange(steps) + 0.5) * step_s).ravel()
        values = ((curves.reshape(-1, 2) - _VA_MIDDLE) / _VA_HALF).clip(-1.0, 1.0)
        seconds = int(np.ceil((frames - 1) / MEL_FRAMES_PER_S))
        second = times_s.astype(np.int64)
        inside = second < seconds
        counts = np.bincount(second[inside], minlength=seconds)
        sums = np.stack([np.bincount(second[inside], values[inside, axis], seconds) for axis in range(2)], axis=1)
        known = np.flatnonzero(counts)
        means = sums[known] / counts[known, None]
        curve = np.stack([np.interp(np.arange(seconds), known, means[:, axis]) for axis in range(2)], axis=1)
        return curve.astype(np.float32)


class _Net:
    """A model whose outputs are asked for by name."""

    def __init__(self, name: str, outputs: tuple[str, ...], manifest: Manifest, runtime: Runtime) -> None:
        self._model = Model(name, "song", manifest, runtime)
        there = [output.name for output in self._model.entry.outputs]
        if missing := [output for output in outputs if output not in there]:
            raise ModelError(f"{name}: has no output {', '.join(missing)}")
        self._places = [there.index(output) for output in outputs]
        self.frames = self._model.entry.input.shape[1]

    def run(self, window: NDArray[np.float32]) -> list[NDArray[np.float64]]:
        """Return the outputs for a picture, without the axis of the batch."""
        outputs = self._model.run(window[None])
        return [outputs[place][0].astype(np.float64) for place in self._places]


def _sounding(windows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the windows that are not silent throughout; all of them if none is."""
    sounding = np.ptp(windows, axis=(1, 2)) > 0.0
    return windows[sounding] if sounding.any() else windows
