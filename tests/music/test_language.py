from __future__ import annotations

import pytest

from robotd.music.language import language_code


@pytest.mark.parametrize(
    ("said", "code"), [("eng", "en"), (" GER ", "de"), ("de", "de"), ("xxx", ""), ("", ""), ("klingon", "klingon")]
)
def test_languages_are_told_in_two_letters_where_they_are_usual(said: str, code: str) -> None:
    assert language_code(said) == code
