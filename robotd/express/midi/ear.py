"""Listening to live music: what was to be played, and what arrives of it."""

from __future__ import annotations

import math
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from mido import Message

from robotd.errors import DeviceError
from robotd.express.midi.backend import Input, Output, running
from robotd.express.midi.port import matching

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from robotd.config import Midi

#: How often what has arrived is fetched.
FETCH_S = 0.02


class Due:
    """Keeps what is to be played, except what was taken back (see `scheduler.Ahead`).

    Attributes:
        log: when each message is due.
    """

    def __init__(self) -> None:
        self.log: list[tuple[float, Message]] = []
        self._pieces: list[int] = []

    def scheduled(self, due_s: float, message: Message, piece: int) -> None:
        """Take note of a message."""
        self.log.append((due_s, message))
        self._pieces.append(piece)

    def taken_back(self, piece: int) -> None:
        """Forget a piece."""
        # Only what was placed last is ever taken back.
        while self._pieces and self._pieces[-1] == piece:
            self.log.pop()
            self._pieces.pop()

    def silenced(self) -> None:
        """Nothing of it will be heard; nobody looks for it."""


class Ear:
    """Listens where messages are sent.

    Attributes:
        where: where it listens, in words.
    """

    where = "where it is sent"

    def __init__(self, send: Callable[[Message], None] | None) -> None:
        self._send = send
        self._log: list[tuple[float, Message]] = []

    def send(self, message: Message) -> None:
        """Send a message on to where it is to go, if anywhere."""
        self._log.append((time.monotonic(), message))
        if self._send is not None:
            self._send(message)

    def heard(self, since: int = 0) -> list[tuple[float, Message]]:
        """Return when everything so far came, without the first so many messages."""
        return self._log[since:]


class _PortEar(Ear):
    """Listens as another client to the port that is sent to; the MIDI system tells when messages come."""

    def __init__(self, send: Callable[[Message], None] | None, client: Input, source: str) -> None:
        super().__init__(send)
        self.where = f"{client.backend.name} port {source!r}"
        self._client = client
        # Under the name of an input of robotd's, which no output of robotd's connects to.
        client.open(Input.title, source)
        self._since_first_s = 0.0
        self._behind_s = math.inf
        self._came: list[tuple[float, list[int]]] = []
        self._done = threading.Event()
        self._fetching = threading.Thread(target=self._fetch, name="ear")
        self._fetching.start()

    def heard(self, since: int = 0) -> list[tuple[float, Message]]:
        """Return when everything so far came, without the first so many messages."""
        # The message that was fetched soonest tells best how the times of the MIDI system compare to ours.
        return [(time_s + self._behind_s, Message.from_bytes(data)) for time_s, data in self._came[since:]]

    def close(self) -> None:
        """Listen no more."""
        self._done.set()
        self._fetching.join()
        self._client.close()

    def _fetch(self) -> None:
        while not self._done.wait(FETCH_S):
            while (event := self._client.receive()) is not None:
                data, gap_s = event
                self._since_first_s += gap_s
                self._behind_s = min(self._behind_s, time.monotonic() - self._since_first_s)
                self._came.append((self._since_first_s, data))


@contextmanager
def listening(config: Midi, send: Callable[[Message], None] | None) -> Iterator[Ear]:
    """Listen at the port that is sent to, or without one where it is sent."""
    try:
        client = Input(*running(config)) if send is not None else None
    except DeviceError:
        client = None
    source = None if client is None else matching(client.names(), f"{Output.title}:{config.port}")
    if client is None or source is None:
        if client is not None:
            client.close()
        yield Ear(send)
        return
    ear = _PortEar(send, client, source)
    try:
        yield ear
    finally:
        ear.close()
