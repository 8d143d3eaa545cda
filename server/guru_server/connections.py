"""HTTP connections on their way in: few for one address, and none that keeps its head back. It reads no body.

uvicorn waits without end for the first byte, for the rest of a head, and for a body that was answered already.
What was upgraded to a WebSocket is not counted here: the gateway bounds links before and after their handshake.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from guru_server.origins import Places, origin_of

INCOMPLETE = 16 << 10                   # bytes of a head, when nobody says otherwise


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """`head` in seconds is what a peer has for a head; `each` are the connections of one address."""

    head: float = 15.0
    each: int = 1_000
    most: int = 20_000


class Unambiguous(h11.Connection):
    """Takes no request that says twice how long its body is: a proxy in front may believe the other (RFC 9112, 6.1)."""

    def next_event(self) -> h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]:
        """The next event; RemoteProtocolError for such a request."""
        event = super().next_event()
        if isinstance(event, h11.Request):
            names = {name for name, _ in event.headers}
            if {b"content-length", b"transfer-encoding"} <= names:
                raise h11.RemoteProtocolError("a body has a length or comes in chunks, not both")
        return event


class BoundedHttp(H11Protocol):
    """uvicorn's protocol with those bounds; `bounded` makes the one that a server uses."""

    limits = ConnectionLimits()
    places = Places(limits.most, limits.each)
    _origin: str | None = None          # where it holds a place
    _late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn does
        """Take a place, or end at once when there is none."""
        self.conn = Unambiguous(h11.SERVER, self.config.h11_max_incomplete_event_size or INCOMPLETE)
        super().connection_made(transport)
        origin = origin_of(self.client[0] if self.client else "")
        if not self.places.take(origin):
            transport.abort()
            return
        self._origin = origin
        self._expect()

    def data_received(self, data: bytes) -> None:
        """Hand on what came, and wait for the rest only so long."""
        super().data_received(data)
        self._expect()

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        """Leave: the connection is another protocol's from now on."""
        self._leave()
        super().handle_websocket_upgrade(event)

    def connection_lost(self, exc: Exception | None) -> None:
        """Leave."""
        self._leave()
        super().connection_lost(exc)

    def _expect(self) -> None:
        """Start the clock when the peer owes something that nobody else waits for, stop it when not."""
        theirs, ours = self.conn.their_state, self.conn.our_state
        owing = theirs is h11.IDLE or (theirs is h11.SEND_BODY and ours is h11.DONE)
        if not owing or self._origin is None:
            self._stop()
        elif self._late is None:
            self._late = self.loop.call_later(self.limits.head, self.transport.abort)

    def _leave(self) -> None:
        self._stop()
        if self._origin is not None:
            self.places.leave(self._origin)
            self._origin = None

    def _stop(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None


def bounded(limits: ConnectionLimits) -> type[BoundedHttp]:
    """The protocol of one server: its connections share the places."""
    return type("BoundedHttp", (BoundedHttp,), {
        "limits": limits, "places": Places(limits.most, limits.each),
    })
