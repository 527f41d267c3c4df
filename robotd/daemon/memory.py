"""Memory that was only needed to open things."""

from __future__ import annotations

import ctypes


def trim() -> None:
    """Give free memory back to the system, where the C library can (glibc: malloc_trim(3))."""
    if (give_back := getattr(ctypes.CDLL(None), "malloc_trim", None)) is not None:
        give_back(ctypes.c_size_t(0))
