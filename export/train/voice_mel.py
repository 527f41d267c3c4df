"""Voice model: eight emotions of an utterance's mel picture."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import soxr
import torch
from torch import nn

from robotd.config import Speech
from robotd.emotion import EMOTIONS
from robotd.perceive.features.mel import BANDS, FRAMES, RATE_HZ, WINDOW_S, log_mel
from robotd.sense.sample import Sound
from robotd.sense.utterance import UtteranceCutter

from ..data.ravdess import Clip, read_ravdess
from ..recipe import Examples, Recipe, Schedule

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from ..recipe import Batch

BATCH = 16
TRAINING_ACTORS, TEST_ACTORS = range(1, 17), range(17, 21)
_CALIBRATION = 200

_CHANNELS = (16, 32, 48, 64)
#: (frames, bands) that are pooled after each convolution: 251 x 128 becomes 31 x 4.
_POOLS = ((2, 2), (2, 2), (2, 2), (1, 4))
_FRAMES_A_STEP = math.prod(frames for frames, _ in _POOLS)
_BANDS_LEFT = BANDS // math.prod(bands for _, bands in _POOLS)
_HIDDEN = 64
#: Below anything that an LSTM says (-1..1).
_FAR_BELOW = -4.0


class Net(nn.Module):  # type: ignore[misc]  # torch is untyped here
    """Four convolutions look at the picture, a bidirectional LSTM listens to them in time."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[Any] = []
        narrow = 1
        for wide, pool in zip(_CHANNELS, _POOLS, strict=True):
            layers += [
                nn.Conv2d(narrow, wide, 3, 1, 1, bias=False),
                nn.BatchNorm2d(wide),
                nn.ReLU(),
                nn.MaxPool2d(pool),
                nn.Dropout2d(0.05),
            ]
            narrow = wide
        self.look = nn.Sequential(*layers)
        self.listen = nn.LSTM(narrow * _BANDS_LEFT, _HIDDEN, batch_first=True, bidirectional=True)
        self.name = nn.Sequential(nn.Dropout(0.4), nn.Linear(4 * _HIDDEN, len(EMOTIONS)))
        self.sounding = nn.MaxPool1d(_FRAMES_A_STEP)

    def forward(self, mel: Any) -> Any:
        """Take [n, frames, 128] and return [n, 8] logits; padding is neither averaged nor searched for peaks."""
        seen = self.look(mel[:, None]).permute(0, 2, 1, 3).flatten(2)
        heard, _ = self.listen(seen)
        weights = self.sounding((mel.amax(dim=2) > 0.0).float()[:, None]).transpose(1, 2)
        mean = (heard * weights).sum(dim=1) / weights.sum(dim=1).clamp(min=1.0)
        peak = (heard + _FAR_BELOW * (1.0 - weights)).amax(dim=1)
        return self.name(torch.cat([mean, peak.clamp(min=-1.0)], dim=1))


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """A clip, and the stretch of it that the daemon's voice activity would hand on."""

    clip: Clip
    start: int
    end: int

    @property
    def whole(self) -> NDArray[np.float32]:
        """The clip, at most 8 s of it."""
        return self.clip.samples[: int(WINDOW_S * RATE_HZ)]

    @property
    def voiced(self) -> NDArray[np.float32]:
        """The utterance in it."""
        return self.clip.samples[self.start : self.end]


def recording(clip: Clip) -> Recording:
    """Find the longest utterance of a clip as the daemon does; all of it where there is none."""
    cutter = UtteranceCutter(Speech())
    found = [u for u in [*cutter.feed(Sound(0.0, clip.samples)), *cutter.flush()] if u.final]
    if not found:
        return Recording(clip, 0, min(len(clip.samples), int(WINDOW_S * RATE_HZ)))
    longest = max(found, key=lambda utterance: len(utterance.samples))
    start = round(longest.start_s * RATE_HZ)
    return Recording(clip, start, start + len(longest.samples))


@dataclass(frozen=True, slots=True, eq=False)
class Voices:
    """Recordings to train on, and examples of other people to test with."""

    recordings: Sequence[Recording]
    tests: Mapping[str, Examples]
    calibration: NDArray[np.float32]

    @property
    def steps(self) -> int:
        """How many batches an epoch has."""
        return len(self.recordings) // BATCH

    def batches(self, rng: np.random.Generator) -> Iterator[Batch]:
        """Go once through the recordings in a new order, each cut and changed anew."""
        order = rng.permutation(len(self.recordings))
        for step in range(self.steps):
            chosen = [self.recordings[i] for i in order[step * BATCH : (step + 1) * BATCH]]
            inputs = np.stack([augmented(one, rng) for one in chosen])
            # Most of the padding is left out: that halves the time, and how much there is must not matter.
            frames = int(inputs.any(axis=(0, 2)).nonzero()[0].max(initial=_FRAMES_A_STEP))
            yield inputs[:, : frames + int(rng.integers(1, 60))], np.stack([one.clip.target for one in chosen])


def augmented(one: Recording, rng: np.random.Generator) -> NDArray[np.float32]:
    """Return the mel picture of a recording that is cut, sped up or down, made noisy and masked by chance."""
    sound = _cut(one, rng)
    pace = math.exp(rng.uniform(-0.12, 0.12))
    sound = soxr.resample(sound, RATE_HZ * pace, RATE_HZ, quality="LQ")[: int(WINDOW_S * RATE_HZ)]
    if rng.random() < 0.4:
        sound = _noisy(sound, rng.uniform(8.0, 40.0), rng.uniform(0.0, 1.5), rng)
    return _masked(log_mel(sound.astype(np.float32)), rng)


def _cut(one: Recording, rng: np.random.Generator) -> NDArray[np.float32]:
    """The whole file, or its utterance with other ends, at times only the beginning of it."""
    if rng.random() < 0.3:
        return one.whole[int(rng.uniform(0.0, 0.5) * one.start) :]
    length = one.end - one.start
    start = one.start + int(rng.uniform(-0.2, 0.2) * RATE_HZ)
    end = one.end + int(rng.uniform(-0.5, 0.1) * RATE_HZ)
    if rng.random() < 0.15:
        end = one.start + int(rng.uniform(0.5, 1.0) * length)
    start = max(0, start)
    return one.clip.samples[start : max(end, start + RATE_HZ // 2)]


def _noisy(
    sound: NDArray[np.float32], snr_db: float, slope: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Add noise whose amplitude falls as 1 / f ** slope."""
    spectrum = np.fft.rfft(rng.standard_normal(len(sound)))
    spectrum /= np.maximum(np.arange(len(spectrum)), len(spectrum) / 200.0) ** slope
    noise = np.fft.irfft(spectrum, len(sound))
    gain = math.sqrt(float(np.mean(sound**2)) / max(float(np.mean(noise**2)), 1e-20)) * 10.0 ** (-snr_db / 20.0)
    return (sound + gain * noise).astype(np.float32)


def _masked(mel: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Colour the sound as another microphone would, then blank out bands and frames (SpecAugment)."""
    sounding = mel.any(axis=1, keepdims=True)
    colour = np.interp(np.arange(BANDS), np.linspace(0, BANDS - 1, 6), rng.normal(0.0, 0.03, 6))
    mel = np.where(sounding, np.clip(mel + colour * (mel > 0.0), 0.0, 1.0), 0.0).astype(np.float32)
    frames = int(sounding.sum())
    blank = mel[:frames].mean() if frames else 0.0
    for _ in range(2):
        height = int(rng.integers(0, 16))
        low = int(rng.integers(0, BANDS - height))
        mel[:frames, low : low + height] = blank
        width = int(rng.integers(0, max(1, frames // 8)))
        first = int(rng.integers(0, max(1, frames - width)))
        mel[first : first + width] = blank
    return mel


def read(data: Path) -> Voices:
    """Read RAVDESS's actors 1-16 to train on and 17-20 to choose and to test."""
    train = [recording(clip) for clip in read_ravdess(data, TRAINING_ACTORS)]
    test = [recording(clip) for clip in read_ravdess(data, TEST_ACTORS)]
    labels = np.array([one.clip.target.argmax() for one in test])
    tests = {
        "ravdess_actors17_20_voiced": Examples(np.stack([log_mel(one.voiced) for one in test]), labels),
        "ravdess_actors17_20_whole": Examples(np.stack([log_mel(one.whole) for one in test]), labels),
    }
    some = np.random.default_rng(0).permutation(len(train))[:_CALIBRATION]
    return Voices(train, tests, np.stack([log_mel(train[i].voiced) for i in some]))


def generate() -> Voices:
    """Make up clips: a class is the pitch of a buzz."""
    rng = np.random.default_rng(0)
    time_s = np.arange(2 * RATE_HZ) / RATE_HZ
    recordings = []
    for i in range(4 * BATCH):
        label = i % len(EMOTIONS)
        buzz = np.sign(np.sin(2.0 * np.pi * 100.0 * 2.0 ** (label / 2.0) * time_s))
        samples = (0.1 * buzz + 0.01 * rng.standard_normal(len(time_s))).astype(np.float32)
        target = np.eye(len(EMOTIONS), dtype=np.float32)[label]
        recordings.append(Recording(Clip(f"generated-{i}", samples, target), 0, len(samples)))
    labels = np.array([one.clip.target.argmax() for one in recordings[:BATCH]])
    inputs = np.stack([log_mel(one.voiced) for one in recordings[:BATCH]])
    return Voices(recordings, {"generated": Examples(inputs, labels)}, inputs)


RECIPE = Recipe(
    name="voice_mel",
    task="voice",
    title="Eight emotions of an utterance of at most 8 s",
    labels=tuple(emotion.value for emotion in EMOTIONS),
    input_name="mel",
    input_shape=(1, FRAMES, BANDS),
    input_meaning="log-mel picture, 80 dB below the loudest bin (0) to the loudest (1); padding is 0",
    data_name="RAVDESS speech, actors 1-16",
    licence="CC BY-NC-SA 4.0 (RAVDESS): non-commercial, share alike",
    card={},
    net=Net,
    read=read,
    generate=generate,
    schedule=Schedule(epochs=80, learning_rate=1.5e-3, weight_decay=0.05, ema_decay=0.99, bfloat16=True),
)
