"""Collects what a source of samples gives, in the background."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from robotd.aio import timeout
from robotd.sense.sample import Frame, Sample, Sound, Tick

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from robotd.sense.stream import Senses


async def until(condition: Callable[[], bool], within_s: float = 30.0) -> None:
    """Return when the condition holds; raise TimeoutError if it does not in time."""
    async with timeout(within_s):
        while not condition():  # noqa: ASYNC110 - the condition is about another process
            await asyncio.sleep(0.02)


@dataclass
class Collected:
    """All samples so far."""

    samples: list[Sample] = field(default_factory=list)

    @property
    def frames(self) -> list[Frame]:
        return [sample for sample in self.samples if isinstance(sample, Frame)]

    @property
    def sounds(self) -> list[Sound]:
        return [sample for sample in self.samples if isinstance(sample, Sound)]

    @property
    def ticks(self) -> list[Tick]:
        return [sample for sample in self.samples if isinstance(sample, Tick)]

    @property
    def times_s(self) -> list[float]:
        return [sample.time_s for sample in self.samples]


async def collect(senses: Senses) -> Collected:
    """Open a source that ends and return all that it gives."""
    collected = Collected()
    async with senses:
        async for sample in senses:
            collected.samples.append(sample)
    return collected


@asynccontextmanager
async def collecting(senses: Senses) -> AsyncIterator[Collected]:
    """Open a source and collect its samples in the background for as long as the block lasts."""
    collected = Collected()

    async def go_on() -> None:
        async for sample in senses:
            collected.samples.append(sample)

    async with senses:
        reader = asyncio.create_task(go_on())
        try:
            yield collected
        finally:
            reader.cancel()
            await asyncio.wait([reader])
            if not reader.cancelled():
                reader.result()
