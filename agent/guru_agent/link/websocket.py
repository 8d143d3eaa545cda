"""The WebSocket carrier: one outbound connection over TLS, with pings against frozen peers."""

from __future__ import annotations

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, ProxyError

from guru_agent.link.carrier import Blocked, LinkLost, Server, bracketed
from guru_policy.errors import Unreachable
from guru_wire.limits import MAX_FRAME
from guru_wire.release import VERSION

OPEN_TIMEOUT = 20.0                     # seconds
PING = 20.0                             # seconds between pings, and until an answer is overdue


class WebSocketCarrier:
    """A Carrier over one WebSocket."""

    name = "websocket"

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection

    async def send(self, text: str) -> None:
        """Hand over one message."""
        try:
            await self._connection.send(text)
        except ConnectionClosed as cause:
            raise _lost(cause) from cause

    async def receive(self) -> str | bytes:
        """The next message."""
        try:
            return await self._connection.recv()
        except ConnectionClosed as cause:
            raise _lost(cause) from cause

    async def close(self) -> None:
        """Say goodbye for at most a second, then cut."""
        await self._connection.close()


async def open_websocket(server: Server) -> WebSocketCarrier:
    """Connect. Unreachable when nobody is there; Blocked when somebody in between or the server refuses."""
    address = f"wss://{bracketed(server.host)}:{server.port}{server.base}/link"
    try:
        connection = await connect(
            address, ssl=server.context, proxy=server.proxy, compression=None,
            max_size=MAX_FRAME * 2, max_queue=4, open_timeout=OPEN_TIMEOUT, close_timeout=1,
            ping_interval=PING, ping_timeout=PING, user_agent_header=f"guru-agent/{VERSION}",
        )
    except ProxyError as cause:
        raise Unreachable(f"the proxy refuses {server.host}:{server.port}: {cause}") from cause
    except (InvalidHandshake, TimeoutError) as cause:
        raise Blocked(f"no WebSocket to {server.host}:{server.port}: {cause or 'no answer'}") from cause
    except OSError as cause:
        raise Unreachable(f"cannot reach {server.host}:{server.port}: {cause}") from cause
    return WebSocketCarrier(connection)


def _lost(cause: ConnectionClosed) -> LinkLost:
    end = cause.rcvd
    told = f" by the server ({end.code} {end.reason})" if end is not None else ""
    return LinkLost(f"the link was closed{told}")
