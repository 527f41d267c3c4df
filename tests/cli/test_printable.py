from __future__ import annotations

import pytest

from robotd.cli.printable import printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Café del Mar 🌧 👩‍🚀", "Café del Mar 🌧 👩‍🚀"),
        ("a\x1b[2Jb", "a?[2Jb"),
        ("two\nlines\r\tand\x9b", "two?lines??and?"),
        ("\udcff.mp3", "?.mp3"),
        ("gp.\u202e3pm", "gp.?3pm"),
    ],
)
def test_what_would_do_something_to_a_terminal_becomes_a_question_mark(text: str, shown: str) -> None:
    assert printable(text) == shown
