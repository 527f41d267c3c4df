from __future__ import annotations

import pytest

from robotd.config import Runtime, Words
from robotd.emotion import Emotion
from robotd.errors import MediaError, ModelError
from robotd.perceive.said import TextReader


@pytest.fixture(scope="module")
def reader() -> TextReader:
    return TextReader(Words(), Runtime())


def test_a_text_has_an_emotion_and_keywords_and_is_gone(reader: TextReader) -> None:
    said = reader.read("I miss home so much, I am so sad and it rains", 4.0, "mia")
    assert (said.time_s, said.listener) == (4.0, "mia")
    assert sum(said.emotions) == pytest.approx(1.0)
    assert (said.reading.modality, said.reading.time_s, said.reading.label) == ("words", 4.0, Emotion.SAD)
    assert {"rains", "sad"} <= {keyword.word for keyword in said.keywords}
    assert "so much" not in repr(said)


def test_a_text_of_function_words_may_have_no_keywords(reader: TextReader) -> None:
    assert reader.read("I would if I could", 0.0).keywords == ()


def test_what_is_no_text_is_told(reader: TextReader) -> None:
    with pytest.raises(MediaError, match="has no words to read"):
        reader.read("--", 0.0)


def test_both_models_are_named_and_must_be_there(reader: TextReader) -> None:
    assert reader.models == {"words": "words", "keywords": "keywords"}
    with pytest.raises(ModelError, match="no keywords model is called 'keyword'; did you mean keywords"):
        TextReader(Words(keywords="keyword"), Runtime())
