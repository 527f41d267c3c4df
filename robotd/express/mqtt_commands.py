"""Commands that come over MQTT: read, carried out one after another, and always answered."""

from __future__ import annotations

import asyncio
import json
import logging
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from robotd.aio import timeout
from robotd.channel import BoundedQueue
from robotd.errors import CommandError, RobotdError

logger = logging.getLogger(__name__)

MAX_PAYLOAD_BYTES = 64 * 1024
HANDLER_TIMEOUT_S = 10.0
MAX_WAITING = 32


@dataclass(frozen=True, slots=True)
class Command:
    """What somebody asks of the robot.

    Attributes:
        name: the last level of the topic.
        payload: a JSON object without its `transaction`, or bare text.
        transaction: any JSON value, given back with the answer.
    """

    name: str
    payload: Mapping[str, Any] | str = ""
    transaction: Any = None


Handle = Callable[[Command], Awaitable[Mapping[str, Any] | None]]


class CommandDesk:
    """Receives commands at any time and carries them out one at a time.

    Args:
        handle: carries out a command and returns the data of its answer. A RobotdError becomes the answer's
            error; so do other exceptions, as "internal error".
        names: the commands that `handle` knows.
        respond: takes the name of a command and the answer.
    """

    def __init__(self, handle: Handle, names: Sequence[str], respond: Callable[[str, Mapping[str, Any]], None]) -> None:
        self._handle = handle
        self._names = names
        self._respond = respond
        self._waiting: BoundedQueue[Command] = BoundedQueue(MAX_WAITING)

    def receive(self, name: str, payload: bytes, *, retained: bool) -> None:
        """Take in a command, or refuse it at once; never blocks.

        Args:
            name: the last level of the topic.
            payload: as it came.
            retained: whether the broker had kept it. Who sent it meant another time: it is not carried out.
        """
        try:
            command = parse(name, payload)
        except CommandError as error:
            self._refuse(Command(name), str(error))
            return
        if (objection := self._objection(command, retained=retained)) is None:
            self._waiting.put(command)
        else:
            self._refuse(command, objection)

    async def serve(self) -> None:
        """Carry out commands until cancelled; those that still wait then are answered with an error."""
        try:
            while True:
                await self._carry_out(await self._waiting.get())
        finally:
            while (command := self._waiting.take()) is not None:
                self._refuse(command, "robotd is stopping")

    def _objection(self, command: Command, *, retained: bool) -> str | None:
        if command.name not in self._names:
            return f"unknown command {command.name!r}; there are {', '.join(self._names)}"
        if retained:
            logger.warning("ignored the retained command %r", command.name)
            return "retained commands are ignored: send it without the retain flag"
        if len(self._waiting) >= MAX_WAITING:
            return f"busy: {MAX_WAITING} commands are waiting"
        return None

    async def _carry_out(self, command: Command) -> None:
        limit = timeout(HANDLER_TIMEOUT_S)
        try:
            async with limit:
                data = await self._handle(command)
            self._respond(command.name, _answer(command, data=data))
        except asyncio.CancelledError:
            self._refuse(command, "robotd is stopping")
            raise
        except RobotdError as error:
            self._refuse(command, str(error))
        except Exception as error:
            if isinstance(error, TimeoutError) and limit.expired():
                logger.exception("the command %r took longer than %g s", command.name, HANDLER_TIMEOUT_S)
                self._refuse(command, f"{command.name} took longer than {HANDLER_TIMEOUT_S:g} s")
            else:
                logger.exception("the command %r failed", command.name)
                self._refuse(command, "internal error")

    def _refuse(self, command: Command, error: str) -> None:
        self._respond(command.name, _answer(command, error=error))


def parse(name: str, payload: bytes) -> Command:
    """Read a command: what begins with a brace is a JSON object, anything else is bare text.

    Raises:
        CommandError: it is too large, not UTF-8, or not the JSON that it seems to be.
    """
    if len(payload) > MAX_PAYLOAD_BYTES:
        raise CommandError(f"the payload has {len(payload)} bytes, more than {MAX_PAYLOAD_BYTES}")
    try:
        text = payload.decode().strip()
    except UnicodeDecodeError as error:
        raise CommandError(f"the payload is not UTF-8: {error.reason} at byte {error.start}") from None
    if not text.startswith("{"):
        return Command(name, text)
    try:
        fields: dict[str, Any] = json.loads(text, parse_constant=_no_constant, parse_float=_finite)
    except RecursionError:
        raise CommandError("the payload is not valid JSON: nested too deep") from None
    except ValueError as error:
        raise CommandError(f"the payload is not valid JSON: {error}") from None
    transaction = fields.pop("transaction", None)
    return Command(name, fields, transaction)


def _finite(number: str) -> float:
    value = float(number)
    if not math.isfinite(value):
        raise ValueError(f"{number} is too large a number")
    return value


def _no_constant(constant: str) -> None:
    raise ValueError(f"{constant} is not a JSON value")


def _answer(command: Command, *, data: Mapping[str, Any] | None = None, error: str | None = None) -> dict[str, Any]:
    return {
        "status": "ok" if error is None else "error",
        "command": command.name,
        "data": data,
        "error": error,
        "transaction": command.transaction,
    }
