"""A real mosquitto on a free port of the loopback, and somebody who listens to all that it says."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import socket
import subprocess
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import aiomqtt

from robotd.aio import timeout
from tests.servers.process import Server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping
    from pathlib import Path


HOST = "127.0.0.1"
START_TIMEOUT_S = 10.0


class Mosquitto(Server):
    """Runs mosquitto for the length of a `with` block, or from `start` to `stop`.

    It keeps nothing on disk: what it retained is gone after a restart.

    Args:
        folder: where its files go.
        users: names and passwords; without any, everybody may log in.
        acl: the text of an access list.
        tls: whether to speak TLS, with a certificate for 127.0.0.1 and localhost signed by `ca_file`.
        client_certificates: whether clients must show a certificate signed by `ca_file`, such as
            `client_cert_file` with `client_key_file`.

    Attributes:
        port: stays the same over restarts.
    """

    def __init__(
        self,
        folder: Path,
        *,
        users: Mapping[str, str] | None = None,
        acl: str | None = None,
        tls: bool = False,
        client_certificates: bool = False,
    ) -> None:
        self.port = free_port()
        self.log_file = folder / "mosquitto.log"
        self.ca_file = folder / "ca.crt"
        self.client_cert_file = folder / "client.crt"
        self.client_key_file = folder / "client.key"
        self._config_file = folder / "mosquitto.conf"
        lines = [
            f"listener {self.port} {HOST}",
            "persistence false",
            "set_tcp_nodelay true",
            f"allow_anonymous {_yes(not users)}",
        ]
        if os.geteuid() == 0:
            lines.append("user root")  # as another user it could not read the folder
        if users:
            lines.append(f"password_file {_password_file(folder, users)}")
        if acl is not None:
            (folder / "acl").write_text(acl)
            lines.append(f"acl_file {folder / 'acl'}")
        if tls:
            make_certificates(folder)
            lines += [
                f"cafile {self.ca_file}",
                f"certfile {folder / 'server.crt'}",
                f"keyfile {folder / 'server.key'}",
                f"require_certificate {_yes(client_certificates)}",
            ]
        self._config_file.write_text("\n".join(lines) + "\n")

    def start(self) -> None:
        """Start it and wait until it listens."""
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen(
                [program("mosquitto"), "-v", "-c", str(self._config_file)], stdout=log, stderr=log
            )
        deadline_s = time.monotonic() + START_TIMEOUT_S
        while not _listens(self.port):
            if self._process.poll() is not None or time.monotonic() > deadline_s:
                raise RuntimeError(f"mosquitto did not start:\n{self.log_file.read_text()}")
            time.sleep(0.01)


@dataclass(frozen=True, slots=True)
class Heard:
    """A message that somebody else received."""

    topic: str
    payload: bytes
    retained: bool

    @property
    def json(self) -> Any:
        """The payload, read as JSON."""
        return json.loads(self.payload)


class Listener:
    """A client that remembers everything it heard, in order, and can speak too."""

    def __init__(self, client: aiomqtt.Client) -> None:
        self.heard: list[Heard] = []
        self._client = client

    def on(self, topic: str) -> list[Heard]:
        """Return what was heard on a topic."""
        return [message for message in self.heard if message.topic == topic]

    async def wait_for(self, topic: str, payload: str | None = None, count: int = 1) -> Heard:
        """Wait for the `count`th message of a topic (with that payload) and return it."""

        def fitting() -> list[Heard]:
            return [m for m in self.on(topic) if payload is None or m.payload == payload.encode()]

        await eventually(lambda: len(fitting()) >= count, lambda: f"{count} x {topic} {payload}: {self.heard}")
        return fitting()[count - 1]

    async def say(self, topic: str, payload: str | bytes = b"", *, retain: bool = False) -> None:
        """Publish a message."""
        await self._client.publish(topic, payload, qos=1, retain=retain)

    async def ask(self, topic: str, payload: str | bytes = b"") -> Any:
        """Send a command and return the answer to it."""
        response = topic.replace("/command/", "/response/")
        before = len(self.on(response))
        await self.say(topic, payload)
        return (await self.wait_for(response, count=before + 1)).json


@asynccontextmanager
async def listen(port: int, topics: str = "#", **login: Any) -> AsyncIterator[Listener]:
    """Listen to topics at the broker on a port."""
    async with aiomqtt.Client(HOST, port, **login) as client:
        await client.subscribe(topics, qos=1)
        listener = Listener(client)

        async def hear() -> None:
            async for message in client.messages:
                listener.heard.append(Heard(message.topic.value, bytes(message.payload), message.retain))

        hearing = asyncio.create_task(hear())
        try:
            yield listener
        finally:
            hearing.cancel()
            await asyncio.gather(hearing, return_exceptions=True)


async def eventually(
    condition: Callable[[], object], what: Callable[[], str] = lambda: "", within_s: float = 15.0
) -> None:
    """Wait until a condition holds."""
    try:
        async with timeout(within_s):
            while not condition():  # noqa: ASYNC110 - conditions of any kind have no event
                await asyncio.sleep(0.005)
    except TimeoutError:
        raise AssertionError(f"still not so after {within_s} s: {what()}") from None


def program(name: str) -> str:
    """Return where a server lies; Debian's /usr/sbin is not on everybody's path."""
    return shutil.which(name) or f"/usr/sbin/{name}"


def free_port() -> int:
    """Return a port of the loopback that nothing listens on."""
    with socket.socket() as sock:
        sock.bind((HOST, 0))
        port: int = sock.getsockname()[1]
    return port


def _listens(port: int) -> bool:
    with socket.socket() as sock:
        return sock.connect_ex((HOST, port)) == 0


def make_certificates(folder: Path) -> None:
    """Make `ca.crt`, and `server.crt` and `client.crt` signed by it, each with its `.key`."""
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    _openssl(folder, "req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.crt", "-days", "2", "-subj", "/CN=ca")
    (folder / "san").write_text("subjectAltName=IP:127.0.0.1,DNS:localhost\n")
    for name in ("server", "client"):
        _openssl(folder, "req", *key, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
        _openssl(
            folder, "x509", "-req", "-in", f"{name}.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial",
            "-days", "2", "-extfile", "san", "-out", f"{name}.crt",
        )  # fmt: skip


def _openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)


def _password_file(folder: Path, users: Mapping[str, str]) -> Path:
    path = folder / "passwords"
    path.touch(mode=0o600)
    for user, password in users.items():
        subprocess.run(["mosquitto_passwd", "-b", str(path), user, password], check=True, capture_output=True)
    return path


def _yes(value: bool) -> str:  # noqa: FBT001 - one word for a config file
    return "true" if value else "false"
