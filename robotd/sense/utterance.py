"""Cuts a stream of sound into utterances by voice activity (webrtcvad)."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import webrtcvad

from robotd.sense.sample import RATE_HZ, Sound

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from robotd.config import Speech

#: An utterance is cut in pieces of this length; a last piece shorter than LAST_PIECE_S is dropped.
PIECE_S = 8.0
LAST_PIECE_S = 2.0

#: A leap of the time by more than this is a gap in the sound.
_GAP_S = 0.2
_FRAME_MS = 30
_FRAME = RATE_HZ * _FRAME_MS // 1000
_PIECE = int(PIECE_S * RATE_HZ)
#: An utterance begins when so many of the last frames are speech.
_ONSET_FRAMES, _ONSET_SPEECH = 6, 4
#: webrtcvad has absolute thresholds; sound is brought near full scale first, by at most this much.
_TARGET_PEAK, _MAX_GAIN = 0.3, 10.0
#: The peak that the gain follows halves in this time.
_PEAK_HALF_LIFE_S = 10.0
#: Speech stands out from the noise floor by this much; the floor follows a minimum at once and rises slowly.
#: (webrtcvad alone takes steady noise, a fan or an engine, for speech.)
_ABOVE_FLOOR_DB, _FLOOR_RISE_DB_PER_S = 9.0, 1.5


@dataclass(frozen=True, slots=True, eq=False)
class Utterance:
    """A stretch of speech, at most 8 s.

    Attributes:
        start_s: when it begins, in seconds since the input began.
        samples: [n] float32, mono, 16 kHz.
        final: whether the piece is complete; an interim one is the same piece heard so far.
    """

    start_s: float
    samples: NDArray[np.float32]
    final: bool

    @property
    def duration_s(self) -> float:
        """How long it is."""
        return len(self.samples) / RATE_HZ

    @property
    def end_s(self) -> float:
        """When it ends."""
        return self.start_s + self.duration_s


class UtteranceCutter:
    """Feeds on blocks of sound of any length and gives utterances as they come.

    A piece that grows long is also given as it stands every `interim_s` (`final` False). A gap in the sound
    (a device was reopened) ends what was being said.
    """

    def __init__(self, speech: Speech) -> None:
        self._vad = webrtcvad.Vad(speech.aggressiveness)
        self._preroll: deque[NDArray[np.float32]] = deque(maxlen=max(_ONSET_FRAMES, speech.preroll_ms // _FRAME_MS))
        self._hangover_frames = speech.hangover_ms // _FRAME_MS
        self._min_speech_frames = speech.min_speech_ms // _FRAME_MS
        self._interim_frames = int(speech.interim_s * 1000 / _FRAME_MS)
        self._peak_decay = 0.5 ** (_FRAME_MS / 1000 / _PEAK_HALF_LIFE_S)
        self._peak = 0.0
        self._floor_db = 0.0
        self._rest = np.zeros(0, np.float32)
        self._clock_s = 0.0
        self._onset: deque[bool] = deque(maxlen=_ONSET_FRAMES)
        self._piece: list[NDArray[np.float32]] = []
        self._piece_samples = 0
        self._piece_start_s = 0.0
        self._pieces_given = 0
        self._speech_frames = 0
        self._silent_frames = 0

    @property
    def speaking(self) -> bool:
        """Whether an utterance is under way."""
        return bool(self._piece)

    def feed(self, sound: Sound) -> list[Utterance]:
        """Take a block and return the utterances (interim and final) that it completes."""
        found: list[Utterance] = []
        if sound.time_s - self._clock_s - len(self._rest) / RATE_HZ > _GAP_S:
            found += self.flush()
        if not len(self._rest):
            self._clock_s = sound.time_s
        samples = np.concatenate([self._rest, sound.samples]) if len(self._rest) else sound.samples
        whole = len(samples) // _FRAME * _FRAME
        self._rest = samples[whole:].copy()
        for start in range(0, whole, _FRAME):
            found.extend(self._step(samples[start : start + _FRAME]))
            self._clock_s += _FRAME_MS / 1000
        return found

    def flush(self) -> list[Utterance]:
        """End the utterance under way, as the sound ends or has a gap."""
        found = list(self._end())
        self._rest = np.zeros(0, np.float32)
        self._preroll.clear()
        self._onset.clear()
        return found

    def _step(self, frame: NDArray[np.float32]) -> Iterator[Utterance]:
        speech = self._is_speech(frame)
        if not self._piece:
            self._preroll.append(frame)
            self._onset.append(speech)
            if sum(self._onset) >= _ONSET_SPEECH:
                self._piece = list(self._preroll)
                self._piece_samples = len(self._piece) * _FRAME
                self._piece_start_s = self._clock_s - (len(self._piece) - 1) * _FRAME_MS / 1000
                self._speech_frames = sum(self._onset)
                self._silent_frames = 0
            return
        self._piece.append(frame)
        self._piece_samples += _FRAME
        self._speech_frames += speech
        self._silent_frames = 0 if speech else self._silent_frames + 1
        if self._silent_frames >= self._hangover_frames:
            yield from self._end()
        elif self._piece_samples >= _PIECE:
            yield from self._full_piece()
        elif len(self._piece) % self._interim_frames == 0:
            yield Utterance(self._piece_start_s, np.concatenate(self._piece), final=False)

    def _full_piece(self) -> Iterator[Utterance]:
        samples = np.concatenate(self._piece)
        yield Utterance(self._piece_start_s, samples[:_PIECE], final=True)
        self._pieces_given += 1
        self._piece = [samples[_PIECE:]]
        self._piece_samples -= _PIECE
        self._piece_start_s += PIECE_S

    def _end(self) -> Iterator[Utterance]:
        if self._piece:
            samples = np.concatenate(self._piece)
            if self._pieces_given:
                wanted = len(samples) >= LAST_PIECE_S * RATE_HZ
            else:
                wanted = self._speech_frames >= self._min_speech_frames
            if wanted:
                yield Utterance(self._piece_start_s, samples, final=True)
        self._piece = []
        self._piece_samples = 0
        self._pieces_given = 0
        self._preroll.clear()
        self._onset.clear()

    def _is_speech(self, frame: NDArray[np.float32]) -> bool:
        level_db = 10 * math.log10(float(np.dot(frame, frame)) / _FRAME + 1e-12)
        self._floor_db = min(level_db, self._floor_db + _FLOOR_RISE_DB_PER_S * _FRAME_MS / 1000)
        loudest = float(np.abs(frame).max())
        self._peak = max(loudest, self._peak * self._peak_decay)
        if level_db < self._floor_db + _ABOVE_FLOOR_DB:
            return False
        gain = min(_MAX_GAIN, _TARGET_PEAK / self._peak)
        pcm = np.clip(frame * (gain * 32767), -32768, 32767).astype(np.int16)
        return bool(self._vad.is_speech(pcm.tobytes(), RATE_HZ))
