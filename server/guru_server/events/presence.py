"""Tells when devices come and go, by the same rule as every list. Level-based: it compares what is with what was told.

`run` is work for the lease `events`.
"""

from __future__ import annotations

import asyncio
import logging
import time

from sqlalchemy import Connection, text

from guru_policy.errors import Conflict, Unreachable
from guru_server.clock import Clock
from guru_server.events.noting import Happening, note
from guru_server.fleet.state import LINK_QUIET_MS, MISSED
from guru_server.leases import Fence, held
from guru_server.store.database import Database

log = logging.getLogger("guru.events")
EVERY, SHARE = 5.0, 50                  # seconds between looks, and how much longer it rests than one takes
AT_ONCE = 1_000                         # devices told of in one transaction

# guru_server.fleet.state.online, as SQL; a test holds the two together.
_CHANGED = text(f"""
    SELECT device, online FROM (
        SELECT s.device AS device, p.online AS told, CASE
            WHEN s.last_seen IS NULL THEN 0
            WHEN s.connected IS NOT NULL AND :now - s.last_seen <= {LINK_QUIET_MS} THEN 1
            WHEN :now - s.last_seen <= {MISSED} * s.heartbeat * 1000 THEN 1
            ELSE 0 END AS online
        FROM device_state s JOIN device d ON d.tenant = s.tenant AND d.id = s.device
        LEFT JOIN presence p ON p.tenant = s.tenant AND p.device = s.device
        WHERE s.tenant = :tenant AND d.revoked_at IS NULL AND d.held <> 'pending'
    ) AS seen WHERE (online = 1) <> (told IS NOT NULL AND told) ORDER BY device LIMIT {AT_ONCE}
""")                                    # noqa: S608 - numbers of our own
_TOLD = text(
    "INSERT INTO presence (tenant, device, online, since) VALUES (:tenant, :device, :online, :now)"
    " ON CONFLICT (tenant, device) DO UPDATE SET online = excluded.online, since = excluded.since"
)
_GONE = text(
    "DELETE FROM presence WHERE tenant = :tenant AND device IN (SELECT id FROM device WHERE tenant = :tenant"
    " AND revoked_at IS NOT NULL)"
)


class Presence:
    """Looks at which devices are there."""

    def __init__(self, db: Database, tenant: str, clock: Clock, *, every: float = EVERY) -> None:
        self._db, self._tenant, self._clock, self._every = db, tenant, clock, every

    async def run(self, fence: Fence) -> None:
        """Look until cancelled."""
        while True:
            began = time.monotonic()
            try:
                while await self.look(fence) == AT_ONCE:
                    pass
            except Unreachable as cause:
                log.warning("who is there cannot be told now: %s", cause)
            except Conflict as cause:
                log.warning("somebody else tells who is there: %s", cause)
            await asyncio.sleep(max(self._every, SHARE * (time.monotonic() - began)))

    async def look(self, fence: Fence) -> int:
        """One look; how many devices came or went. It writes only when some did."""
        now = self._clock()
        if not await self._db.read(lambda connection: _changed(connection, self._tenant, now)):
            return 0

        def tell(connection: Connection) -> int:
            held(connection, fence)
            found = _changed(connection, self._tenant, now)
            if found:
                connection.execute(_TOLD, [
                    {"tenant": self._tenant, "device": device, "online": online, "now": now} for device, online in found
                ])
                connection.execute(_GONE, {"tenant": self._tenant})
            note(connection, self._tenant, now, (
                Happening("device.online" if online else "device.offline", f"device:{device}", {}, device=device)
                for device, online in found
            ))
            return len(found)

        return await self._db.write(tell)


def _changed(connection: Connection, tenant: str, now: int) -> list[tuple[str, bool]]:
    rows = connection.execute(_CHANGED, {"tenant": tenant, "now": now})
    return [(row.device, bool(row.online)) for row in rows]
