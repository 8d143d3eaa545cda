"""Live links of this process: at most one a device, a newer one in the place of the older. No I/O."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import NamedTuple

from guru_server.gateway.frames import written
from guru_server.gateway.limits import Bucket
from guru_server.gateway.marks import Source
from guru_wire.link import Ack, Current

REPLACED = 4001                         # WebSocket close codes of our own (RFC 6455, 7.4.2)
REVOKED = 4003
STANDING = 4004                         # held, let go, or to renew its key: it comes back at once
BROKEN = 4008
REFUSED = 4010
SPENT = 4029
FULL = 1013
GOING_AWAY = 1001


class Ending(NamedTuple):
    """Why a link ends: a WebSocket close code and a sentence."""

    code: int
    reason: str


class Link:
    """What the server has to say to one device, and what waits to be stored. Carriers take frames from it.

    `wake` is called whenever there is something to take; it must not block.
    """

    __slots__ = (
        "_ack", "_current", "_frames", "_relief", "_waiting", "allowed", "bucket", "ending", "held", "inflight",
        "key", "language", "outgoing", "pulled", "rotate", "serial", "source", "wake",
    )

    def __init__(self, source: Source, *, language: int, serial: int, pulled: int, bucket: Bucket) -> None:
        self.source, self.language, self.bucket = source, language, bucket
        self.serial = serial                            # of the newest manifest, as the device was told
        self.pulled = pulled                            # of the manifest that it has
        self.allowed: frozenset[str] = frozenset()      # digests that the last Desired named
        self.held = ""                                  # pending | quarantined: nothing goes either way
        self.rotate = False                             # the device was told to renew its key
        self.key = b""                                  # the device's, 32 raw bytes
        self.ending: Ending | None = None
        self.inflight = self.outgoing = 0               # bytes
        self.wake: Callable[[], None] = _nobody
        self._frames: list[bytes] = []                  # lists: an empty deque takes 0.75 KB, and 50,000 links idle
        self._waiting: list[tuple[int, int]] = []       # last sequence and size of each delivery
        self._ack: int | None = None
        self._current: int | None = None
        self._relief: asyncio.Event | None = None       # made when somebody waits

    def answer(self, frame: bytes) -> None:
        """Queue an answer; a link that ends says no more."""
        if self.ending is not None:
            return
        self._frames.append(frame)
        self.outgoing += len(frame)
        self.wake()

    def received(self, last_seq: int, size: int) -> None:
        """Count a delivery until it is stored."""
        self._waiting.append((last_seq, size))
        self.inflight += size

    def stored(self, seq: int) -> None:
        """Everything up to `seq` is committed: acknowledge it. Several become one message."""
        while self._waiting and self._waiting[0][0] <= seq:
            self.inflight -= self._waiting.pop(0)[1]
        self._relieve()
        if self.ending is None:
            self._ack = seq
            self.wake()

    def changed(self, serial: int) -> None:
        """The device's manifest has this serial; says so once, and only when it is news."""
        if serial > self.serial and self.ending is None:
            self.serial = self._current = serial
            self.wake()

    def remind(self) -> None:
        """Say the serial again when the device did not pull it: for carriers that lose messages."""
        if self.serial > self.pulled and self.ending is None:
            self._current = self.serial

    def end(self, code: int, reason: str) -> None:
        """Say goodbye. Nothing that arrives from now on is taken, and what was not sent is dropped."""
        if self.ending is None:
            self.ending = Ending(code, reason)
            self._frames.clear()
            self.outgoing, self._ack, self._current = 0, None, None
            self._relieve()
            self.wake()

    def take(self) -> bytes | None:
        """The next frame to send: acknowledgements first; None when there is nothing to say."""
        if self._ack is not None:
            seq, self._ack = self._ack, None
            return written(Ack(seq=seq))
        if self._current is not None:
            serial, self._current = self._current, None
            return written(Current(serial=serial))
        if not self._frames:
            return None
        frame = self._frames.pop(0)
        self.outgoing -= len(frame)
        self._relieve()
        return frame

    async def room(self, *, inflight: int, outgoing: int) -> None:
        """Return when no more than this many bytes wait either way, or when the link ends."""
        while (self.inflight > inflight or self.outgoing > outgoing) and self.ending is None:
            if self._relief is None:
                self._relief = asyncio.Event()
            await self._relief.wait()

    def _relieve(self) -> None:
        if self._relief is not None:
            self._relief.set()
            self._relief = None


class Registry:
    """The links after their handshake, by device."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._links: dict[str, Link] = {}

    def __len__(self) -> int:
        return len(self._links)

    def adopt(self, link: Link) -> bool:
        """Take the link as the device's own and end an older one; False when the process is full."""
        older = self._links.get(link.source.device)
        if older is None and len(self._links) >= self._most:
            return False
        self._links[link.source.device] = link
        if older is not None:
            older.end(REPLACED, "a newer link of this device took its place")
        return True

    def forget(self, link: Link) -> bool:
        """Drop the link; False when another has taken its place already."""
        if self._links.get(link.source.device) is not link:
            return False
        del self._links[link.source.device]
        return True

    def of(self, device: str) -> Link | None:
        """The device's link, when it is here."""
        return self._links.get(device)

    def among(self, devices: Iterable[str]) -> list[Link]:
        """The links of those of these devices that are here."""
        return [self._links[device] for device in devices if device in self._links]

    def all(self) -> list[Link]:
        """Every link, as it is now."""
        return list(self._links.values())


def _nobody() -> None:
    """Before a carrier listens, nobody is woken."""
