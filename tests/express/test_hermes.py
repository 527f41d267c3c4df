from __future__ import annotations

import json

import pytest

from robotd.express.hermes import captured


def message(**fields: object) -> bytes:
    return json.dumps(
        {"text": " I miss home ", "likelihood": 0.9, "seconds": 1.5, "siteId": "kitchen"} | fields
    ).encode()


def test_a_text_is_taken_from_any_site_or_from_one() -> None:
    assert captured(message()) == "I miss home"
    assert captured(message(), "kitchen") == "I miss home"
    assert captured(message(), "bedroom") is None


def test_a_site_without_a_name_is_the_default_one() -> None:
    assert captured(b'{"text": "hello"}', "default") == "hello"


@pytest.mark.parametrize(
    "payload",
    [b"", b"{", b"[]", b"I miss home", b'{"siteId": "x"}', message(text=7), message(text="so " * 10_000), b"\xff\xfe"],
)
def test_what_is_malformed_is_told_without_what_it_says(payload: bytes, caplog: pytest.LogCaptureFixture) -> None:
    assert captured(payload) is None
    assert "can't be read" in caplog.text
    assert "home" not in caplog.text
    assert "so so" not in caplog.text


def test_silence_is_no_text() -> None:
    assert captured(message(text="  ")) is None
