"""The body of a request, remembered while it is read, for an act that turns out to need a second person."""

from __future__ import annotations

from starlette.types import Message, Receive

MOST = 128 << 10                        # bytes of a body that can be kept


class Recorded:
    """A receiver that remembers what it gave, unless that is too much."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._body = bytearray()
        self._whole = self._large = False

    async def __call__(self) -> Message:
        """The next message."""
        message = await self._receive()
        if message["type"] == "http.request" and not self._whole:
            self._body += message.get("body", b"")
            self._whole = not message.get("more_body", False)
            if len(self._body) > MOST:
                self._large = True
                self._body.clear()
        return message

    async def whole(self) -> bytes | None:
        """All of it, read to its end; None when it is too large, or its sender went away."""
        while not self._whole and not self._large:
            if (await self())["type"] != "http.request":
                return None
        return None if self._large else bytes(self._body)
