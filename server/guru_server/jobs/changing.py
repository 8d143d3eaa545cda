"""How the runs of a job change: every change gets the job's next number, so that whoever watches misses none.

A job's row is raised first, which on PostgreSQL holds it until the commit: numbers appear in their order. What a
device said of its run's end is final; what the server concluded gives way to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection, text

from guru_server.audit.log import Deed, append
from guru_server.store.binding import whose
from guru_wire.running import State

_NUMBERS = text(
    "UPDATE job SET changes = changes + :count, kept = kept + :bytes WHERE tenant = :tenant AND id = :job"
    " RETURNING changes, kept, output, actor, what"
)
_CONCLUDE = text(
    "UPDATE job_run SET state = :state, reason = :reason, finished_at = :now, changed = :changed"
    " WHERE tenant = :tenant AND job = :job AND device = :device AND heard = :no AND state = :was"
)


class Numbers(NamedTuple):
    """What a job's row said when it was raised. `first` is the first of the numbers that were given."""

    first: int
    kept: int                           # bytes of output, those counted now among them
    output: int                         # that one run may keep
    actor: str
    what: str


class Conclusion(NamedTuple):
    """What the server concludes of a run that was in the state `was`."""

    device: str
    was: State
    state: State
    reason: str


def numbers(connection: Connection, job: str, count: int, size: int = 0) -> Numbers | None:
    """The next `count` numbers of the job, with `size` bytes of output counted; None when there is no such job."""
    values = {"tenant": whose(connection), "job": job, "count": count, "bytes": size}
    row = connection.execute(_NUMBERS, values).one_or_none()
    if row is None:
        return None
    return Numbers(row.changes - count + 1, row.kept, row.output, row.actor, row.what)


def conclude(connection: Connection, job: str, found: Sequence[Conclusion], now: int) -> None:
    """Write what the server concludes, unless the device said something meanwhile; with a note in the audit log."""
    given = numbers(connection, job, len(found)) if found else None
    if given is None:
        return
    connection.execute(_CONCLUDE, [
        {"tenant": whose(connection), "job": job, "device": one.device, "state": one.state, "was": one.was, "no": False,
         "reason": one.reason[:512], "now": now, "changed": given.first + place}
        for place, one in enumerate(found)
    ])
    append(connection, now, [
        audited(given.actor, job, one.device, given.what, f"{one.state}: {one.reason}") for one in found
    ])


def audited(actor: str, job: str, device: str, what: str, how: str) -> Deed:
    """Who ran what where with what result, as the audit log keeps it."""
    return Deed(actor, "JobRunEnded", f"job:{job}", f"{how}; {what}", device=device)
