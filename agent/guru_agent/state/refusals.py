"""What the agent would not take, told to the server: once for each cause, never the thing itself."""

from __future__ import annotations

import logging

from guru_agent.clock import Clock
from guru_agent.logs import plain, say
from guru_agent.state.spool import Spool
from guru_agent.state.store import StoreFull
from guru_policy.errors import GuruError
from guru_wire.uplink import Refusal

LOG = logging.getLogger(__name__)
AGAIN = 3600.0                          # seconds until the same refusal is told again
KNOWN = 64                              # causes remembered


class Refusals:
    """Puts refusals into the spool."""

    def __init__(self, spool: Spool, clock: Clock) -> None:
        self._spool, self._clock = spool, clock
        self._told: dict[str, float] = {}

    def tell(self, error: GuruError, serial: int | None) -> None:
        """Report that something was refused, and log it; not again within an hour for the same cause."""
        same = f"{error.code}:{error.message}"
        now = self._clock.monotonic()
        if now < self._told.get(same, now) + AGAIN and same in self._told:
            return
        if len(self._told) >= KNOWN:
            self._told.clear()
        message = plain(error.message, 500)
        say(LOG, "refused what came", logging.ERROR, code=error.code, reason=message, serial=serial)
        body = Refusal(at=self._clock.now(), code=error.code, message=message, serial=serial)
        try:
            self._spool.add_result("refusal", body.model_dump_json().encode(), same=same, subject="refusal")
        except StoreFull:
            return                      # told when it happens again
        self._told[same] = now
