"""One connection to the broker, from the login to the farewell; `mqtt` decides when there is another."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import ssl
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, cast

import aiomqtt
from paho.mqtt.reasoncodes import ReasonCode

from robotd.aio import timeout
from robotd.errors import LinkError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from robotd.config import Mqtt

logger = logging.getLogger(__name__)

REPLY_TIMEOUT_S = 5.0
HANG_UP_S = 1.0
MAX_INCOMING = 256

_SERVER_UNAVAILABLE = 136  # the only refusal that waiting mends; MQTT 5.0, 2.4 Reason Code


@asynccontextmanager
async def connect(config: Mqtt, client_id: str, will: aiomqtt.Will | None) -> AsyncIterator[aiomqtt.Client]:
    """Log in to the broker with a client of its own, and log out.

    A new client for every connection has no memory of messages that the last one could not deliver, so
    nothing is sent twice. MQTT 3.1.1, because the embedded broker speaks no other.

    Args:
        config: where the broker is and who we are.
        client_id: unique at the broker.
        will: what the broker publishes when we vanish. It does so too when the block ends with an
            exception other than a cancellation: then we leave without a farewell. None for none.

    Raises:
        LinkError: the broker refuses us, or a file or a certificate is wrong.
        aiomqtt.MqttError: it can't be reached, or was lost.
    """
    password, context = await asyncio.to_thread(_credentials, config)
    client = aiomqtt.Client(
        host_of(config),
        config.port,
        username=config.username,
        password=password,
        identifier=client_id,
        protocol=aiomqtt.ProtocolVersion.V311,
        will=will,
        clean_session=True,
        timeout=REPLY_TIMEOUT_S,
        keepalive=config.keepalive_s,
        max_queued_incoming_messages=MAX_INCOMING,
        tls_context=context,
        socket_options=[(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)],
    )
    # aiomqtt connects in a thread, which a cancellation does not reach: see it through, then undo it.
    login = asyncio.create_task(client.__aenter__(), name="mqtt login")
    try:
        await asyncio.shield(login)
    except asyncio.CancelledError:
        await asyncio.wait({login}, timeout=HANG_UP_S)
        if not login.done() and _socket_of(client) is not None:  # only the broker's answer lacks
            await hang_up(client)
            login.cancel()
        await asyncio.gather(login, return_exceptions=True)
        await hang_up(client)
        raise
    except aiomqtt.MqttError as error:
        await hang_up(client)
        if (refusal := _refusal(config, error)) is not None:
            raise LinkError(refusal) from None
        raise
    try:
        yield client
    except asyncio.CancelledError:
        client.timeout = HANG_UP_S
        with contextlib.suppress(aiomqtt.MqttError):
            await client.__aexit__(None, None, None)
        raise
    finally:
        await hang_up(client)


async def hang_up(client: aiomqtt.Client) -> None:
    """Close a client's connection without a farewell, if it still has one."""
    if (sock := _socket_of(client)) is not None:
        with contextlib.suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)
        with contextlib.suppress(TimeoutError):
            async with timeout(HANG_UP_S):
                # The loop reads the end of the stream, then paho lets go.
                while _socket_of(client) is not None:  # noqa: ASYNC110 - paho has no event for it
                    await asyncio.sleep(0)
    ended = client._disconnected  # noqa: SLF001 - else asyncio says that nobody looked at its error
    if ended.done() and not ended.cancelled():
        ended.exception()


def host_of(config: Mqtt) -> str:
    """Return the broker's host."""
    return config.host or "localhost"


def _socket_of(client: aiomqtt.Client) -> socket.socket | None:
    paho = client._client  # noqa: SLF001 - aiomqtt itself can't leave a broker that is silent
    return cast("socket.socket | None", paho.socket())


def _credentials(config: Mqtt) -> tuple[str | None, ssl.SSLContext | None]:
    """Read the password and the certificates; both may change while we run."""
    password = config.password.get_secret_value() if config.password else None
    if config.password_file:
        try:
            password = config.password_file.read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            raise LinkError(f"can't read mqtt.password_file {config.password_file}: {error}") from None
    return password, _tls_context(config) if config.tls else None


class _TlsSocket(ssl.SSLSocket):
    """Closes itself when the handshake fails; paho forgets to."""

    def do_handshake(self, block: bool = False) -> None:  # noqa: FBT001, FBT002 - as it is in ssl
        try:
            super().do_handshake(block)
        except OSError:
            self.close()
            raise


def _tls_context(config: Mqtt) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=config.tls_ca_file)
    except OSError as error:
        raise LinkError(f"can't use mqtt.tls_ca_file {config.tls_ca_file}: {error}") from None
    context.sslsocket_class = _TlsSocket
    if config.tls_cert_file:
        try:
            # With a password OpenSSL does not ask for one on the terminal.
            context.load_cert_chain(config.tls_cert_file, config.tls_key_file, password="")
        except OSError as error:
            raise LinkError(
                f"can't use mqtt.tls_cert_file {config.tls_cert_file} "
                f"with mqtt.tls_key_file {config.tls_key_file}: {error}"
            ) from None
    if config.tls_insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _refusal(config: Mqtt, error: aiomqtt.MqttError) -> str | None:
    """Return what a person has to mend, None if it may mend itself."""
    where = f"{host_of(config)}:{config.port}"
    if isinstance(error, aiomqtt.MqttCodeError):  # the broker's own answer
        if isinstance(error.rc, ReasonCode) and error.rc.value == _SERVER_UNAVAILABLE:
            return None
        who = f"user {config.username!r}" if config.username else "a login without a user"
        secret = "mqtt.password_file" if config.password_file else "mqtt.password"
        return f"{where} refuses {who} ({error.rc}): check mqtt.username and {secret}"
    cause = error.__context__
    if isinstance(cause, ssl.SSLError) and not isinstance(cause, ssl.SSLEOFError):
        return f"no TLS with {where} ({cause.reason or cause}): check mqtt.port and mqtt.tls_ca_file"
    return None
