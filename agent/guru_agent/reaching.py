"""Looks over the network for checks: does a port answer, what does a page say. It sends nothing but the question."""

from __future__ import annotations

import asyncio
from typing import Protocol

from guru_policy.host import HttpAnswer


class Reach(Protocol):
    """Whoever looks. CannotLook when it cannot."""

    async def connect(self, address: str, port: int, timeout: float) -> float | None:
        """Seconds until a TCP connection stood; None when refused or not within `timeout`."""
        ...

    async def get(self, url: str, *, timeout: float, limit: int, verify: bool = True) -> HttpAnswer | None:
        """One HTTP GET, no redirects followed; None when nobody answered within `timeout`."""
        ...


class Direct:
    """A Reach from this process."""

    async def connect(self, address: str, port: int, timeout: float) -> float | None:
        """See Reach."""
        clock = asyncio.get_running_loop().time
        started = clock()
        try:
            async with asyncio.timeout(timeout):
                _, writer = await asyncio.open_connection(address, port)
        except (OSError, TimeoutError):
            return None
        took = clock() - started
        writer.close()
        return took

    async def get(self, url: str, *, timeout: float, limit: int, verify: bool = True) -> HttpAnswer | None:
        """See Reach. In a thread: it blocks."""
        from guru_agent.host.web import get_once

        return await asyncio.to_thread(get_once, url, timeout, limit, verify)
