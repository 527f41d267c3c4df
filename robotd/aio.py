"""asyncio's newer parts on every Python that we support."""

from __future__ import annotations

import sys

if sys.version_info >= (3, 11):
    from asyncio import TaskGroup, timeout
else:
    from taskgroup import TaskGroup, timeout

__all__ = ["TaskGroup", "timeout"]
