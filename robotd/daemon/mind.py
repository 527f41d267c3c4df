"""From samples to feelings and events: the perceiving half of the chain, the same live and on a clip."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from robotd.errors import CommandError, MediaError, ModelError
from robotd.feel.event import Event
from robotd.feel.state import FeelingState
from robotd.perceive.manifest import load_manifest
from robotd.sense.sample import Frame, Sound, Tick
from robotd.sense.utterance import UtteranceCutter

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from types import TracebackType

    from typing_extensions import Self

    from robotd.config import Config
    from robotd.emotion import Feeling, Modality, Reading
    from robotd.perceive.both import BothReader
    from robotd.perceive.face import FaceReader
    from robotd.perceive.said import Said, TextReader
    from robotd.perceive.voice import VoiceReader
    from robotd.sense.sample import Sample
    from robotd.sense.utterance import Utterance

log = logging.getLogger(__name__)
T = TypeVar("T")

Outcome: TypeAlias = "Feeling | Event"

#: A face that was last seen so many of its half-lives before an utterance's end is still read together with it.
_FRESH_HALF_LIVES = 2.0


@dataclass
class Counts:
    """How much was perceived since the start."""

    frames: int = 0
    faces: int = 0
    utterances: int = 0
    face_ms: deque[float] = field(default_factory=lambda: deque(maxlen=600))
    voice_ms: deque[float] = field(default_factory=lambda: deque(maxlen=100))


class Mind:
    """Perceives and feels. Models run on one worker thread; the loop is never held up.

    A model that can't be used is told once and left out, and the chain goes on without its modality. Without a model
    that reads face and voice together the two are averaged.

    Args:
        config: the settings.
        heard: is given each utterance once it is complete, for instance to have its words recognised.

    Attributes:
        said: what came of the newest text, None before the first.
    """

    def __init__(self, config: Config, heard: Callable[[Utterance], None] | None = None) -> None:
        self._config = config
        self._heard = heard
        self._state = FeelingState(config.fusion, config.feeling)
        self._cutter = UtteranceCutter(config.speech)
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="perceive")
        self._face: FaceReader | None = None
        self._voice: VoiceReader | None = None
        self._both: BothReader | None = None
        self._text: TextReader | None = None
        self._now_s = 0.0
        self.said: Said | None = None
        self._label: str | None = None
        self.counts = Counts()
        self.models: dict[str, str] = {}
        self.refused: dict[str, str] = {}

    async def __aenter__(self) -> Self:
        await self._in_worker(self._open)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._worker.shutdown(wait=False)

    def configure(self, config: Config) -> None:
        """Take new settings of fusion and of the feeling over time."""
        self._config = config
        self._state.configure(config.fusion, config.feeling)

    def forget_senses(self) -> None:
        """Begin anew with the times of another input."""
        self._state = FeelingState(self._config.fusion, self._config.feeling)
        self.forget("face")
        self.forget("voice")
        self._now_s, self.said = 0.0, None

    def forget(self, modality: Modality) -> bool:
        """Drop what a muted sense said last, and what it had begun to say; returns whether a face was in sight."""
        self._state.forget(modality)
        if modality == "voice":
            self._cutter = UtteranceCutter(self._config.speech)
            return False
        if self._both is not None:
            self._both.forget()
        return self._face is not None and self._face.forget()

    async def take(self, sample: Sample) -> AsyncIterator[Outcome]:
        """Perceive a sample and tell what came of it."""
        self._now_s = sample.time_s
        if isinstance(sample, Tick):
            yield self._state.tick(sample.time_s)
        elif isinstance(sample, Frame):
            async for outcome in self._look(sample):
                yield outcome
        else:
            async for outcome in self._listen(sample):
                yield outcome

    async def finish(self, time_s: float) -> AsyncIterator[Outcome]:
        """Read what was being said when the input ended, and tell the feeling once more."""
        for utterance in self._cutter.flush():
            async for outcome in self._hear(utterance):
                yield outcome
            yield self._state.tick(time_s)

    async def read_text(self, text: str, listener: str | None = None) -> list[Outcome]:
        """Read what was said just now, wherever its words come from; tell the feeling that it left.

        Raises:
            CommandError: there are no words in it that can be read, or no model that reads them.
        """
        reader, now_s = self._text, self._now_s
        if reader is None:
            raise CommandError("no words can be read: there is no model for them")
        try:
            said = await self._in_worker(lambda: reader.read(text, now_s, listener))
        except MediaError:
            # Its own message quotes the text, which is nobody else's business.
            raise CommandError("there are no words in it that can be read (English is wanted)") from None
        except ModelError as error:
            self._refuse("words", error)
            self._text = None
            raise CommandError(str(error)) from error
        self.said = said
        self._state.observe(said.reading)
        return [self._state.tick(said.time_s)]

    async def _look(self, frame: Frame) -> AsyncIterator[Outcome]:
        self.counts.frames += 1
        if self._face is None:
            return
        began = time.perf_counter()
        try:
            look = await self._in_worker(lambda face=self._face: face.look(frame))  # type: ignore[misc]
        except ModelError as error:
            self._refuse("face", error)
            self._face = None
            return
        self.counts.face_ms.append((time.perf_counter() - began) * 1000)
        if self._both is not None and look.crop is not None:
            self._both.see(frame.time_s, look.crop)
        if look.event is not None:
            yield Event(look.event, frame.time_s)
        if look.reading is not None:
            self.counts.faces += 1
            for outcome in self._feel(look.reading):
                yield outcome

    async def _listen(self, sound: Sound) -> AsyncIterator[Outcome]:
        for utterance in self._cutter.feed(sound):
            async for outcome in self._hear(utterance):
                yield outcome

    async def _hear(self, utterance: Utterance) -> AsyncIterator[Outcome]:
        reading: Reading | None = None
        if self._voice is not None:
            began = time.perf_counter()
            try:
                reading = await self._in_worker(lambda voice=self._voice: voice.read(utterance))  # type: ignore[misc]
            except ModelError as error:
                self._refuse("voice", error)
                self._voice = None
            self.counts.voice_ms.append((time.perf_counter() - began) * 1000)
        both = await self._hear_both(utterance)
        if utterance.final:
            self.counts.utterances += 1
            if self._heard is not None:
                self._heard(utterance)
            detail: dict[str, float | str] = {
                "start_s": round(utterance.start_s, 3),
                "duration_s": round(utterance.duration_s, 3),
            }
            if reading is not None:
                detail |= {"label": reading.label.value, "confidence": round(reading.confidence, 3)}
            yield Event("utterance", utterance.end_s, detail)
        # What face and voice say together comes first, so that at no moment the voice counts by itself.
        for said in (both, reading):
            if said is not None:
                for outcome in self._feel(said):
                    yield outcome

    async def _hear_both(self, utterance: Utterance) -> Reading | None:
        fresh_s = _FRESH_HALF_LIVES * self._config.fusion.half_life_s.face
        if self._both is None:
            return None
        try:
            return await self._in_worker(lambda both=self._both: both.hear(utterance, fresh_s))  # type: ignore[misc]
        except ModelError as error:
            self._refuse("fusion", error)
            self._both = None
            return None

    def _feel(self, reading: Reading) -> list[Outcome]:
        changed = self._state.observe(reading)
        return [] if changed is None else [changed]

    def _open(self) -> None:
        from robotd.perceive.both import BothReader
        from robotd.perceive.face import FaceReader
        from robotd.perceive.said import TextReader
        from robotd.perceive.voice import VoiceReader

        try:
            manifest = load_manifest()
        except ModelError as error:
            self._refuse("models", error)
            return
        try:
            self._face = FaceReader(self._config.face, manifest, self._config.runtime)
            self.models["face"] = self._face.model
            self.models["landmarker"] = self._face.landmarker
        except ModelError as error:
            self._refuse("face", error)
        try:
            self._voice = VoiceReader(self._config.voice.chosen, manifest, self._config.runtime)
            self.models["voice"] = self._voice.model
        except ModelError as error:
            self._refuse("voice", error)
        try:
            self._text = TextReader(self._config.words, self._config.runtime)
            self.models |= self._text.models
        except ModelError as error:
            self._refuse("words", error)
        kind = self._config.fusion.kind
        if kind == "average":
            return
        try:
            self._both = BothReader(f"fusion_{kind}", manifest, self._config.runtime)
            self.models["fusion"] = self._both.model
        except ModelError as error:
            self._refuse("fusion", error)

    def _refuse(self, what: str, error: ModelError) -> None:
        self.refused[what] = str(error)
        self.models.pop(what, None)
        log.error("%s: %s; going on without", what, error)

    async def _in_worker(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._worker, work)
