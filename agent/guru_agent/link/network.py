"""How this agent gets to its server: the seam between what decides and what carries. It reads no frame."""

from __future__ import annotations

import asyncio
from typing import Protocol

from guru_agent.link.carrier import Carrier, Server

TRUST_PATH = "/api/v1/trust"
TRUST_TIMEOUT = 20.0                    # seconds of the request
MOST_TRUST = 1 << 20                    # bytes of its answer


class Network(Protocol):
    """Opens connections. Each raises Unreachable, Untrusted when whoever answers has another certificate."""

    async def websocket(self, server: Server) -> Carrier:
        """A WebSocket; Blocked when somebody answers and lets none through."""
        ...

    async def longpoll(self, server: Server) -> Carrier:
        """The same frames in HTTPS requests."""
        ...

    async def trust(self, server: Server) -> bytes:
        """What the server says of its keys, over a connection that nobody verified: JSON, worth nothing yet."""
        ...


class Near:
    """A Network in this process."""

    async def websocket(self, server: Server) -> Carrier:
        """A WebSocket."""
        from guru_agent.link.websocket import open_websocket

        return await open_websocket(server)

    async def longpoll(self, server: Server) -> Carrier:
        """The same frames in HTTPS requests."""
        from guru_agent.link.longpoll import open_longpoll

        return await open_longpoll(server)

    async def trust(self, server: Server) -> bytes:
        """Ask for it in a thread: it blocks."""
        return await asyncio.to_thread(ask_trust, server)


def ask_trust(server: Server) -> bytes:
    """The answer of a server whose certificate is not looked at: the authority may be what changed."""
    import ssl

    from guru_agent.link.requests import Line
    from guru_policy.errors import Unreachable

    unverified = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    unverified.check_hostname = False
    unverified.verify_mode = ssl.CERT_NONE
    line = Line(server._replace(context=unverified), most=MOST_TRUST)
    try:
        answer = line.ask("GET", TRUST_PATH, timeout=TRUST_TIMEOUT)
    finally:
        line.hang_up()
    if answer.status != 200:
        raise Unreachable(f"the server answered {answer.status} when asked for its keys")
    return answer.body
