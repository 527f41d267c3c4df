from __future__ import annotations

import pytest

pytest.importorskip("pocketsphinx", reason="pocketsphinx is not installed (pip install robotd[asr])")

from robotd.config import Asr
from robotd.errors import ConfigError
from robotd.sense.transcriber import open_transcriber
from tests.sense.speech import tired, utterances


async def test_a_phrase_is_spotted_where_it_is_said_and_nowhere_else() -> None:
    spotter = open_transcriber(Asr(kind="pocketsphinx", phrases=("So tired", "lonely")))
    assert spotter is not None
    found = [await spotter.transcribe(utterance) for utterance in utterances()]
    assert found == [None, "so tired", None, None, None]
    assert await spotter.transcribe(tired()) == "so tired"


def test_words_that_nobody_can_pronounce_are_told() -> None:
    with pytest.raises(ConfigError, match=r"asr\.phrases: nobody knows how to pronounce xyzzyx; try other words"):
        open_transcriber(Asr(kind="pocketsphinx", phrases=("hello", "xyzzyx")))


def test_without_phrases_there_is_nothing_to_spot() -> None:
    with pytest.raises(ValueError, match=r"name them in asr\.phrases"):
        Asr(kind="pocketsphinx")
