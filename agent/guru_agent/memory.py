"""Gives free memory back to the system, now and then. It never touches what is in use.

Starting up leaves holes (modules are compiled, models built), and so does every converge run; the allocator
keeps them for itself. An agent idles for most of its life, next to programs that need the room.
"""

from __future__ import annotations

import asyncio
import ctypes
import gc

FIRST, EVERY = 10.0, 300.0              # seconds after the start, and between two times


async def keep_small() -> None:
    """Give back what is free until cancelled; about 20 ms of processor each time."""
    await asyncio.sleep(FIRST)
    while True:
        give_back()
        await asyncio.sleep(EVERY)


def give_back() -> None:
    """Collect garbage and trim the heap, where the C library can (malloc_trim(3), glibc only)."""
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
