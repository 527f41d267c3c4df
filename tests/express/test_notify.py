"""What the service manager hears, on a socket like its own."""

from __future__ import annotations

import os
import socket
import uuid
from typing import TYPE_CHECKING

import pytest

from robotd.express import notify

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(params=["file", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    address = str(tmp_path / "notify") if request.param == "file" else f"@robotd-test-{uuid.uuid4()}"
    monkeypatch.setenv("NOTIFY_SOCKET", address)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(address.replace("@", "\0", 1))
        sock.settimeout(5)
        yield sock


def test_says_what_the_manager_understands(manager: socket.socket) -> None:
    notify.ready()
    notify.status("feeling happy,\nplaying\tin Q1")
    notify.watchdog()
    notify.stopping()
    heard = [manager.recv(4096).decode() for _ in range(4)]
    assert heard == ["READY=1", "STATUS=feeling happy, playing in Q1", "WATCHDOG=1", "STOPPING=1"]


def test_reloading_says_since_when(manager: socket.socket) -> None:
    notify.reloading()
    reloading, since = manager.recv(4096).decode().split("\n")
    assert reloading == "RELOADING=1"
    name, _, microseconds = since.partition("=")
    assert name == "MONOTONIC_USEC"
    assert int(microseconds) > 0


def test_a_manager_that_does_not_listen_never_blocks(manager: socket.socket, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(10_000):
        notify.watchdog()
        if caplog.records:
            break
    assert "can't notify the service manager" in caplog.text
    assert manager.recv(4096) == b"WATCHDOG=1"


def test_started_by_hand(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    notify.ready()
    assert caplog.records == []


def test_a_manager_that_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "nowhere"))
    notify.ready()
    assert "READY=1" in caplog.text


@pytest.mark.parametrize(
    ("limit_us", "pid", "interval_s"),
    [
        ("30000000", None, 15.0),
        ("30000000", "ours", 15.0),
        ("30000000", "1", None),
        ("0", None, None),
        ("soon", None, None),
        (None, None, None),
    ],
)
def test_watchdog_interval(
    monkeypatch: pytest.MonkeyPatch, limit_us: str | None, pid: str | None, interval_s: float | None
) -> None:
    pid = str(os.getpid()) if pid == "ours" else pid
    for name, value in {"WATCHDOG_USEC": limit_us, "WATCHDOG_PID": pid}.items():
        if value is None:
            monkeypatch.delenv(name, raising=False)
        else:
            monkeypatch.setenv(name, value)
    assert notify.watchdog_interval_s() == interval_s
