from __future__ import annotations

import asyncio

from robotd.channel import BoundedQueue, Latest


async def test_the_latest_value_replaces_one_that_nobody_took() -> None:
    latest: Latest[int] = Latest()
    latest.put(1)
    latest.put(2)
    assert await latest.get() == 2
    assert latest.take() is None
    assert latest.replaced == 1


async def test_a_reader_waits_for_the_latest_value() -> None:
    latest: Latest[str] = Latest()
    reader = asyncio.ensure_future(latest.get())
    await asyncio.sleep(0)
    assert not reader.done()
    latest.put("now")
    assert await reader == "now"


async def test_a_full_queue_drops_its_oldest_entry_and_counts_it() -> None:
    queue: BoundedQueue[int] = BoundedQueue(2)
    for entry in (1, 2, 3):
        queue.put(entry)
    assert [await queue.get(), await queue.get()] == [2, 3]
    assert queue.overflowed == 1
    assert queue.take() is None


async def test_a_cleared_queue_makes_its_reader_wait() -> None:
    queue: BoundedQueue[int] = BoundedQueue(2)
    queue.put(1)
    queue.clear()
    reader = asyncio.ensure_future(queue.get())
    await asyncio.sleep(0)
    assert not reader.done()
    queue.put(5)
    assert await reader == 5
