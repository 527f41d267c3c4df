"""This board's figures, stage by stage, on the built-in scene."""

from __future__ import annotations

import time
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING

import numpy as np

from robotd.daemon.diagnostics import Usage
from robotd.errors import ModelError
from robotd.express.midi.live import Beside, LiveFigures, measure_live
from robotd.express.midi.measure import measure_lateness
from robotd.feel.state import FeelingState
from robotd.music.compose.composer import SONG_BARS
from robotd.music.compose.opening import open_composer
from robotd.music.made_up import choosing
from robotd.paths import shipped
from robotd.perceive.both import BothReader
from robotd.perceive.face import FaceReader
from robotd.perceive.features.face_image import SIDE
from robotd.perceive.features.mel import log_mel
from robotd.perceive.landmarkers import open_landmarker
from robotd.perceive.manifest import load_manifest
from robotd.perceive.voice import VoiceReader
from robotd.sense.media import decode, look_into
from robotd.sense.sample import RATE_HZ, Frame, Sound
from robotd.sense.utterance import UtteranceCutter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from robotd.config import Config
    from robotd.sense.utterance import Utterance

_SCENE = shipped("scene") / "scene.mp4"
#: The scene begins with a face and an utterance.
_EXCERPT_S = 8.0


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured stage.

    Attributes:
        stage: what was measured.
        p50_ms: the median time.
        p99_ms: the 99th percentile.
        runs: of how many runs.
    """

    stage: str
    p50_ms: float
    p99_ms: float
    runs: int


def bench(config: Config, runs: int = 100) -> Iterator[Figure]:
    """Measure each stage of the chain and yield its figure as it is there.

    Raises:
        ModelError: a model can't be used.
    """
    samples = _excerpt()
    frame = next(sample for sample in samples if isinstance(sample, Frame))
    sounds = [sample for sample in samples if isinstance(sample, Sound)]
    manifest = load_manifest()
    yield from _faces(config, frame, runs)
    cutter = UtteranceCutter(config.speech)
    utterances = [utterance for sound in sounds for utterance in cutter.feed(sound)] + cutter.flush()
    if not utterances:
        raise ModelError("the built-in scene holds no utterance with these settings of `speech`")
    utterance = utterances[-1]
    second = Sound(0.0, np.concatenate([sound.samples for sound in sounds])[:RATE_HZ])
    yield _timed("voice activity, 1 s of sound", lambda: UtteranceCutter(config.speech).feed(second), runs)
    yield _timed(f"mel of {utterance.duration_s:.1f} s", lambda: log_mel(utterance.samples), runs)
    voice = VoiceReader(config.voice.chosen, manifest, config.runtime)
    reading = voice.read(utterance)
    yield _timed("utterance to reading", lambda: voice.read(utterance), runs)
    crop = np.zeros((SIDE, SIDE), np.uint8)
    for model in (name for name, entry in manifest.models.items() if entry.task == "fusion"):
        yield _timed(f"face and voice to reading ({model})", _fusion(model, config, crop, utterance), runs)
    state = FeelingState(config.fusion, config.feeling)
    yield _timed("fusion and feeling", lambda: (state.observe(reading), state.tick(reading.time_s)), runs)
    yield from _composing(config, runs)
    for songs, times in ((21_500, runs), (1_000_000, min(runs, 20))):
        yield _timed(f"3 of {songs:,} songs chosen", choosing(songs), times)
        yield _timed(f"a journey of 6 through {songs:,} songs", choosing(songs, 6, "uplift"), times)
    lateness = measure_lateness(config=config.midi)
    yield Figure("MIDI lateness beside inference", lateness.p50_ms, lateness.p99_ms, lateness.count)


def _composing(config: Config, runs: int) -> Iterator[Figure]:
    composer = open_composer(config, 0, ahead=False)
    # Every bar is a first one, for which a stretch is composed and judged; asked for again it is only played.
    numbers = count(0, SONG_BARS)
    yield _timed("four bars composed and judged", lambda: composer.bar(0.6, 0.5, next(numbers)), runs)
    index = next(numbers)
    composer.bar(0.6, 0.5, index)
    yield _timed("one bar of them played for a feeling", lambda: composer.bar(0.6, 0.4, index + 1), runs)


def live(config: Config, seconds: float) -> LiveFigures:
    """Play live music for so long, with models at work beside it, and measure how it goes."""
    samples = _excerpt()
    frame = next(sample for sample in samples if isinstance(sample, Frame))
    cutter = UtteranceCutter(config.speech)
    sounds = [sample for sample in samples if isinstance(sample, Sound)]
    utterance = [*(found for sound in sounds for found in cutter.feed(sound)), *cutter.flush()][-1]
    manifest = load_manifest()
    face = FaceReader(config.face, manifest, config.runtime)
    voice = VoiceReader(config.voice.chosen, manifest, config.runtime)
    beside = (
        Beside(lambda: face.look(frame), 1.0 / config.camera.rate_hz),
        Beside(lambda: voice.read(utterance), config.speech.interim_s),
    )
    composer = open_composer(config, 0, ahead=True)
    try:
        return measure_live(config.instruments, composer, seconds, beside=beside)
    finally:
        composer.close()


def _fusion(model: str, config: Config, crop: NDArray[np.uint8], utterance: Utterance) -> Callable[[], object]:
    both = BothReader(model, load_manifest(), config.runtime)
    return lambda: both.read([crop], utterance)


def memory_mb() -> float:
    """Return the resident memory of this process, in MB."""
    return Usage().measure()["rss_mb"]


def _faces(config: Config, frame: Frame, runs: int) -> Iterator[Figure]:
    manifest = load_manifest()
    landmarker, _ = open_landmarker(config.face, manifest, config.runtime)
    found = landmarker.find(frame.image)
    yield _timed(f"faces found ({landmarker.name})", lambda: landmarker.find(frame.image), runs)
    if found and landmarker.has_mesh:
        yield _timed("face mesh", lambda: landmarker.mesh(frame.image, found[0]), runs)
    face = FaceReader(config.face, manifest, config.runtime)
    height, width = frame.image.shape[:2]
    yield _timed(f"frame {width}x{height} to reading", lambda: face.look(frame), runs)


def _excerpt() -> list[Frame | Sound]:
    samples: list[Frame | Sound] = []
    for sample in decode(_SCENE, look_into(_SCENE), 1.0):
        if sample.time_s > _EXCERPT_S:
            break
        samples.append(sample)
    return samples


def _timed(stage: str, work: Callable[[], object], runs: int) -> Figure:
    for _ in range(3):
        work()
    times_ms = []
    for _ in range(runs):
        began_s = time.perf_counter()
        work()
        times_ms.append((time.perf_counter() - began_s) * 1000)
    p50, p99 = np.percentile(times_ms, (50, 99))
    return Figure(stage, float(p50), float(p99), runs)
