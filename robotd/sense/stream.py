"""What every source of samples is: devices, a clip, the built-in scene."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from types import TracebackType

    from typing_extensions import Self

    from robotd.sense.sample import Sample

#: How a sense is: `off` by configuration or because the file has none, `missing` when it can't be opened,
#: `stalled` when it was open and nothing comes any more.
Health = Literal["ok", "opening", "stalled", "missing", "muted", "off"]


class Senses(Protocol):
    """Pictures and sound in time order, with ticks between them; usable inside `async with`.

    `time_s` never falls from one sample to the next. A leap of a sound block's time by more than its own
    length (200 ms or more) is a gap: the device was reopened or unmuted, or blocks were lost.
    """

    async def __aenter__(self) -> Self:
        """Open what there is; devices that are missing are waited for in the background."""
        ...

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close everything."""
        ...

    def __aiter__(self) -> AsyncIterator[Sample]:
        """Return the samples, for one reader."""
        ...

    async def mute(self, *, microphone: bool | None = None, camera: bool | None = None) -> None:
        """Close (True) or open again (False) a sense; None leaves it as it is.

        When this returns, a muted device is closed and nothing of it is given any more.
        """
        ...

    @property
    def health(self) -> Mapping[str, Health]:
        """How `microphone` and `camera` are."""
        ...

    @property
    def counters(self) -> Mapping[str, int]:
        """Totals since the start: frames, sound blocks, and what was lost or reopened."""
        ...

    def freshness_s(self) -> float:
        """Return the age of the newest sample of the senses that should be running, 0 if none should."""
        ...
