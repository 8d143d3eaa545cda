"""One connection after its handshake: uplink and downlink side by side. It never outlives its carrier."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from typing import Protocol

from guru_agent.clock import Clock
from guru_agent.link.carrier import Carrier, LinkLost
from guru_agent.link.courier import Courier
from guru_agent.link.downlink import Downlink
from guru_agent.link.handshake import Saying, TurnedAway, read_frame, shake_hands
from guru_agent.link.rekeying import public_text, rekey
from guru_agent.link.uplink import ACK_TIMEOUT, Uplink
from guru_agent.state.blobs import Blobs
from guru_agent.state.desired import Desired
from guru_agent.state.identity import Identity
from guru_agent.state.refusals import Refusals
from guru_agent.state.spool import Spool
from guru_wire.chunks import ChunkGot, ChunkHere, ChunkNo
from guru_wire.link import Ack, Cancel, Chunk, Current, Order, Rekeyed, Welcome
from guru_wire.link import Desired as DesiredMessage


class Orders(Protocol):
    """Whoever takes what the server orders. None of these may block."""

    def greeted(self, *, anew: bool) -> None:
        """A link stands and the time is known; `anew`: this device's store is older than the server's memory of it."""

    def ordered(self, message: Order) -> None:
        """An order came."""

    def cancelled(self, message: Cancel) -> None:
        """A cancellation came."""


class Session:
    """What a connection needs of the agent."""

    def __init__(
        self, identity: Identity, spool: Spool, desired: Desired, blobs: Blobs, clock: Clock,
        refusals: Refusals, orders: Orders, *, ack_timeout: float = ACK_TIMEOUT,
        anew: Callable[[], None] = lambda: None, courier: Courier | None = None,
    ) -> None:
        """`anew` is called when the whole inventory is to be told again."""
        self._identity, self._spool, self._desired, self._blobs = identity, spool, desired, blobs
        self._clock, self._refusals, self._orders, self._ack_timeout = clock, refusals, orders, ack_timeout
        self._anew, self._courier = anew, courier or Courier()
        self._process = secrets.token_hex(16)   # on no disk: two machines with one key are told apart by it
        self._by_rotating = False       # the server may know this device by its next key only

    async def begin(self, carrier: Carrier) -> Welcome:
        """Shake hands, take the server's time, and forget what it has already.

        LinkLost when the spool turned out older than the server's mark (a restored disk): it got a new id.
        """
        welcome = await self._shake(carrier)
        self._clock.learn(welcome.now)
        self._orders.greeted(anew=welcome.mark > self._spool.last)
        if welcome.mark > self._spool.last:
            self._spool.renew()
            self._anew()
            raise LinkLost("the server knows more of this spool than the spool does: it begins anew")
        self._spool.acknowledge(welcome.mark)
        if welcome.inventory:
            self._anew()
        return welcome

    async def _shake(self, carrier: Carrier) -> Welcome:
        """Shake hands by this device's key, or by its next one when the server knows only that."""
        rotating = self._identity.rotating
        self._by_rotating = self._by_rotating and rotating is not None
        key = rotating if self._by_rotating and rotating else self._identity.key
        saying = Saying(self._spool.id, self._desired.seen, self._process, key)
        try:
            welcome = await shake_hands(carrier, self._identity, saying)
        except TurnedAway as refusal:
            self._by_rotating = rotating is not None and not refusal.revoked and not self._by_rotating
            raise
        if self._by_rotating:
            self._identity.renew(key)
            self._by_rotating = False
        return welcome

    async def _rekey(self, carrier: Carrier) -> None:
        """Ask to be known by a new key, which is on disk already; the answer comes with the others."""
        new = await asyncio.to_thread(self._identity.make_rotating)     # a TPM takes its time
        await carrier.send(rekey(self._identity.device, self._identity.key, new).model_dump_json())

    def _rekeyed(self, public_key: str) -> None:
        new = self._identity.rotating
        if new is None or public_text(new) != public_key:
            raise LinkLost("the server names a key that is not this device's")
        # Nobody signed that: the key is taken when a Welcome proves that the server let it in.
        self._by_rotating = True
        raise LinkLost("the server has this device's next key: linking anew by it")

    async def run(self, carrier: Carrier, welcome: Welcome) -> None:
        """Talk until the connection ends, which raises LinkLost (or what else went wrong)."""
        uplink = Uplink(carrier, self._spool, ack_timeout=self._ack_timeout)
        downlink = Downlink(
            carrier, self._desired, self._blobs, self._identity, self._clock, self._refusals, welcome.serial
        )
        loop = asyncio.get_running_loop()       # blobs are read in threads too
        self._blobs.on_loss = lambda: _later(loop, downlink.lost)
        if welcome.rotate and not welcome.held:
            await self._rekey(carrier)
        parts = [downlink.run(), self._receive(carrier, uplink, downlink)]
        if not welcome.held:            # what a held device says would be thrown away: it is kept here
            parts.append(uplink.run())
        jobs = [asyncio.create_task(part) for part in parts]
        try:
            with self._courier.over(carrier, welcome):
                done, _ = await asyncio.wait(jobs, return_when=asyncio.FIRST_COMPLETED)
            for job in done:
                job.result()
        finally:
            for job in jobs:
                job.cancel()
            await asyncio.gather(*jobs, return_exceptions=True)

    async def _receive(self, carrier: Carrier, uplink: Uplink, downlink: Downlink) -> None:
        while True:
            message = read_frame(await carrier.receive())
            if isinstance(message, Ack):
                uplink.acknowledged(message.seq)
            elif isinstance(message, Current):
                downlink.announced(message.serial)
            elif isinstance(message, DesiredMessage | Chunk):
                downlink.answered(message)
            elif isinstance(message, ChunkHere | ChunkGot | ChunkNo):
                self._courier.answered(message)
            elif isinstance(message, Order):
                self._orders.ordered(message)
            elif isinstance(message, Cancel):
                self._orders.cancelled(message)
            elif isinstance(message, Rekeyed):
                self._rekeyed(message.public_key)
            else:
                raise LinkLost("the server began a second handshake")


def _later(loop: asyncio.AbstractEventLoop, call: Callable[[], None]) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(call)
