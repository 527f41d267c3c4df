from __future__ import annotations

import io
import json
import os

import pytest

from robotd.express.jsonlines import JsonLines


def test_each_message_is_a_line_with_its_type_first() -> None:
    stream = io.StringIO()
    lines = JsonLines(stream)
    lines.write("feeling", {"label": "happy", "note": "ü"})
    lines.write("event", {"n": 2})
    lines.close()
    assert stream.getvalue() == '{"type": "feeling", "label": "happy", "note": "ü"}\n{"type": "event", "n": 2}\n'


def test_a_reader_that_does_not_read_holds_nobody_up() -> None:
    reader, writer = os.pipe()
    with open(writer, "w", encoding="utf-8") as stream:  # noqa: PTH123 - a descriptor has no path
        lines = JsonLines(stream)
        for number in range(30_000):
            lines.write("event", {"n": number, "text": "x" * 100})
        assert lines.dropped > 0
        lines.close()
        with open(reader, encoding="utf-8") as file:  # noqa: PTH123
            assert json.loads(file.readline())["n"] == 0
        # Now the reader has gone, and the writer notices.
        lines._writer.join(10)
        assert not lines._writer.is_alive()


@pytest.mark.parametrize("path", ["/dev/full", "a reader that went away"])
def test_a_stream_that_fails_is_no_reason_to_stop(path: str) -> None:
    if path == "/dev/full":
        stream = open(path, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - closed below
    else:
        reader, writer = os.pipe()
        os.close(reader)
        stream = open(writer, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - closed below
    with stream:
        lines = JsonLines(stream)
        for number in range(100):
            lines.write("event", {"n": number})
        lines.close()
        lines._writer.join(10)
        assert not lines._writer.is_alive()
