"""Keeps a connection to the server: when to try, how, and how long to wait. It looks into no message."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable

from guru_agent.clock import Clock
from guru_agent.link.carrier import Blocked, Carrier, LinkLost, Server, distrusted
from guru_agent.link.following import Follower
from guru_agent.link.handshake import TurnedAway
from guru_agent.link.network import Near, Network
from guru_agent.link.session import Session
from guru_agent.logs import plain, say
from guru_policy.errors import Unreachable, Untrusted
from guru_wire.link import Welcome

LOG = logging.getLogger(__name__)
LONGEST = 60.0                          # seconds of back-off at most
REVOKED = 3600.0                        # seconds between tries of a device that was revoked
BLOCKED_TRIES = 2                       # WebSockets that did not get through, until long-poll is used
WEBSOCKET_AGAIN = 600.0                 # seconds until a WebSocket is tried again
STEADY = 10.0                           # seconds a link must stand to begin the back-off anew


class Dialler:
    """Chooses the carrier and the wait. `report(state, carrier)` hears of every change of the link."""

    def __init__(
        self, server: Server, session: Session, clock: Clock, report: Callable[[str, str], None],
        *, longest: float = LONGEST, websocket_again: float = WEBSOCKET_AGAIN, follower: Follower | None = None,
        network: Network | None = None,
    ) -> None:
        self._server, self._session, self._clock, self._report = server, session, clock, report
        self._longest, self._again, self._follower = longest, websocket_again, follower
        self._network = network or Near()
        self._blocked = 0               # WebSockets in a row that did not get through
        self._failures = 0              # connections in a row that did not last
        self._said = ""

    async def run(self) -> None:
        """Stay linked until cancelled."""
        while True:
            wait = await self._once()
            await asyncio.sleep(wait)

    async def _once(self) -> float:
        """One connection from dial to end; returns the seconds to wait after it."""
        try:
            await self._link()
        except TurnedAway as refusal:
            self._say_once(refusal.message)
            if refusal.revoked:
                return REVOKED
        except (Unreachable, Untrusted) as error:
            self._say_once(error.message)
            if distrusted(error) and await self._follow():
                return 0.0
        else:
            return 0.0                  # a long-poll link made room to try a WebSocket
        finally:
            self._report("down", "")
        return self._backoff()

    def _backoff(self) -> float:
        """Full jitter: anywhere between 0 and a bound that doubles."""
        bound = min(self._longest, 2.0**self._failures)
        self._failures = min(self._failures + 1, 16)
        return random.uniform(0, bound)          # noqa: S311 - spreads load, keeps no secret

    async def _link(self) -> None:
        carrier = await self._dial()
        try:
            welcome = await self._greet(carrier)
            if self._follower and welcome.trust > self._follower.serial and await self._follow():
                return                  # dial anew, with the new keys
            stood = self._clock.monotonic()
            self._said = ""
            say(LOG, "linked", carrier=carrier.name, serial=welcome.serial)
            if welcome.held:
                say(LOG, "held", logging.WARNING, reason=f"this device is {plain(welcome.held, 20)}: it gets nothing")
            self._report(plain(welcome.held, 20) or "up", carrier.name)
            try:
                async with asyncio.timeout(self._again if carrier.name == "long-poll" else None):
                    await self._session.run(carrier, welcome)
            except TimeoutError:
                self._blocked = BLOCKED_TRIES - 1
            finally:
                if self._clock.monotonic() - stood > STEADY:
                    self._failures = 0
        finally:
            await carrier.close()

    async def _follow(self) -> bool:
        """Whether the server's keys had changed, and are believed now."""
        if self._follower is None:
            return False
        try:
            answer = await self._network.trust(self._server)
        except (Unreachable, Untrusted) as error:
            say(LOG, "the server's keys were not followed", logging.WARNING, reason=error.message)
            return False
        found = self._follower.follow(self._server, answer)
        if found is None:
            return False
        self._server = found
        return True

    async def _dial(self) -> Carrier:
        if self._blocked < BLOCKED_TRIES:
            try:
                return await self._network.websocket(self._server)
            except Blocked:
                self._blocked += 1
                raise
        try:
            return await self._network.longpoll(self._server)
        except Unreachable:
            self._blocked = 0           # then it is not the WebSocket that is in the way
            raise

    async def _greet(self, carrier: Carrier) -> Welcome:
        try:
            welcome = await self._session.begin(carrier)
        except LinkLost:
            # Some boxes let the upgrade pass and then swallow the frames.
            self._blocked = self._blocked + 1 if carrier.name == "websocket" else 0
            raise
        if carrier.name == "websocket":
            self._blocked = 0
        return welcome

    def _say_once(self, reason: str) -> None:
        if reason != self._said:
            say(LOG, "not linked", logging.WARNING, reason=reason)
        self._said = reason
