"""What `guru doctor` says of the audit log: is it signed, and do anchors hold what was signed. Looks only."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from sqlalchemy import Connection

from guru_server.audit import checkpoints, verifying
from guru_server.clock import Clock
from guru_server.store.binding import whose
from guru_server.store.database import Database
from guru_wire.health import Diagnosis

PATIENCE = 60.0                         # seconds beyond the rhythm: another server may have to take over


def signed_lately(db: Database, clock: Clock, every: float) -> Callable[[], Awaitable[Diagnosis]]:
    """A probe. Rows may be unsigned for two rhythms and a takeover."""

    async def audit() -> Diagnosis:
        now = clock()
        return await db.read(lambda connection: _looked(connection, now, 2 * every + PATIENCE))

    return audit


def _looked(connection: Connection, now: int, patience: float) -> Diagnosis:
    newest = checkpoints.newest(connection, whose(connection))
    seq = newest.seq if newest else checkpoints.head(connection, whose(connection)).root
    unsigned = next(iter(verifying.entries(connection, whose(connection), seq, 1)), None)
    if unsigned is not None and now - unsigned.at > patience * 1000:
        return _bad(f"row {unsigned.seq} is not signed yet", "look at the server's log, and at `guru audit verify`")
    for anchor in checkpoints.anchors(connection, whose(connection)).values():
        if anchor.error:
            return _bad(f"{anchor.place} holds row {anchor.seq} and no later one: {anchor.error}",
                        "look at audit.anchor in the server's settings")
    places = ", ".join(checkpoints.anchors(connection, whose(connection)))
    where = f"anchored by {places}" if places else "anchored nowhere: set audit.anchor.file or audit.anchor.git"
    return Diagnosis(name="audit", ok=True, message=f"signed up to row {seq}, {where}")


def _bad(message: str, fix: str) -> Diagnosis:
    return Diagnosis(name="audit", ok=False, message=message, fix=fix)
