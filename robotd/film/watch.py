"""Watches a film from its beginning to its end and gathers what the models read in it."""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from robotd.daemon.mind import Mind
from robotd.feel.event import Event
from robotd.sense.clip import ClipSenses
from robotd.sense.sample import Sound

if TYPE_CHECKING:
    from collections.abc import Callable

    from robotd.config import Config
    from robotd.daemon.mind import Outcome
    from robotd.emotion import Modality, Reading
    from robotd.film.probe import Film

#: Of the blocks of sound inside utterances, so many in a hundred are quieter than what counts as the level of speech.
_SPEECH_PERCENTILE = 75
_SILENT_DB = -120.0


@dataclass(frozen=True, slots=True)
class Seen:
    """A reading and the time that it is about: a moment of a face, or the whole of an utterance.

    Attributes:
        start_s: when it begins, in seconds since the film began.
        end_s: when it ends; as `start_s` for a face.
        reading: what the model made of it.
    """

    start_s: float
    end_s: float
    reading: Reading


@dataclass(slots=True)
class Watched:
    """All that was read in a film, in the order of time.

    Attributes:
        seen: the readings of each modality.
        utterances: how many were heard.
        end_s: the end of the last sample.
        speech_db: how loud the speech is (RMS, in dB below full scale), None if nobody speaks.
        models: the models that read, by what they read.
    """

    seen: dict[Modality, list[Seen]] = field(default_factory=dict)
    utterances: int = 0
    end_s: float = 0.0
    speech_db: float | None = None
    models: dict[str, str] = field(default_factory=dict)


async def watch(film: Film, config: Config, progress: Callable[[float], None]) -> Watched:
    """Send a film through the senses, the models and the feeling, as fast as they can.

    Args:
        film: what to watch.
        config: of the models, of speech and of fusion; `camera.rate_hz` pictures a second are looked at.
        progress: is told the time in the film, in seconds.

    Raises:
        MediaError: the file went away.
    """
    watched, gathering, loudness = Watched(), _Gathering(), _Loudness()
    # A tick follows every picture, so that none of its readings is missed.
    tick_s = 1 / config.camera.rate_hz
    async with Mind(config) as mind, ClipSenses(film.path, tick_s, config.camera.rate_hz, fast=True) as senses:
        async for sample in senses:
            watched.end_s = sample.time_s
            if isinstance(sample, Sound):
                loudness.hear(sample)
            async for outcome in mind.take(sample):
                gathering.take(outcome)
            progress(sample.time_s)
        async for outcome in mind.finish(watched.end_s):
            gathering.take(outcome)
        watched.models = dict(mind.models)
    watched.seen = gathering.seen()
    watched.utterances = len(gathering.spoken)
    watched.speech_db = loudness.of([(start_s, end_s) for end_s, start_s in gathering.spoken.items()])
    return watched


class _Gathering:
    """Keeps each reading once, and knows of each utterance when it began."""

    def __init__(self) -> None:
        #: When each utterance began, by its end.
        self.spoken: dict[float, float] = {}
        self._readings: dict[Modality, dict[float, Reading]] = {}

    def take(self, outcome: Outcome) -> None:
        """Take what the mind tells."""
        if isinstance(outcome, Event):
            if outcome.name == "utterance":
                self.spoken[outcome.time_s] = outcome.time_s - float(outcome.detail["duration_s"])
            return
        for modality, reading in outcome.readings.items():
            self._readings.setdefault(modality, {})[reading.time_s] = reading

    def seen(self) -> dict[Modality, list[Seen]]:
        """Return all readings with their spans; of an utterance only the reading of the whole counts."""
        spans: dict[Modality, list[Seen]] = {}
        for modality, readings in self._readings.items():
            if modality == "face":
                spans[modality] = [Seen(at, at, readings[at]) for at in sorted(readings)]
            else:
                ends = sorted(set(readings) & set(self.spoken))
                spans[modality] = [Seen(self.spoken[end], end, readings[end]) for end in ends]
        return {modality: found for modality, found in spans.items() if found}


class _Loudness:
    """Remembers the level of every block of sound, and nothing else of it."""

    def __init__(self) -> None:
        self._times_s = array("d")
        self._levels_db = array("d")

    def hear(self, sound: Sound) -> None:
        """Take a block."""
        power = float(np.mean(np.square(sound.samples))) if len(sound.samples) else 0.0
        self._times_s.append(sound.time_s)
        self._levels_db.append(10 * math.log10(power) if power > 0 else _SILENT_DB)

    def of(self, spans: list[tuple[float, float]]) -> float | None:
        """Return how loud it is within some (start, end), in dB below full scale; None without any sound."""
        inside: list[float] = []
        for start_s, end_s in spans:
            inside += self._levels_db[bisect_left(self._times_s, start_s) : bisect_right(self._times_s, end_s)]
        return float(np.percentile(inside, _SPEECH_PERCENTILE)) if inside else None
