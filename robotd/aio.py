"""asyncio on every Python that we support: its newer parts, and an end of tasks that is one."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

if sys.version_info >= (3, 11):
    from asyncio import TaskGroup, timeout
else:
    from taskgroup import TaskGroup, timeout

__all__ = ["TaskGroup", "end", "timeout"]

_ASK_AGAIN_S = 1.0


async def end(task: asyncio.Task[Any]) -> None:
    """Cancel a task and wait until it is done, however it ends.

    It is told again and again: before Python 3.12 a task in `asyncio.wait_for` may lose a cancellation.
    """
    while not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=_ASK_AGAIN_S)
