from __future__ import annotations

import asyncio
import contextlib

import pytest

from robotd import aio


async def test_a_task_that_loses_its_cancellation_is_told_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aio, "_ASK_AGAIN_S", 0.01)

    async def deaf() -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        await asyncio.Event().wait()

    task = asyncio.create_task(deaf())
    await asyncio.sleep(0)
    await aio.end(task)
    assert task.cancelled()


async def test_a_task_that_is_done_stays_as_it_was() -> None:
    async def fails() -> None:
        raise OSError

    task = asyncio.create_task(fails())
    await asyncio.wait({task})
    await aio.end(task)
    assert isinstance(task.exception(), OSError)
