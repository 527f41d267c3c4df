"""The data of the voice recipes: what is computed of people's recordings, as they are and changed by chance."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from rich.progress import track

from robotd.emotion import EMOTIONS
from robotd.sense.sample import RATE_HZ

from ..data.ravdess import Clip, read_ravdess
from ..recipe import Examples
from .sound import Recording, changed, recording

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from ..recipe import Batch

    #: What is computed of a sound: [rows, columns] or [columns]; rows that are all 0 are padding.
    Features = Callable[[NDArray[np.float32]], NDArray[np.float32]]
    #: Changes the features of a sound in place of the sound, by chance.
    Mask = Callable[[NDArray[np.float32], np.random.Generator], NDArray[np.float32]]

#: All actors of RAVDESS that may be learnt from, in folds of two men and two women each.
ACTORS = range(1, 21)
FOLDS = tuple(range(first, first + 4) for first in range(1, 21, 4))
BATCH = 16
_CALIBRATION = 200

#: What the cards of the voice recipes have in common.
SPLIT = (
    "By speaker, in five folds of two men and two women each: {measured}, nets of the same recipe that had not heard "
    "the speaker gave the figures and the temperature above, `voiced` from the longest utterance that the daemon would "
    "cut out of a file, `whole` from the file with its silence. {chosen} The shipped model learnt from all 20 actors. "
    "Actors differ greatly: {by_fold}. The intervals are drawn by actor."
)
LIMITS = (
    "Two sentences of North American English, acted in a studio by 20 people. Little carries over to other recordings: "
    "of the 933 utterances of CREMA-D in which at least 60 % of the listeners heard the same emotion by voice alone "
    "(mostly neutral), it names {afield}. So its word should weigh little beside the face's. Other languages have not "
    "been tried. The level is not used, so that no microphone's gain matters. {confused}"
)
INTENDED = (
    "A hint to a robot or a music player in the home of people who know that it is on, weaker than the face's. "
    "Not for judging people: not in hiring, teaching, policing, insurance or medicine. RAVDESS is for "
    "non-commercial use, and so are these weights."
)
#: Padding after the longest of a batch, at most, so that a net learns that it means nothing.
_PADDING = 30


@dataclass(frozen=True, slots=True, eq=False)
class Voices:
    """Recordings to train on, and examples to test with.

    Attributes:
        versions: features of each recording, of its utterance, of all of it, and changed by chance in so many ways:
            [versions][recordings] of [rows, columns] float16 without padding.
        targets: [recordings, 8] probabilities of the emotions.
        speakers: [recordings] who speaks.
        tests: examples by name; the first are the utterances of all the recordings, in the same order.
        mask: changes features further.
    """

    versions: Sequence[Sequence[NDArray[np.float16]]]
    targets: NDArray[np.float32]
    speakers: NDArray[np.int64]
    tests: Mapping[str, Examples]
    mask: Mask

    @property
    def calibration(self) -> NDArray[np.float32]:
        """Some utterances as they are."""
        return some_of(self.tests)

    @property
    def steps(self) -> int:
        """How many batches an epoch has."""
        return len(self.targets) // BATCH

    def batches(self, rng: np.random.Generator) -> Iterator[Batch]:
        """Go once through the recordings in a new order, each in one of its versions and masked anew."""
        order = rng.permutation(len(self.targets))
        for step in range(self.steps):
            chosen = order[step * BATCH : (step + 1) * BATCH]
            which = rng.integers(0, len(self.versions), len(chosen)).tolist()
            pairs = zip(which, chosen.tolist(), strict=True)
            rows = [self.mask(self.versions[version][i].astype(np.float32), rng) for version, i in pairs]
            yield _padded(rows, int(rng.integers(1, _PADDING))), self.targets[chosen]

    def without(self, speakers: Sequence[int]) -> Voices:
        """Leave out some speakers; their utterances are the test."""
        out = np.isin(self.speakers, speakers)
        kept = np.flatnonzero(~out).tolist()
        return replace(
            self,
            versions=[[version[i] for i in kept] for version in self.versions],
            targets=self.targets[kept],
            speakers=self.speakers[kept],
            tests=left_out(self.tests, out),
        )


def some_of(tests: Mapping[str, Examples]) -> NDArray[np.float32]:
    """Return some inputs of the first test, for calibration."""
    inputs: NDArray[np.float32] = next(iter(tests.values())).inputs
    return inputs[np.random.default_rng(0).permutation(len(inputs))[:_CALIBRATION]]


def left_out(tests: Mapping[str, Examples], out: NDArray[np.bool_]) -> dict[str, Examples]:
    """Return those examples of the first test that are left out of a training, as its only test."""
    first = next(iter(tests.values()))
    groups = None if first.groups is None else first.groups[out]
    return {"left_out": Examples(first.inputs[out], first.truth[out], groups)}


def read_voices(data: Path, of: Features, mask: Mask, versions: int) -> Voices:
    """Read RAVDESS's speech and compute the features of each recording, changed in so many ways."""
    return voices([recording(clip) for clip in read_ravdess(data, ACTORS)], of, mask, versions)


def voices(recordings: Sequence[Recording], of: Features, mask: Mask, versions: int) -> Voices:
    """Compute the features of recordings; the tests are `voiced` (their utterances) and `whole`."""
    several = [[trimmed(of(one.voiced)) for one in recordings], [trimmed(of(one.whole)) for one in recordings]]
    for version in track(range(versions), "features", transient=True):
        rngs = (np.random.default_rng([version, i]) for i in range(len(recordings)))
        sounds = (changed(one, rng) for one, rng in zip(recordings, rngs, strict=True))
        several.append([trimmed(of(sound)) for sound in sounds])
    speakers = np.array([int(one.clip.speaker.rpartition("-")[2]) for one in recordings])
    targets = np.stack([one.clip.target for one in recordings])
    truth = targets.argmax(axis=1)
    tests = {
        "voiced": Examples(np.stack([of(one.voiced) for one in recordings]), truth, speakers),
        "whole": Examples(np.stack([of(one.whole) for one in recordings]), truth, speakers),
    }
    return Voices(several, targets, speakers, tests, mask)


def _padded(rows: Sequence[NDArray[np.float32]], padding: int) -> NDArray[np.float32]:
    if rows[0].ndim == 1:
        return np.stack(rows)
    inputs = np.zeros((len(rows), max(map(len, rows)) + padding, rows[0].shape[1]), np.float32)
    for padded, one in zip(inputs, rows, strict=True):
        padded[: len(one)] = one
    return inputs


def trimmed(features: NDArray[np.float32]) -> NDArray[np.float16]:
    """Leave out the padding at the end, and half of the precision."""
    if features.ndim == 1:
        return features.astype(np.float16)
    rows = int(features.any(axis=1).nonzero()[0].max(initial=7)) + 1
    return features[:rows].astype(np.float16)


def made_up(count: int = 4 * BATCH) -> list[Recording]:
    """Make up recordings of four people in two folds: an emotion is the pitch of a buzz, a person a level of noise."""
    rng = np.random.default_rng(0)
    time_s = np.arange(2 * RATE_HZ) / RATE_HZ
    recordings = []
    for i in range(count):
        label, person = i % len(EMOTIONS), (1, 2, 5, 6)[i // len(EMOTIONS) % 4]
        buzz = np.sign(np.sin(2.0 * np.pi * 80.0 * 2.0 ** (label / 3.0) * time_s))
        samples = (0.1 * buzz + 0.004 * person * rng.standard_normal(len(time_s))).astype(np.float32)
        target = np.eye(len(EMOTIONS), dtype=np.float32)[label]
        recordings.append(Recording(Clip(f"generated-{person}", samples, target), RATE_HZ // 4, len(time_s)))
    return recordings
