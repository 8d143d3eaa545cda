"""Is an order genuine, for this device, in time and new? Only then it is handed on. It runs nothing."""

from __future__ import annotations

import base64
import binascii
from typing import NamedTuple

from guru_agent.clock import Clock
from guru_agent.state.identity import Identity
from guru_agent.state.runs import Runs
from guru_policy.errors import Untrusted
from guru_wire import link
from guru_wire.orders import Expired, Order, Proof, open_authority, open_cancel, open_order
from guru_wire.signing import Signed


class Forgotten(NamedTuple):
    """A genuine order from before this memory began: it may have run."""

    job: str
    expires_at: int


class Acceptance:
    """What this device believes of orders. Untrusted is raised with the reason, for the server to hear."""

    def __init__(self, identity: Identity, runs: Runs, clock: Clock) -> None:
        self._identity, self._runs, self._clock = identity, runs, clock

    def greeted(self, *, anew: bool) -> None:
        """A link stands, and the time is known. `anew`: the store turned out older than the server's memory of it."""
        if anew or not self._runs.born:
            self._runs.be_born(self._clock.now())

    def order(self, message: link.Order) -> Order | Forgotten | None:
        """The order; None for one that was begun before.

        Raises Expired for one that is genuine and late, Untrusted for whatever else is wrong.
        """
        proof = Proof(message.nonce, message.place, message.path)
        order = open_order(
            message.order, proof, key=self._key(message.authority), device=self._identity.device,
            now=self._clock.now(),
        )
        if self._runs.knows(order.job):
            return None
        if order.expires_at <= self._runs.floor:
            raise Expired(order.job)
        if order.issued_at < self._runs.born:
            return Forgotten(order.job, order.expires_at)
        return order

    def cancel(self, message: link.Cancel) -> str:
        """The job that is to end."""
        return open_cancel(message.cancel, key=self._key(message.authority)).job

    def _key(self, signed: Signed) -> bytes:
        """The command key that the state key vouches for."""
        authority = open_authority(signed, state_key=self._identity.state_key, now=self._clock.now())
        self._runs.authority(authority)
        try:
            return base64.b64decode(authority.key, validate=True)
        except binascii.Error as cause:
            raise Untrusted("the key of an order is not base64") from cause
