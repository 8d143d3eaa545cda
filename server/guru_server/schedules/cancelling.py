"""Ends a scheduled run that is under way: the order to end it is signed, kept, and told to its device. No HTTP."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, select, text

from guru_policy.errors import Conflict, NotFound
from guru_policy.inventory import Device
from guru_server.audit.log import record
from guru_server.bus import Bus
from guru_server.clock import Clock
from guru_server.fleet.inventory import among
from guru_server.gateway.orders import TOPIC
from guru_server.jobs.signing import Signer
from guru_server.rights.asking import Rights, Sight, ruled
from guru_server.schedules.tables import schedule_run
from guru_server.store.binding import whose
from guru_server.store.database import Database
from guru_wire.schedules import ScheduledRunEnding

MOST_LIKE = 100                         # runs whose ids begin alike
_HEX = frozenset("0123456789abcdef")
_END = text(
    "UPDATE schedule_run SET ending = :yes, cancel = :signed"
    " WHERE tenant = :tenant AND device = :device AND job = :job AND ended = :no"
)


class Canceller:
    """Has runs ended by their devices."""

    def __init__(self, db: Database, bus: Bus, clock: Clock, signer: Signer) -> None:
        self._db, self._bus, self._clock, self._signer = db, bus, clock, signer

    async def cancel(self, ref: str, rights: Rights) -> ScheduledRunEnding:
        """End the run that an id, or its beginning, means. NotFound, Conflict for one that is over, Unreachable
        without a signer.
        """
        now, reading, acting = self._clock(), await rights.sight("device.read"), await rights.sight("command.run")
        await self._signer.ready()

        def work(connection: Connection) -> ScheduledRunEnding:
            row, device = _find(connection, ref, reading)
            about = f"schedule:{row.schedule}"
            acting.require(None, [device], about)
            signed = self._signer.cancel(whose(connection), row.job, now)
            ended = connection.execute(_END, {
                "yes": True, "no": False, "signed": signed, "tenant": whose(connection), "device": device.id,
                "job": row.job,
            }).rowcount
            if not ended:
                raise Conflict(f"this run of {row.schedule} is over: {row.state}", hint="`guru schedule runs` shows it")
            self._signer.keep_authority(connection, whose(connection), now)
            record(connection, now, rights.actor, "ScheduledRunCancelled", about, f"run {row.job[:8]}",
                   device=device.id, **ruled(acting.require(connection, [device], about)))
            return ScheduledRunEnding(
                run=row.job, id=device.id, name=device.name, schedule=row.schedule, due=row.due_at)

        done = await self._db.write(work)
        await self._bus.publish(TOPIC, [done.id])
        return done


def _find(connection: Connection, ref: str, sight: Sight) -> tuple[Row[Any], Device]:
    prefix, hint = ref.lower(), "`guru schedule runs -o wide` shows their ids"
    if not 4 <= len(prefix) <= 32 or not _HEX.issuperset(prefix):
        raise NotFound(f"no scheduled run is called {ref[:64]}", hint=hint)
    run = schedule_run.c
    alike: list[Row[Any]] = []
    alike += connection.execute(select(
        run.device, run.job, run.schedule, run.state, run.due_at,
    ).where(run.tenant == whose(connection), run.job >= prefix, run.job < prefix + "g").limit(MOST_LIKE))
    known = {one.id: one for one in among(connection, whose(connection), sorted({row.device for row in alike}))}
    found = [row for row in alike if row.device in known and sight.sees(known[row.device])]
    if alike and not found:
        sight.hidden(f"run:{alike[0].job}")
    if not found:
        raise NotFound(f"no scheduled run is called {ref[:64]}", hint=hint)
    if len(found) > 1:
        raise Conflict(f"several scheduled runs begin with {prefix}", hint="write more of the id")
    return found[0], known[found[0].device]
