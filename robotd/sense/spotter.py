"""Spots phrases in what is said, on this machine: pocketsphinx, a recogniser of the years before neural nets.

As dictation it is poor; listening for a few phrases it is quick and modest (Huggins-Daines et al. 2006, ICASSP).
"""

from __future__ import annotations

import asyncio
import logging
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pocketsphinx

from robotd.errors import ConfigError

if TYPE_CHECKING:
    from robotd.config import Asr
    from robotd.sense.utterance import Utterance

log = logging.getLogger(__name__)

#: How sure it must be of a phrase: stricter for short ones, which are found by mistake the more easily.
_THRESHOLD_A_WORD = {1: 1e-5, 2: 1e-10, 3: 1e-20}
_THRESHOLD = 1e-30


class Spotter:
    """Finds the phrases of the configuration in utterances.

    Raises:
        ConfigError: a word of a phrase is not in the pronouncing dictionary.
    """

    name = "pocketsphinx"

    def __init__(self, asr: Asr) -> None:
        self.health = "ok"
        self.lost = 0
        self._decoder = pocketsphinx.Decoder(lm=None, loglevel="FATAL")
        phrases = [phrase.lower().strip() for phrase in asr.phrases]
        strange = [word for phrase in phrases for word in phrase.split() if self._decoder.lookup_word(word) is None]
        if strange:
            raise ConfigError(f"asr.phrases: nobody knows how to pronounce {', '.join(strange)}; try other words")
        lines = [f"{phrase} /{_THRESHOLD_A_WORD.get(len(phrase.split()), _THRESHOLD):g}/" for phrase in phrases]
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "phrases"
            file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
            self._decoder.add_kws("phrases", str(file))
        self._decoder.activate_search("phrases")

    async def transcribe(self, utterance: Utterance) -> str | None:
        """Return the phrases that were said, in their order, None where there was none."""
        return await asyncio.to_thread(self._spot, utterance)

    def _spot(self, utterance: Utterance) -> str | None:
        pcm = (np.clip(utterance.samples, -1.0, 1.0) * 32767).astype("<i2")
        self._decoder.start_utt()
        self._decoder.process_raw(pcm.tobytes(), full_utt=True)
        self._decoder.end_utt()
        found = sorted(self._decoder.seg() or (), key=lambda segment: segment.start_frame)
        return ", ".join(segment.word.strip() for segment in found) or None
