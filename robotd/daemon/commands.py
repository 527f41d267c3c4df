"""The commands that come over MQTT: one table, each with the shape of its payload."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from typing_extensions import Self

from robotd.config import ListenerName
from robotd.errors import CommandError
from robotd.music.library import FeedbackKind

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

Data = dict[str, Any] | None
Axis = Annotated[float, Field(ge=-1, le=1)]


class Payload(BaseModel):
    """A command's payload; unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class ModePayload(Payload):
    """What the robot does with a feeling."""

    mode: Literal["off", "recommend", "compose", "both"]


class MutePayload(Payload):
    """True mutes, False unmutes, what is left out stays."""

    microphone: bool | None = None
    camera: bool | None = None
    music: bool | None = None

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.microphone is None and self.camera is None and self.music is None:
            raise ValueError("say what to mute: microphone, camera or music, true or false")
        return self


class MoodPayload(Payload):
    """A mood set by hand: a quadrant, a point (one of its two numbers leaves the other as it is), or `clear`."""

    quadrant: Literal["Q1", "Q2", "Q3", "Q4"] | None = None
    valence: Axis | None = None
    arousal: Axis | None = None
    clear: bool = False

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        point = self.valence is not None or self.arousal is not None
        if sum((self.quadrant is not None, point, self.clear)) != 1:
            raise ValueError("give a quadrant (Q1..Q4), or valence and arousal (or one of them), or clear: true")
        return self


class FeedbackPayload(Payload):
    """How a recommended song was received."""

    id: str | None = None
    song_id: Annotated[int, Field(ge=1, lt=2**63, strict=True)]
    kind: FeedbackKind
    value: Annotated[float, Field(strict=True)] | None = None
    listener: ListenerName | None = None


class TextPayload(Payload):
    """What a person said, and who."""

    text: Annotated[str, Field(min_length=1, max_length=20_000)]
    listener: ListenerName | None = None


class NoPayload(Payload):
    """Nothing to say."""


P = TypeVar("P", bound=Payload)


@dataclass(frozen=True, slots=True)
class Action(Generic[P]):
    """What a command does: the shape of its payload, the key that bare text means, and what carries it out."""

    payload: type[P]
    run: Callable[[P], Awaitable[Data]]
    bare: str | None = None


class CommandTable:
    """Checks a payload and carries the command out."""

    def __init__(self, actions: Mapping[str, Action[Any]]) -> None:
        self._actions = dict(actions)

    @property
    def names(self) -> tuple[str, ...]:
        """The commands that there are."""
        return tuple(self._actions)

    async def run(self, name: str, payload: Mapping[str, Any] | str | None) -> Data:
        """Carry a command out and return its answer.

        Raises:
            CommandError: there is no such command, or its payload has another shape.
        """
        action = self._actions.get(name)
        if action is None:
            raise CommandError(f"there is no command {name!r}; there are: {', '.join(self._actions)}")
        if isinstance(payload, str):
            if action.bare is None and payload:
                raise CommandError(f"{name} takes a JSON object, not bare text")
            payload = {action.bare: payload} if action.bare and payload else {}
        try:
            checked = action.payload.model_validate(payload or {})
        except ValidationError as error:
            raise CommandError(f"{name}: {_tell(error)}") from None
        return await action.run(checked)


def _tell(error: ValidationError) -> str:
    problems = error.errors(include_url=False, include_context=False)
    return "; ".join(
        f"{'.'.join(map(str, problem['loc'])) or 'payload'}: {problem['msg'].removeprefix('Value error, ')}"
        for problem in problems
    )
